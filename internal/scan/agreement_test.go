package scan_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/finding/findingtest"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
	"muster/internal/suppress"
)

// accounts is a scope of some accounts.
type accounts []arn.AccountID

func (a accounts) Where(w *store.Where, column string) { store.In(w, column, a...) }

// errUndo ends a transaction that must leave nothing behind.
var errUndo = errors.New("undo")

// TestFiltersMeanTheSame: for random findings and criteria, what is chosen in
// memory and what is listed by SQL are the same, in the same order for every
// sort field and direction and for every page size, on both engines.
func TestFiltersMeanTheSame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		rapid.Check(t, func(rt *rapid.T) {
			err := s.Update(t.Context(), func(tx *store.Tx) error {
				all := drawFindings(t, rt, tx)
				for range 3 {
					checkQuery(t, rt, tx, all)
				}
				return errUndo
			})
			if !errors.Is(err, errUndo) {
				rt.Fatal(err)
			}
		})
	})
}

// drawFindings stores a few random findings of random resources.
func drawFindings(t *testing.T, rt *rapid.T, tx *store.Tx) []finding.Finding {
	var all []finding.Finding
	var numbers []int64
	for i := range rapid.IntRange(0, 8).Draw(rt, "findings") {
		account := rapid.SampledFrom(findingtest.Accounts()).Draw(rt, "account")
		r, err := catalog.PutResource(t.Context(), tx, account, findingtest.Region, findingtest.Resource(rt, i/2), time.Unix(1, 0))
		if err != nil {
			rt.Fatal(err)
		}
		f := findingtest.Finding(rt, account, r.Resource, i)
		all, numbers = append(all, f), append(numbers, r.Number)
	}
	all = refreshResources(all)
	var writes []findings.Write
	for i, f := range all {
		writes = append(writes, findings.Write{Resource: numbers[i], Change: finding.Change{Kind: finding.Opened, After: f}})
	}
	if err := findings.Apply(t.Context(), tx, writes); err != nil {
		rt.Fatal(err)
	}
	if wrong, err := findings.VerifyCounts(t.Context(), tx); err != nil || len(wrong) > 0 {
		rt.Fatal(wrong, err)
	}
	return all
}

// refreshResources gives findings of one resource the details it was given
// last.
func refreshResources(all []finding.Finding) []finding.Finding {
	latest := map[string]finding.Resource{}
	for _, f := range all {
		latest[resourceKey(f)] = f.Resource
	}
	for i := range all {
		all[i].Resource = latest[resourceKey(all[i])]
	}
	return all
}

func resourceKey(f finding.Finding) string {
	return fmt.Sprint(f.Account, f.Resource.Type, f.Resource.ID)
}

func checkQuery(t *testing.T, rt *rapid.T, tx *store.Tx, all []finding.Finding) {
	q := findings.Query{
		Region: findingtest.Region, Criteria: findingtest.Criteria(rt),
		Field: rapid.SampledFrom(sortFields()).Draw(rt, "field"), Descending: rapid.Bool().Draw(rt, "descending"),
		Limit: rapid.IntRange(1, 4).Draw(rt, "limit"), Steps: rapid.IntRange(0, 3).Draw(rt, "steps"),
	}
	scope := accounts(findingtest.Accounts()[:rapid.IntRange(1, 3).Draw(rt, "scope")])
	q.Scope = scope
	if len(scope) == 1 && rapid.Bool().Draw(rt, "single") {
		q.Single = scope[0]
	}
	var want []string
	for _, f := range inOrder(all, q.Field, q.Descending) {
		if slices.Contains(scope, f.Account) && suppress.Matches(&q.Criteria, &f) {
			want = append(want, string(f.ARN))
		}
	}
	if got := listAll(t, rt, tx, q); !slices.Equal(got, want) {
		rt.Fatalf("%+v\nlisted   %v\nexpected %v", q, got, want)
	}
}

func listAll(t *testing.T, rt *rapid.T, tx *store.Tx, q findings.Query) []string {
	var arns []string
	for {
		page, next, err := findings.List(t.Context(), tx, q)
		if err != nil {
			rt.Fatal(err)
		}
		for _, f := range page {
			arns = append(arns, string(f.ARN))
		}
		if next == nil {
			return arns
		}
		q.After = next
	}
}

// inOrder sorts as the specification says: by the field, findings without it
// last, ties by ARN, which falls where the order is not the field's usual.
func inOrder(all []finding.Finding, field findings.Field, descending bool) []finding.Finding {
	sorted := slices.Clone(all)
	down := slices.Contains([]findings.Field{findings.BySeverity, findings.ByFirstObservedAt, findings.ByLastObservedAt,
		findings.ByImagePushedAt, findings.ByInspectorScore, findings.ByEPSSScore}, field)
	slices.SortFunc(sorted, func(a, b finding.Finding) int {
		x, okX := sortValue(&a, field)
		y, okY := sortValue(&b, field)
		ties := cmp.Compare(a.ARN, b.ARN)
		if descending != down {
			ties = -ties
		}
		if !okX || !okY {
			return cmp.Or(cmp.Compare(bit(okY), bit(okX)), ties)
		}
		order := cmp.Compare(x, y)
		if descending {
			order = -order
		}
		return cmp.Or(order, ties)
	})
	return sorted
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func sortFields() []findings.Field {
	return []findings.Field{findings.ByAccount, findings.ByType, findings.BySeverity, findings.ByFirstObservedAt, findings.ByLastObservedAt,
		findings.ByStatus, findings.ByResourceType, findings.ByImagePushedAt, findings.ByImageRepository, findings.ByImageRegistry,
		findings.ByNetworkProtocol, findings.ByComponentType, findings.ByVulnerabilityID, findings.ByVulnerabilityFrom,
		findings.ByInspectorScore, findings.ByVendorSeverity, findings.ByEPSSScore}
}

// sortValue is a finding's value of a sort field as a text that sorts alike.
func sortValue(f *finding.Finding, field findings.Field) (string, bool) {
	at := func(t time.Time) (string, bool) { return fmt.Sprintf("%020d", t.UnixMicro()), !t.IsZero() }
	switch field {
	case findings.BySeverity:
		return fmt.Sprint(f.Severity.Rank()), true
	case findings.ByFirstObservedAt:
		return at(f.FirstObservedAt)
	case findings.ByLastObservedAt:
		return at(f.LastObservedAt)
	case findings.ByImagePushedAt:
		if f.Resource.Image == nil {
			return "", false
		}
		return at(f.Resource.Image.PushedAt)
	case findings.ByInspectorScore, findings.ByEPSSScore:
		a := map[findings.Field]criteria.Attribute{findings.ByInspectorScore: criteria.InspectorScore, findings.ByEPSSScore: criteria.EPSSScore}[field]
		n, ok := criteria.NumberOf(f, a)
		return fmt.Sprintf("%09.4f", n), ok
	case findings.ByComponentType:
		if f.Network == nil || len(f.Network.Path) == 0 {
			return "", false
		}
		return f.Network.Path[0].Type, true
	}
	values := criteria.Texts(f, map[findings.Field]criteria.Attribute{
		findings.ByAccount: criteria.AccountID, findings.ByType: criteria.FindingType, findings.ByStatus: criteria.FindingStatus,
		findings.ByResourceType: criteria.ResourceType, findings.ByImageRepository: criteria.ImageRepository,
		findings.ByImageRegistry: criteria.ImageRegistry, findings.ByNetworkProtocol: criteria.NetworkProtocol,
		findings.ByVulnerabilityID: criteria.VulnerabilityID, findings.ByVulnerabilityFrom: criteria.VulnerabilitySource,
		findings.ByVendorSeverity: criteria.VendorSeverity,
	}[field])
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}
