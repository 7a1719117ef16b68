// Package matchtest serves the tests of matching: a lookup over records in
// memory, and match scripts. A script is a txtar archive that says: these
// advisories, this inventory, exactly these matches.
package matchtest

import (
	"slices"

	"muster/internal/advisory"
)

// Lookup is a match.Lookup over records in memory.
type Lookup struct {
	records []advisory.Advisory
	feeds   []string
	byKey   map[advisory.Key][]int
}

// NewLookup resolves the names of the records and indexes them.
func NewLookup(records []advisory.Advisory) *Lookup {
	l := &Lookup{records: records, byKey: map[advisory.Key][]int{}}
	var group advisory.Group
	for i := range records {
		if records[i].Withdrawn.IsZero() {
			group.Add(&records[i])
		}
		if !slices.Contains(l.feeds, records[i].Feed) {
			l.feeds = append(l.feeds, records[i].Feed)
		}
	}
	slices.SortFunc(l.feeds, advisory.CompareFeeds)
	for i := range records {
		group.Resolve(&records[i])
		for _, a := range records[i].Affected {
			key := advisory.NewKey(a.Ecosystem, a.Name)
			if list := l.byKey[key]; len(list) == 0 || list[len(list)-1] != i {
				l.byKey[key] = append(list, i)
			}
		}
	}
	return l
}

// Each satisfies match.Lookup, but for withdrawn records: it passes those too,
// so that tests see them refused.
func (l *Lookup) Each(ecosystem, name string, relevant func(*advisory.Affected) bool, visit func(*advisory.Advisory)) error {
	key := advisory.NewKey(ecosystem, name)
	for _, i := range l.byKey[key] {
		a := l.records[i]
		a.Affected = nil
		wanted := relevant == nil
		for _, entry := range l.records[i].Affected {
			if advisory.NewKey(entry.Ecosystem, entry.Name) == key {
				a.Affected = append(a.Affected, entry)
				wanted = wanted || relevant(&entry)
			}
		}
		if wanted {
			visit(&a)
		}
	}
	return nil
}

// Feeds satisfies match.Lookup.
func (l *Lookup) Feeds(string) []string { return l.feeds }

// Records returns what Each passes when everything is relevant.
func (l *Lookup) Records(key advisory.Key) []advisory.Advisory {
	var out []advisory.Advisory
	_ = l.Each(key.Ecosystem, key.Name, nil, func(a *advisory.Advisory) { out = append(out, *a) })
	return out
}
