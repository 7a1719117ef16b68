package refresh

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"muster/internal/advisorydb"
	"muster/internal/feed"
	"muster/internal/store/feeds"
)

// importRevision is raised when the importer makes something else of the same
// input; every source is then imported again.
const importRevision = 1

// source is one file of a mirror and what becomes of it.
type source struct {
	// name is how the ledger and people call it: "osv/Debian", "kev.json".
	name      string
	kind      advisorydb.Kind
	ecosystem string
}

const osvPrefix = "osv/"

func advisorySource(ecosystem string) source {
	return source{name: osvPrefix + ecosystem, kind: advisorydb.Advisories, ecosystem: ecosystem}
}

// intelligence are the sources beside the advisories.
func intelligence() []source {
	return []source{
		{name: feed.CVE, kind: advisorydb.CVEs},
		{name: feed.EPSS, kind: advisorydb.EPSS},
		{name: feed.KEV, kind: advisorydb.KEVs},
		{name: feed.Exploits, kind: advisorydb.Exploits},
		{name: feed.EOL, kind: advisorydb.Products},
	}
}

// file is the name of the source's file in a set.
func (s source) file() string {
	if s.kind != advisorydb.Advisories {
		return string(s.kind) + ".db"
	}
	return "osv-" + strings.ReplaceAll(s.ecosystem, "/", "_") + ".db"
}

// matches reports whether a file of a set is the source's.
func (s source) matches(info advisorydb.Info) bool {
	return info.Kind == s.kind && info.Ecosystem == s.ecosystem
}

func (s source) fetch(ctx context.Context, m *feed.Mirror, last feed.Validator) (*feed.File, error) {
	if s.kind == advisorydb.Advisories {
		return m.Advisories(ctx, s.ecosystem, last)
	}
	return m.Intelligence(ctx, s.name, last)
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
	out := intelligence() // first, because the details of CVEs take longest
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
