package scan_test

import (
	"cmp"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/finding/findingtest"
	"muster/internal/store"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
	"muster/internal/suppress"
)

// TestAggregationsCount compares every aggregation with counting by hand, page
// by page, on both engines.
func TestAggregationsCount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		rapid.Check(t, func(rt *rapid.T) {
			err := s.Update(t.Context(), func(tx *store.Tx) error {
				all := drawFindings(t, rt, tx)
				for range 3 {
					checkAggregation(t, rt, tx, all)
				}
				return errUndo
			})
			if !errors.Is(err, errUndo) {
				rt.Fatal(err)
			}
		})
	})
}

func groupings() []findings.Grouping {
	return []findings.Grouping{findings.PerAccount, findings.PerType, findings.PerAMI, findings.PerInstance, findings.PerImage, findings.PerLayer,
		findings.PerRepository, findings.PerPackage, findings.PerTitle, findings.PerFunction, findings.PerFuncLayer, findings.PerProject}
}

func checkAggregation(t *testing.T, rt *rapid.T, tx *store.Tx, all []finding.Finding) {
	a := findings.Aggregation{
		Grouping: rapid.SampledFrom(groupings()).Draw(rt, "grouping"), Scope: accounts(findingtest.Accounts()), Region: findingtest.Region,
		Metric:     rapid.SampledFrom([]findings.Metric{findings.ByCritical, findings.ByHigh, findings.ByAll, findings.ByExtra}).Draw(rt, "metric"),
		Descending: rapid.Bool().Draw(rt, "descending"), Limit: rapid.IntRange(1, 3).Draw(rt, "limit"),
	}
	a.Criteria = findingtest.Criteria(rt)
	if rapid.IntRange(0, 3).Draw(rt, "of a type") == 0 {
		// What the kept numbers of findings decide.
		a.Grouping, a.Criteria = findings.PerTitle, criteria.Criteria{Strings: map[criteria.Attribute][]criteria.String{}}
		is := func(v string) []criteria.String { return []criteria.String{{Comparison: criteria.Equals, Value: v}} }
		if kind := rapid.SampledFrom([]string{"", "PACKAGE_VULNERABILITY", "NETWORK_REACHABILITY"}).Draw(rt, "type"); kind != "" {
			a.Criteria.Strings[criteria.FindingType] = is(kind)
		}
		if on := rapid.SampledFrom([]string{"", "AWS_EC2_INSTANCE", "AWS_LAMBDA_FUNCTION"}).Draw(rt, "resource type"); on != "" {
			a.Criteria.Strings[criteria.ResourceType] = is(on)
		}
	}
	want := byHand(all, &a)
	got := aggregateAll(t, rt, tx, a)
	if !slices.Equal(got, want) {
		rt.Fatalf("%+v\nlisted   %+v\nexpected %+v", a, got, want)
	}
}

// group is what is compared of a group.
type group struct {
	account                                                        string
	keys                                                           [3]string
	all, critical, high, medium, exploitable, fixable, extra, rank int64
}

func aggregateAll(t *testing.T, rt *rapid.T, tx *store.Tx, a findings.Aggregation) (list []group) {
	for {
		page, err := findings.Aggregate(t.Context(), tx, a)
		if err != nil {
			rt.Fatal(err)
		}
		for _, g := range page {
			list = append(list, group{string(g.Account), g.Keys, g.All, g.Critical, g.High, g.Medium, g.Exploitable, g.Fixable, g.Extra, g.Cursor().Metric})
		}
		if len(page) < a.Limit {
			return list
		}
		a.After = page[len(page)-1].Cursor()
	}
}

func byHand(all []finding.Finding, a *findings.Aggregation) []group {
	groups := map[[4]string]*group{}
	resources := map[[4]string]map[string]bool{}
	for _, f := range all {
		if f.Status != finding.Active || !suppress.Matches(&a.Criteria, &f) {
			continue
		}
		for _, keys := range keysOf(&f, a.Grouping) {
			at := [4]string{string(f.Account), keys[0], keys[1], keys[2]}
			if groups[at] == nil {
				groups[at], resources[at] = &group{account: at[0], keys: keys}, map[string]bool{}
			}
			resources[at][resourceKey(f)] = true
			groups[at].add(&f, a.Grouping, len(resources[at]))
		}
	}
	var list []group
	for _, g := range groups {
		g.rank = map[findings.Metric]int64{findings.ByCritical: g.critical, findings.ByHigh: g.high, findings.ByAll: g.all, findings.ByExtra: g.extra}[a.Metric]
		list = append(list, *g)
	}
	slices.SortFunc(list, func(x, y group) int {
		order := cmp.Or(cmp.Compare(y.rank, x.rank), cmp.Compare(x.account, y.account), slices.Compare(x.keys[:], y.keys[:]))
		if a.Descending {
			return order
		}
		return -order
	})
	return list
}

func (g *group) add(f *finding.Finding, by findings.Grouping, resources int) {
	g.all++
	g.critical += int64(bit(f.Severity == finding.Critical))
	g.high += int64(bit(f.Severity == finding.High))
	g.medium += int64(bit(f.Severity == finding.Medium))
	g.exploitable += int64(bit(f.Exploit == finding.Yes))
	g.fixable += int64(bit(f.Fix == finding.Yes))
	switch by {
	case findings.PerAMI, findings.PerRepository:
		g.extra = int64(resources)
	case findings.PerInstance:
		g.extra += int64(bit(f.Type == finding.NetworkReachability))
	}
}

// keysOf are the keys of the groups that a finding counts in, each once.
func keysOf(f *finding.Finding, by findings.Grouping) [][3]string {
	r := &f.Resource
	one := func(ok bool, keys ...string) [][3]string {
		if !ok {
			return nil
		}
		return [][3]string{[3]string(append(keys, "", "", "")[:3])}
	}
	switch by {
	case findings.PerAccount:
		return one(true)
	case findings.PerType:
		return one(true, string(f.Type))
	case findings.PerAMI:
		return one(r.Instance != nil && r.Instance.ImageID != "", imageID(r))
	case findings.PerInstance:
		return one(r.Instance != nil, r.ID)
	case findings.PerImage:
		return one(r.Image != nil, r.ID)
	case findings.PerRepository:
		return one(r.Image != nil, repository(r))
	case findings.PerTitle:
		vulnerability := ""
		if f.Package != nil {
			vulnerability = f.Package.VulnerabilityID
		}
		return one(true, f.Title, vulnerability)
	case findings.PerFunction:
		return one(r.Function != nil, r.ID)
	case findings.PerProject:
		return one(r.Code != nil, r.ID)
	}
	return packageKeys(f, by)
}

func imageID(r *finding.Resource) string {
	if r.Instance == nil {
		return ""
	}
	return r.Instance.ImageID
}

func repository(r *finding.Resource) string {
	if r.Image == nil {
		return ""
	}
	return r.Image.Repository
}

func packageKeys(f *finding.Finding, by findings.Grouping) (keys [][3]string) {
	if f.Package == nil {
		return nil
	}
	for _, p := range f.Package.Packages {
		var key [3]string
		ok := true
		switch r := &f.Resource; by {
		case findings.PerPackage:
			key = [3]string{p.Name}
		case findings.PerLayer:
			key, ok = [3]string{repository(r), r.ID, p.Layer}, r.Image != nil && p.Layer != ""
		default:
			ok = r.Function != nil && p.LambdaLayer != ""
			if ok {
				key = [3]string{r.Function.Name, r.ID, p.LambdaLayer}
			}
		}
		if ok && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}
