package redhat

import (
	"cmp"
	"slices"
	"strings"

	"muster/internal/advisory"
)

// entries collects affected entries; what differs by architecture only is one.
type entries struct {
	list  []advisory.Affected
	index map[entryKey]int
}

type entryKey struct {
	ecosystem, name, module, fixed, word string
	status                               advisory.Status
}

func (e *entries) add(p product, status advisory.Status, fixed, word string) {
	if isDebug(p.name) {
		return
	}
	key := entryKey{p.ecosystem, p.name, p.module, fixed, word, status}
	i, known := e.index[key]
	if !known {
		i = len(e.list)
		a := advisory.Affected{Ecosystem: p.ecosystem, Name: p.name, Module: p.module, Status: status, Word: word, Ranges: advisory.Everything()}
		if fixed != "" {
			a.Ranges = advisory.Below(fixed)
		}
		if p.arch != "" {
			a.Arches = []string{p.arch}
		}
		if e.index == nil {
			e.index = map[entryKey]int{}
		}
		e.index[key], e.list = i, append(e.list, a)
		return
	}
	switch a := &e.list[i]; {
	case p.arch == "":
		a.Arches = nil // any
	case len(a.Arches) > 0 && len(a.Arches) < maxArches && !slices.Contains(a.Arches, p.arch):
		a.Arches = append(a.Arches, p.arch)
	}
}

// isDebug: symbols and sources for debuggers hold no running code.
func isDebug(name string) bool {
	return strings.HasSuffix(name, "-debuginfo") || strings.HasSuffix(name, "-debugsource") || strings.Contains(name, "-debuginfo-common")
}

// sorted gives the entries an order that does not depend on the document's.
func (e *entries) sorted() []advisory.Affected {
	for i := range e.list {
		slices.Sort(e.list[i].Arches)
	}
	slices.SortStableFunc(e.list, func(a, b advisory.Affected) int {
		return cmp.Or(cmp.Compare(a.Ecosystem, b.Ecosystem), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Module, b.Module),
			cmp.Compare(a.Status, b.Status), cmp.Compare(fixOf(a), fixOf(b)), cmp.Compare(a.Word, b.Word))
	})
	return e.list
}

// states makes the entries of a VEX document.
func (d *document) states(v *vulnerability, t *tree) []advisory.Affected {
	var out entries
	words := d.words(v)
	unfixed := v.unfixed()
	add := func(ids []string, status func(id string) advisory.Status) {
		for _, id := range ids {
			if p, ok := t.resolve(id); ok {
				out.add(p, status(id), "", words.of(id))
			}
		}
	}
	d.addFixes(&out, v, t, words)
	add(v.Status.Affected, func(id string) advisory.Status { return unfixed[id] })
	add(v.Status.NotAffected, func(string) advisory.Status { return advisory.StatusNotAffected })
	add(v.Status.Investigation, func(string) advisory.Status { return advisory.StatusInvestigated })
	return out.sorted()
}

// fixes makes the entries of an erratum.
func (d *document) fixes(v *vulnerability, t *tree) []advisory.Affected {
	var out entries
	d.addFixes(&out, v, t, d.words(v))
	return out.sorted()
}

func (d *document) addFixes(out *entries, v *vulnerability, t *tree, words words) {
	for _, id := range v.Status.Fixed {
		if p, ok := t.resolve(id); ok && p.version != "" {
			out.add(p, advisory.StatusAffected, p.version, words.of(id))
		}
	}
}

// unfixed says of the affected products that get no fix why that is. Products
// not in it are affected, and nothing more is known.
func (v *vulnerability) unfixed() map[string]advisory.Status {
	out := map[string]advisory.Status{}
	for _, r := range v.Remediations {
		status := advisory.StatusAffected
		details := strings.ToLower(r.Details)
		switch {
		case strings.Contains(details, "out of support"):
			status = advisory.StatusEndOfLife
		case r.Category == "no_fix_planned":
			status = advisory.StatusWontFix
		case r.Category == "none_available" && strings.Contains(details, "deferred"):
			status = advisory.StatusPostponed
		}
		if status == advisory.StatusAffected || r.Category == "workaround" || r.Category == "vendor_fix" {
			continue
		}
		for _, id := range r.Products {
			out[id] = status
		}
	}
	return out
}

// words are Red Hat's own severities by product.
type words struct {
	byProduct map[string]string
	otherwise string
}

func (w words) of(id string) string { return cmp.Or(w.byProduct[id], w.otherwise) }

func (d *document) words(v *vulnerability) words {
	out := words{byProduct: map[string]string{}, otherwise: severityWord(d.Document.Severity.Text)}
	for _, t := range v.Threats {
		word := severityWord(t.Details)
		if t.Category != "impact" || word == "" {
			continue
		}
		if len(t.Products) == 0 {
			out.otherwise = word
		}
		for _, id := range t.Products {
			out.byProduct[id] = word
		}
	}
	return out
}

func severityWord(text string) string {
	switch text {
	case "Low", "Moderate", "Important", "Critical":
		return text
	}
	return ""
}
