package oval

import (
	"slices"
	"strings"

	"muster/internal/advisory"
)

// meaning is what a test says.
type meaning struct {
	kind kind
	// text is the product's name, the architecture or the module; of a
	// package its name.
	text string
	// fixed is the version below which a package is affected; empty: always.
	fixed string
	// arches are those that the test of a package is about; nil: any.
	arches []string
}

type kind byte

const (
	silent kind = iota // it says nothing that matters
	isProduct
	isArch
	isModule
	isAffected
	isNotAffected
)

// meaning classifies a leaf. Releases are told by the package that makes a
// system that release; what they are called, by the comment.
func (f *file) meaning(leaf *node) meaning {
	t, ok := f.tests[leaf.test]
	if !ok { // files that were cut lack the tests of their products
		if product, ok := strings.CutSuffix(leaf.comment, " is installed"); ok && suseRelease(product) != "" {
			return meaning{kind: isProduct, text: product}
		}
		return meaning{}
	}
	if t.module != "" {
		return meaning{kind: isModule, text: t.module}
	}
	name, s := f.objects[t.object], f.states[t.state]
	switch {
	case name == "":
		return meaning{}
	case strings.HasSuffix(name, "-release") && s.arch != "":
		return meaning{kind: isArch, text: s.arch}
	case strings.HasSuffix(name, "-release"):
		product, _ := strings.CutSuffix(leaf.comment, " is installed")
		return meaning{kind: isProduct, text: product}
	case s.evr != "" && s.evrOp == "less than":
		return meaning{isAffected, name, withoutZeroEpoch(s.evr), alternatives(s.arch)}
	case s.evr != "" && strings.HasPrefix(s.evrOp, "greater than"):
		return meaning{kind: isAffected, text: name, arches: alternatives(s.arch)}
	case s.version == "0" && s.versionOp == "equals":
		return meaning{kind: isNotAffected, text: name}
	}
	return meaning{}
}

// alternatives reads "(aarch64|x86_64)"; nil for none and for other patterns.
func alternatives(pattern string) []string {
	pattern = strings.TrimSuffix(strings.TrimPrefix(pattern, "("), ")")
	if pattern == "" || strings.ContainsAny(pattern, `\^$.*+?[](){} `) || len(pattern) > 200 {
		return nil
	}
	return strings.Split(pattern, "|")
}

func withoutZeroEpoch(evr string) string { return strings.TrimPrefix(evr, "0:") }

// context is what has to hold for a package test to count. Nil lists mean any.
type context struct{ products, arches, modules []string }

// flatten calls each for every package test with its context.
func (f *file) flatten(n *node, in context, each func(context, meaning)) {
	if n.test != "" {
		if m := f.meaning(n); m.kind == isAffected || m.kind == isNotAffected {
			each(in, m)
		}
		return
	}
	if !n.or {
		for i := range n.children {
			f.narrow(&n.children[i], &in)
		}
	}
	for i := range n.children {
		f.flatten(&n.children[i], in, each)
	}
}

// narrow adds a condition of an AND to the context. It is a leaf or a tree
// that tests no packages; of alternatives any will do.
func (f *file) narrow(n *node, in *context) {
	var found context
	if !f.conditions(n, &found) {
		return
	}
	for _, l := range []struct{ into, from *[]string }{
		{&in.products, &found.products}, {&in.arches, &found.arches}, {&in.modules, &found.modules},
	} {
		if *l.from != nil {
			*l.into = *l.from
		}
	}
}

// conditions collects what a tree tests; false when it tests packages.
func (f *file) conditions(n *node, out *context) bool {
	if n.test == "" {
		for i := range n.children {
			if !f.conditions(&n.children[i], out) {
				return false
			}
		}
		return true
	}
	m := f.meaning(n)
	add := func(list *[]string) {
		if len(*list) < maxConditions && !slices.Contains(*list, m.text) {
			*list = append(*list, m.text)
		}
	}
	switch m.kind {
	case isAffected, isNotAffected:
		return false
	case isProduct:
		add(&out.products)
	case isArch:
		add(&out.arches)
	case isModule:
		add(&out.modules)
	}
	return true
}

// entryKey is what tests of one entry have in common.
type entryKey struct {
	ecosystem, name, module, fixed string
	status                         advisory.Status
}

// affected makes the entries of a definition, as far as it keeps the bounds.
// Ecosystem names a product; those that it does not know are left out.
func (f *file) affected(d *definition, word string, ecosystem func(product string) string) []advisory.Affected {
	var out []advisory.Affected
	index := map[entryKey]int{}
	visits := 0
	f.flatten(&d.root, context{}, func(in context, m meaning) {
		status := advisory.StatusAffected
		if m.kind == isNotAffected {
			status = advisory.StatusNotAffected
		}
		modules := in.modules
		if modules == nil {
			modules = []string{""}
		}
		arches := m.arches
		if arches == nil {
			arches = in.arches
		}
		for _, product := range in.products {
			for _, module := range modules {
				key := entryKey{ecosystem(product), m.text, module, m.fixed, status}
				if visits++; key.ecosystem == "" || visits > maxEntries {
					continue
				}
				i, known := index[key]
				if !known {
					i = len(out)
					index[key] = i
					out = append(out, key.entry(word))
				}
				addArches(&out[i], arches, known)
			}
		}
	})
	return out
}

func (k entryKey) entry(word string) advisory.Affected {
	a := advisory.Affected{Ecosystem: k.ecosystem, Name: k.name, Module: k.module, Status: k.status, Word: word, Ranges: advisory.Everything()}
	if k.fixed != "" {
		a.Ranges = advisory.Below(k.fixed)
	}
	return a
}

// addArches widens the entry by the architectures of one more test; none means
// any.
func addArches(a *advisory.Affected, arches []string, known bool) {
	switch {
	case arches == nil:
		a.Arches = nil
	case known && len(a.Arches) == 0: // any already
	default:
		for _, arch := range arches {
			if !slices.Contains(a.Arches, arch) {
				a.Arches = append(a.Arches, arch)
			}
		}
		slices.Sort(a.Arches)
	}
}
