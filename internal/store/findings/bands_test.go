package findings_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
)

// mixed stores findings whose severity says little about their score, some
// without one, in three accounts.
func mixed(ctx context.Context, tx *store.Tx) error {
	random := rand.New(rand.NewPCG(3, 4))
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for i := range 3 {
		details := finding.Resource{Type: finding.Instance, ID: fmt.Sprintf("i-%017x", i), Instance: &finding.InstanceDetails{}}
		r, err := catalog.PutResource(ctx, tx, benchAccount(i), benchRegion, details, now)
		if err != nil {
			return err
		}
		var writes []findings.Write
		for n := range 60 {
			f := finding.Finding{Account: benchAccount(i), Region: benchRegion, Resource: details, Content: benchContent(n)}
			f.Severity = finding.SeverityOfRank(random.IntN(6))
			if f.Score.Value = float64(f.Severity.Rank()) + float64(random.IntN(30))/10; n%7 == 0 {
				f.Score = nil
			}
			f.ARN = finding.ARN(f.Account, benchRegion, finding.ID(f.Account, benchRegion, details.ID, &f.Content))
			f.Status = []finding.Status{finding.Active, finding.Suppressed, finding.Closed}[random.IntN(3)]
			f.FirstObservedAt, f.LastObservedAt, f.UpdatedAt = now, now, now
			writes = append(writes, findings.Write{Resource: r.Number, Change: finding.Change{Kind: finding.Opened, After: f}})
		}
		if err := findings.Apply(ctx, tx, writes); err != nil {
			return err
		}
	}
	return nil
}

// everyMixed are all findings that are stored, by ARN.
func everyMixed(t *testing.T, tx *store.Tx) (all []findings.Stored) {
	t.Helper()
	for i := range 3 {
		list, err := findings.After(t.Context(), tx, findings.Place{Account: benchAccount(i), Region: benchRegion}, "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, list...)
	}
	return all
}

func severities(list ...finding.Severity) criteria.Criteria {
	var texts []criteria.String
	for _, s := range list {
		texts = append(texts, criteria.String{Comparison: criteria.Equals, Value: string(s)})
	}
	return criteria.Criteria{Strings: map[criteria.Attribute][]criteria.String{criteria.Severity: texts}}
}

// TestSomeSeveritiesByScore pages through every choice of two severities in
// both directions: nothing may be missing, twice or out of order.
func TestSomeSeveritiesByScore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if err := s.Update(t.Context(), func(tx *store.Tx) error { return mixed(t.Context(), tx) }); err != nil {
			t.Fatal(err)
		}
		err := s.View(t.Context(), func(tx *store.Tx) error {
			all := everyMixed(t, tx)
			for a := range finding.Severities() {
				for b := a; b < len(finding.Severities()); b++ {
					wanted := []finding.Severity{finding.SeverityOfRank(a), finding.SeverityOfRank(b)}
					for _, descending := range []bool{true, false} {
						byScore(t, tx, all, wanted, descending)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func byScore(t *testing.T, tx *store.Tx, all []findings.Stored, wanted []finding.Severity, descending bool) {
	t.Helper()
	left := map[string]bool{}
	for i := range all {
		if slices.Contains(wanted, all[i].Severity) {
			left[string(all[i].ARN)] = true
		}
	}
	q := findings.Query{Scope: everyone{}, Region: benchRegion, Criteria: severities(wanted...), Field: findings.ByInspectorScore, Descending: descending, Limit: 7}
	var before *finding.Score
	scored := true
	for page := 0; page == 0 || q.After != nil; page++ {
		list, next, err := findings.List(t.Context(), tx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			if !left[string(f.ARN)] {
				t.Fatalf("%v: %s is not wanted, or told twice", wanted, f.ARN)
			}
			delete(left, string(f.ARN))
			if f.Score == nil {
				scored = false
				continue
			}
			if !scored || before != nil && before.Value != f.Score.Value && (before.Value < f.Score.Value) == descending {
				t.Fatalf("%v: %v after %v", wanted, f.Score, before)
			}
			before = f.Score
		}
		q.After = next
	}
	if len(left) > 0 {
		t.Fatalf("%v, descending %v: %d are missing", wanted, descending, len(left))
	}
}

// TestWhatKeptCountsTell compares counts that are read off the kept ones with
// the findings themselves.
func TestWhatKeptCountsTell(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if err := s.Update(t.Context(), func(tx *store.Tx) error { return mixed(t.Context(), tx) }); err != nil {
			t.Fatal(err)
		}
		err := s.View(t.Context(), func(tx *store.Tx) error {
			c := severities(finding.High, finding.Low)
			c.Strings[criteria.AccountID] = []criteria.String{{Comparison: criteria.NotEquals, Value: string(benchAccount(1))}}
			// One finding is all that may be looked at.
			list, at, err := findings.CountMatching(t.Context(), tx, everyone{}, benchRegion, &c, findings.Progress{}, 1)
			if err != nil || !at.Done || len(list) != 2 {
				t.Fatalf("got %v, %+v, %v", list, at, err)
			}
			for _, f := range everyMixed(t, tx) {
				for i := range list {
					if list[i].Account != f.Account || !slices.Contains([]finding.Severity{finding.High, finding.Low}, f.Severity) {
						continue
					}
					switch f.Status {
					case finding.Active:
						list[i].Active[f.Severity.Rank()]--
					case finding.Suppressed:
						list[i].Suppressed[f.Severity.Rank()]--
					}
				}
			}
			for _, account := range list {
				if account.Active != [6]int64{} || account.Suppressed != [6]int64{} {
					t.Errorf("%s is counted wrongly by %v, %v", account.Account, account.Active, account.Suppressed)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
