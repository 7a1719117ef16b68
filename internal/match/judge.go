package match

import (
	"slices"
	"strings"

	"muster/internal/advisory"
	"muster/internal/inventory"
	"muster/internal/version"
)

// judge evaluates the records of one layer for one installed version.
type judge struct {
	layer
	installed version.Version
	// parsed: the installed version has a place in the order; one that has
	// none counts only by equality.
	parsed bool
}

func newJudge(l layer) judge {
	installed, err := version.Parse(l.keys[0].Ecosystem, l.version)
	return judge{layer: l, installed: installed, parsed: err == nil}
}

// evaluate says whether the entry's ranges cover the version.
func (j *judge) evaluate(entry *advisory.Affected) (advisory.Verdict, bool) {
	if !j.parsed {
		return advisory.Verdict{Listed: true}, entry.Lists(j.version)
	}
	return entry.Evaluate(j.installed)
}

// examine evaluates the entries of a record. Of several that affect the
// version, the one with the highest fix is the proof. Spoken is false when the
// record decides nothing: it is about other packages of that name only
// (another module's stream, the source package of others), or nobody knows.
func (j *judge) examine(a *advisory.Advisory) (best proof, affected, spoken bool) {
	for i := range a.Affected {
		entry := &a.Affected[i]
		if entry.Status == advisory.StatusInvestigated || !j.concerns(a, entry) {
			continue
		}
		spoken = true
		verdict, ok := j.evaluate(entry)
		if !ok || !entry.Status.Affects() || !j.sameArch(entry) || !sameModularity(j.layer, a, verdict.Fixed) || j.foreign(verdict.Fixed) {
			continue
		}
		if !affected || newer(j.installed.Scheme(), verdict.Fixed, best.fixed) {
			best, affected = j.prove(a, entry, verdict), true
		}
	}
	if j.acquits {
		return proof{}, false, spoken && !affected
	}
	return best, affected, spoken
}

func (j *judge) prove(a *advisory.Advisory, entry *advisory.Affected, verdict advisory.Verdict) proof {
	comparator := string(j.installed.Scheme())
	if verdict.Listed {
		comparator = "equality"
	}
	word := strings.Clone(entry.Word)
	if word == "" && strings.HasPrefix(a.ID, "MAL-") {
		word = "CRITICAL" // a malicious package is, whatever its record says
	}
	return proof{
		Evidence: Evidence{
			Advisory: strings.Clone(a.ID), Database: database(a), Package: strings.Clone(entry.Name),
			Range: verdict.String(), Comparator: comparator, Compared: j.version,
		},
		fixed: strings.Clone(verdict.Fixed), word: word, status: entry.Status, paid: j.paid,
	}
}

// concerns reports whether an entry of the right name is about the package at
// all: about its source where source packages are told apart, and about its
// module stream and line of builds (feeds specification 7.2 and 7.4).
func (j *judge) concerns(a *advisory.Advisory, entry *advisory.Affected) bool {
	if len(entry.Arches) > 0 {
		source := slices.Contains(entry.Arches, sourceArch)
		switch {
		case j.source && !source:
			return false
		case !j.source && source && len(entry.Arches) == 1 && entry.Name != sourceName(j.component):
			return false
		}
	}
	return j.sameStream(a, entry) && sameLine(&j.layer, entry)
}

// sourceArch is the architecture of source packages.
const sourceArch = "src"

func sourceName(c inventory.Component) string {
	if c.Source == "" {
		return c.Name
	}
	return c.Source
}

// sameStream keeps the streams of a module apart, and modules from packages
// outside them. An entry without a module says nothing about modules where its
// publisher never names them; there the versions tell (sameModularity).
func (j *judge) sameStream(a *advisory.Advisory, entry *advisory.Affected) bool {
	if isWindows(j.component) || strings.HasPrefix(j.component.Module, extras) {
		return true // there a module is none of rpm's
	}
	ours := j.component.Module
	modular := ours != "" || moduleRelease(j.version) != ""
	switch {
	case entry.Module == "":
		return !modular || a.Feed == "" || fixedInModule(entry)
	case !modular:
		return false
	case ours == "":
		return j.streamFits(entry.Module)
	}
	return slices.Contains(strings.Fields(entry.Module), ours)
}

func fixedInModule(entry *advisory.Affected) bool {
	for _, r := range entry.Ranges {
		for _, e := range r.Events {
			if e.Kind == advisory.Fixed && moduleRelease(e.Version) != "" {
				return true
			}
		}
	}
	return false
}

// streamFits infers, where the package's label is not known, whether a modular
// build is of one of the streams. A stream that is a number begins the version
// of the package that the module is named after ("nodejs:18", 1:18.20.2-1), or
// of its source; of others nothing can be told.
func (j *judge) streamFits(modules string) bool {
	installed := j.component.SourceVersion
	if j.component.Name == sourceName(j.component) {
		installed = j.component.Version
	}
	if epoch, rest, ok := strings.Cut(installed, ":"); ok && len(epoch) < 6 {
		installed = rest
	}
	fits := func(module string) bool {
		name, stream, _ := strings.Cut(module, ":")
		if stream == "" || stream[0] < '0' || stream[0] > '9' || name != sourceName(j.component) || installed == "" {
			return true
		}
		rest, ok := strings.CutPrefix(installed, stream)
		return ok && (rest == "" || rest[0] < '0' || rest[0] > '9')
	}
	return slices.ContainsFunc(strings.Fields(modules), fits)
}

// foreign reports whether the installed version cannot be one of the
// distribution's package that a fix is for: the fix has an epoch and a
// revision, which packages never lose again, and the version has neither. It
// is a program of that name from elsewhere, of which the fix says nothing.
func (j *judge) foreign(fixed string) bool {
	return j.parsed && j.installed.Scheme() == version.Dpkg && !strings.ContainsAny(j.version, ":-") &&
		strings.Contains(fixed, ":") && strings.Contains(fixed, "-")
}

// sameArch reports whether the entry is about the package's architecture
// (feeds specification 7.3).
func (j *judge) sameArch(entry *advisory.Affected) bool {
	ours := j.component.Arch
	if len(entry.Arches) == 0 || ours == "" || ours == "noarch" || ours == "all" {
		return true
	}
	return slices.ContainsFunc(entry.Arches, func(a string) bool {
		return a == ours || a == "noarch" || a == "all" || a == sourceArch || (isX86(a) && isX86(ours))
	})
}

// isX86: i386 to i686 are one architecture.
func isX86(arch string) bool {
	return len(arch) == 4 && arch[0] == 'i' && arch[2:] == "86"
}
