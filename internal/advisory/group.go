package advisory

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Group finds the names by which records speak of the same defect. All records
// that could share aliases are added first, then each is resolved. Withdrawn
// records must not be added: their claims do not hold. The zero value is ready.
type Group struct {
	index  map[string]int
	ids    []string
	parent []int
	best   []int
	// members lists, per root, all of the group; built on the first Resolve.
	members map[int][]string
}

// Add joins the record's id and its aliases, which are symmetric and
// transitive. Upstream and related ids are not joined.
func (g *Group) Add(a *Advisory) {
	g.members = nil
	own := g.node(a.ID)
	for _, alias := range a.Aliases {
		g.join(own, g.node(alias))
	}
}

func (g *Group) node(id string) int {
	if n, ok := g.index[id]; ok {
		return n
	}
	if g.index == nil {
		g.index = map[string]int{}
	}
	n := len(g.ids)
	g.index[id] = n
	g.ids = append(g.ids, id)
	g.parent = append(g.parent, n)
	g.best = append(g.best, n)
	return n
}

func (g *Group) root(n int) int {
	for g.parent[n] != n {
		g.parent[n] = g.parent[g.parent[n]]
		n = g.parent[n]
	}
	return n
}

func (g *Group) join(a, b int) {
	a, b = g.root(a), g.root(b)
	if a == b {
		return
	}
	g.parent[b] = a
	if compareIDs(g.ids[g.best[b]], g.ids[g.best[a]]) < 0 {
		g.best[a] = g.best[b]
	}
}

// name is what the group of an id goes by: its lowest CVE, else its lowest
// GHSA, else its lowest id.
func (g *Group) name(id string) string {
	n, ok := g.index[id]
	if !ok {
		return id
	}
	return g.ids[g.best[g.root(n)]]
}

// Resolve fills Vulnerabilities and Synonyms. A record whose own group has a
// CVE is about that one; else it is about each CVE it derives from (a notice
// naming three is three vulnerabilities), else about the other records it
// derives from, else about itself.
func (g *Group) Resolve(a *Advisory) {
	own := g.name(a.ID)
	upstream := upstreamOf(a)
	switch cves := filter(upstream, IsCVE); {
	case IsCVE(own) || len(upstream) == 0 || isUpdate(a.ID):
		a.Vulnerabilities = []string{own}
	case len(cves) > 0:
		a.Vulnerabilities = g.names(cves)
	default:
		a.Vulnerabilities = g.names(upstream)
	}
	a.Synonyms = g.synonyms(a, upstream)
}

// isUpdate reports whether the id is that of an update of Windows, which is
// found as a whole, whatever it covers (scanning specification 4.4).
func isUpdate(id string) bool {
	number, ok := strings.CutPrefix(id, "KB")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

// names are the distinct names of the ids, sorted.
func (g *Group) names(ids []string) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, g.name(id))
	}
	slices.SortFunc(out, compareIDs)
	return slices.Compact(out)
}

// synonyms are the other names of what the record is about: its group, and for
// a record about one defect the group of that and whatever it derives from.
func (g *Group) synonyms(a *Advisory, upstream []string) []string {
	out := slices.Clone(g.group(a.ID))
	if len(a.Vulnerabilities) == 1 && g.name(a.ID) != a.Vulnerabilities[0] {
		out = append(out, g.group(a.Vulnerabilities[0])...)
	}
	for _, id := range upstream[:min(len(upstream), maxSynonyms)] {
		if _, ofOne := cveWithin(id); len(a.Vulnerabilities) == 1 || !ofOne && !IsCVE(id) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(id string) bool { return slices.Contains(a.Vulnerabilities, id) })
}

// maxSynonyms bounds what is told of a group. Real ones have some dozen ids; one
// that somebody made of thousands would be told of with each of its records.
const maxSynonyms = 1000

// group is every id of the id's group, as far as it is told.
func (g *Group) group(id string) []string {
	if g.members == nil {
		g.members = make(map[int][]string, len(g.ids))
		for n, member := range g.ids {
			if root := g.root(n); len(g.members[root]) < maxSynonyms {
				g.members[root] = append(g.members[root], member)
			}
		}
		for _, list := range g.members {
			slices.Sort(list)
		}
	}
	n, ok := g.index[id]
	if !ok {
		return []string{id}
	}
	return g.members[g.root(n)]
}

// upstreamOf are the ids that a record derives from. That member is
// transitive: a distribution's notice may name the distribution's own records
// of CVEs, "UBUNTU-CVE-2021-3782", which means those CVEs as well. Notices of
// Red Hat's rebuilds, which predate the member, list their CVEs as related.
func upstreamOf(a *Advisory) []string {
	out := a.Upstream
	prefix, _, _ := strings.Cut(a.ID, "-")
	switch prefix {
	case "ALSA", "ALBA", "ALEA", "RLSA", "RXSA", "RHSA", "RHBA", "RHEA":
		out = slices.Concat(out, filter(a.Related, IsCVE))
	}
	var further []string
	for _, id := range a.Upstream {
		if cve, ok := cveWithin(id); ok {
			further = append(further, cve)
		}
	}
	if further == nil {
		return out
	}
	known := map[string]bool{}
	for _, id := range out {
		known[id] = true
	}
	out = slices.Clone(out)
	for _, cve := range further {
		if !known[cve] {
			out, known[cve] = append(out, cve), true
		}
	}
	return out
}

// cveWithin is the CVE that a distribution's record is about by its id:
// "CVE-2021-3782" of "UBUNTU-CVE-2021-3782".
func cveWithin(id string) (cve string, ok bool) {
	i := strings.Index(id, "-CVE-")
	if i < 1 {
		return "", false
	}
	cve = id[i+1:]
	return cve, IsCVE(cve)
}

func filter(ids []string, keep func(string) bool) []string {
	var out []string
	for _, id := range ids {
		if keep(id) {
			out = append(out, id)
		}
	}
	return out
}

// IsCVE reports whether an id has the form CVE-<year>-<number>.
func IsCVE(id string) bool {
	_, _, ok := cveNumber(id)
	return ok
}

// cveNumber splits "CVE-2024-3094" into its year and number.
func cveNumber(id string) (year, number uint64, ok bool) {
	rest, ok := strings.CutPrefix(id, "CVE-")
	if !ok || len(rest) < 6 || len(rest) > 16 || rest[4] != '-' {
		return 0, 0, false
	}
	year, err := strconv.ParseUint(rest[:4], 10, 16)
	if err != nil {
		return 0, 0, false
	}
	number, err = strconv.ParseUint(rest[5:], 10, 40)
	return year, number, err == nil
}

// compareIDs puts CVEs first, by year and number, then GHSA, then the rest.
func compareIDs(a, b string) int {
	ya, na, isA := cveNumber(a)
	yb, nb, isB := cveNumber(b)
	if isA && isB {
		return cmp.Or(cmp.Compare(ya, yb), cmp.Compare(na, nb), cmp.Compare(a, b))
	}
	return cmp.Or(cmp.Compare(idRank(a, isA), idRank(b, isB)), cmp.Compare(a, b))
}

func idRank(id string, cve bool) int {
	switch {
	case cve:
		return 0
	case strings.HasPrefix(id, "GHSA-"):
		return 1
	}
	return 2
}
