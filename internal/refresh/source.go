package refresh

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"muster/internal/advisorydb"
	"muster/internal/feed"
	"muster/internal/refresh/compile"
	"muster/internal/store/feeds"
)

// source is one file of a mirror and what becomes of it.
type source struct {
	// name is how the ledger and people call it: "osv/Debian", "kev.json".
	name string
	compile.Source
}

const osvPrefix = "osv/"

func advisorySource(ecosystem string) source {
	return source{osvPrefix + ecosystem, compile.Source{Kind: advisorydb.Advisories, Ecosystem: ecosystem}}
}

// published are the publishers' own data sets: all, or those about the wanted
// ecosystems and the ones about vulnerabilities.
func published(wanted []string) []source {
	var list []source
	known := compile.Published()
	for _, name := range sortedKeys(known) {
		s := known[name]
		if len(wanted) == 0 || s.Ecosystem == "" || slices.Contains(wanted, s.Ecosystem) {
			list = append(list, source{name, s})
		}
	}
	return list
}

// intelligence are the sources beside the advisories.
func intelligence() []source {
	known := compile.Intelligence()
	list := make([]source, 0, len(known))
	for _, name := range sortedKeys(known) {
		list = append(list, source{name, known[name]})
	}
	return list
}

// matches reports whether a file of a set is the source's.
func (s source) matches(info advisorydb.Info) bool {
	return info.Kind == s.Kind && info.Ecosystem == s.Ecosystem && info.Feed == s.Feed()
}

// ErrNothing says that a place offers no advisories at all.
var ErrNothing = errors.New("no advisories there")

// plan lists the sources to look at: the wanted ecosystems, or all that the
// mirror has and all that were ever imported; and the intelligence.
func plan(ctx context.Context, m *feed.Mirror, wanted []string, known []feeds.Source) ([]source, error) {
	names := map[string]bool{}
	for _, n := range wanted {
		names[n] = true
	}
	if len(wanted) == 0 {
		offered, err := m.Ecosystems(ctx)
		if err != nil {
			return nil, err
		}
		for _, n := range offered {
			names[n] = true
		}
		for _, s := range known {
			if ecosystem, ok := strings.CutPrefix(s.Name, osvPrefix); ok {
				names[ecosystem] = true
			}
		}
	}
	out := append(intelligence(), published(wanted)...) // first, because the details of CVEs take longest
	for _, n := range sortedKeys(names) {
		out = append(out, advisorySource(n))
	}
	return out, nil
}

// sortedSources are the values in the order of their names.
func sortedSources(byName map[string]feeds.Source) []feeds.Source {
	var out []feeds.Source
	for _, name := range sortedKeys(byName) {
		out = append(out, byName[name])
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
