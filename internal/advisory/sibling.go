package advisory

import "strings"

// noticeSources completes what AlmaLinux's notices leave out: many list only
// some of the binary packages that a fix was built as ("glibc-static" without
// "glibc"), while the title names the source package: "Moderate: glibc
// security update". The entries it returns are about that source package. A
// name counts only where the record does not list it, and where the packages
// that bear its name agree on one version, which then is the source's.
func noticeSources(id, summary string, listed []Affected) []Affected {
	if !strings.HasPrefix(id, "ALSA-") || len(summary) > maxModule {
		return nil
	}
	var out []Affected
	for _, name := range titledPackages(summary) {
		for _, ecosystem := range ecosystemsOf(listed) {
			if fixed, ok := siblingsFix(listed, ecosystem, name); ok {
				out = append(out, Affected{
					Ecosystem: ecosystem, Name: name, Ranges: Below(fixed),
					Word: noticeWord(id, summary), Arches: []string{sourceArch},
				})
			}
		}
	}
	return out
}

// sourceArch is the architecture of entries about a source package.
const sourceArch = "src"

// titledPackages are the words of a title before what it says happened:
// "ibus" and "glib2" of "Moderate: ibus and glib2 security and bug fix update".
func titledPackages(summary string) []string {
	if rating, rest, ok := strings.Cut(summary, ": "); ok && isRating(rating) {
		summary = rest
	}
	subject, _, ok := strings.Cut(summary, " security")
	if !ok || strings.Contains(subject, ":") {
		return nil
	}
	var names []string
	for word := range strings.FieldsSeq(subject) {
		if word = strings.TrimRight(word, ","); len(word) > 1 && word != "and" {
			names = append(names, word)
		}
	}
	return names
}

func ecosystemsOf(list []Affected) []string {
	var out []string
	seen := map[string]bool{}
	for i := range list {
		if e := list[i].Ecosystem; !seen[e] {
			seen[e] = true
			out = append(out, e)
		}
	}
	return out
}

// siblingsFix is the version that fixes the packages named after a source
// package; false where there are none, where they differ, where one belongs to
// a module, or where the record lists the name itself.
func siblingsFix(list []Affected, ecosystem, source string) (fixed string, ok bool) {
	for i := range list {
		entry := &list[i]
		if entry.Ecosystem != ecosystem {
			continue
		}
		if entry.Name == source {
			return "", false
		}
		if !namedAfter(entry.Name, source) {
			continue
		}
		v := entry.onlyFix()
		if v == "" || strings.Contains(v, ".module") || ok && v != fixed {
			return "", false
		}
		fixed, ok = v, true
	}
	return fixed, ok
}

// namedAfter: "glibc-static" is of glibc, "python3-lxml" of python-lxml.
func namedAfter(binary, source string) bool {
	if rest, ok := strings.CutPrefix(source, "python-"); ok {
		binary, ok = strings.CutPrefix(binary, "python3-")
		return ok && (binary == rest || strings.HasPrefix(binary, rest+"-"))
	}
	return strings.HasPrefix(binary, source+"-")
}

// onlyFix is the version that ends an entry's only interval.
func (a *Affected) onlyFix() string {
	fixed := ""
	for _, r := range a.Ranges {
		for _, e := range r.Events {
			if e.Kind != Fixed {
				continue
			}
			if fixed != "" {
				return ""
			}
			fixed = e.Version
		}
	}
	return fixed
}
