package findings_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
)

// fleet is a hand on a store with a few findings in it.
type fleet struct {
	t *testing.T
	s *store.Store
}

func (f fleet) update(fn func(ctx context.Context, tx *store.Tx) error) {
	f.t.Helper()
	if err := f.s.Update(f.t.Context(), func(tx *store.Tx) error { return fn(f.t.Context(), tx) }); err != nil {
		f.t.Fatal(err)
	}
}

// host stores an instance of an AMI and gives its findings a status.
func (f fleet) host(id, ami string, status finding.Status, contents ...int) {
	f.t.Helper()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	account := benchAccount(1)
	f.update(func(ctx context.Context, tx *store.Tx) error {
		details := finding.Resource{Type: finding.Instance, ID: id, Instance: &finding.InstanceDetails{ImageID: ami}}
		r, err := catalog.PutResource(ctx, tx, account, benchRegion, details, now)
		if err != nil {
			return err
		}
		before := map[arn.ARN]finding.Finding{}
		stored, err := findings.OfResource(ctx, tx, r.Number)
		for _, s := range stored {
			before[s.ARN] = s.Finding
		}
		var writes []findings.Write
		for _, n := range contents {
			a := finding.Finding{Account: account, Region: benchRegion, Resource: details, Content: benchContent(n)}
			a.ARN = finding.ARN(account, benchRegion, finding.ID(account, benchRegion, id, &a.Content))
			a.Status, a.FirstObservedAt, a.LastObservedAt, a.UpdatedAt = status, now, now, now
			writes = append(writes, findings.Write{Resource: r.Number, Change: finding.Change{Kind: finding.Opened, Before: before[a.ARN], After: a}})
		}
		if err == nil {
			err = findings.Apply(ctx, tx, writes)
		}
		return err
	})
}

func (f fleet) groups(g findings.Grouping) (list []findings.Group) {
	f.t.Helper()
	err := f.s.View(f.t.Context(), func(tx *store.Tx) (err error) {
		list, err = findings.Aggregate(f.t.Context(), tx, findings.Aggregation{Grouping: g, Scope: everyone{}, Region: benchRegion,
			Metric: findings.ByExtra, Descending: true, Limit: 10})
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return list
}

func (f fleet) wrong() (list []string) {
	f.t.Helper()
	err := f.s.View(f.t.Context(), func(tx *store.Tx) (err error) {
		list, err = findings.VerifyCounts(f.t.Context(), tx)
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return list
}

// TestCountsFollowFindings opens, closes and moves findings and compares what
// is kept with what there is after every step.
func TestCountsFollowFindings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := fleet{t, s}
		for _, step := range []struct {
			name   string
			do     func()
			images map[string]int64
		}{
			{"two machines of an image", func() {
				f.host("i-1", "ami-a", finding.Active, 1, 2, 3)
				f.host("i-2", "ami-a", finding.Active, 1)
			}, map[string]int64{"ami-a": 2}},
			{"one is clean", func() { f.host("i-2", "ami-a", finding.Closed, 1) }, map[string]int64{"ami-a": 1}},
			{"the other gets another image", func() { f.host("i-1", "ami-b", finding.Active) }, map[string]int64{"ami-b": 1}},
			{"some findings close", func() { f.host("i-1", "ami-b", finding.Closed, 1, 2) }, map[string]int64{"ami-b": 1}},
			{"the image is not known any more", func() { f.host("i-1", "", finding.Active, 1, 4) }, map[string]int64{}},
			{"and is again", func() { f.host("i-1", "ami-a", finding.Suppressed, 4) }, map[string]int64{"ami-a": 1}},
			{"all go", func() {
				f.update(func(ctx context.Context, tx *store.Tx) error {
					_, err := findings.RemoveOf(ctx, tx, benchAccount(1), benchRegion, finding.Instance, time.Now(), 100)
					return err
				})
			}, map[string]int64{}},
		} {
			step.do()
			if wrong := f.wrong(); wrong != nil {
				t.Fatalf("%s: %s", step.name, strings.Join(wrong, "\n"))
			}
			images := f.groups(findings.PerAMI)
			if len(images) != len(step.images) {
				t.Errorf("%s: %d images, expected %v", step.name, len(images), step.images)
			}
			for _, g := range images {
				if step.images[g.Keys[0]] != g.Extra {
					t.Errorf("%s: %s has %d machines, expected %v", step.name, g.Keys[0], g.Extra, step.images)
				}
			}
		}
		if left := f.groups(findings.PerTitle); len(left) > 0 {
			t.Errorf("titles without findings are left: %v", left)
		}
	})
}

// TestRecountMends damages every kept count and has it put right.
func TestRecountMends(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := fleet{t, s}
		f.host("i-1", "ami-a", finding.Active, 1, 2, 3)
		f.host("i-2", "ami-a", finding.Suppressed, 4)
		for _, damage := range []string{
			`UPDATE finding_counts SET total = total + 1 WHERE status = 'SUPPRESSED'`,
			`DELETE FROM finding_counts`,
			`UPDATE finding_groups SET extra = extra + 1 WHERE kind = 'ami'`,
			`UPDATE finding_groups SET k1 = 'other' WHERE kind = 'package'`,
			`DELETE FROM finding_groups`,
			`DELETE FROM findings`,
		} {
			f.update(func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Exec(ctx, damage)
				return err
			})
			if f.wrong() == nil {
				t.Errorf("%s is not noticed", damage)
			}
			f.update(func(ctx context.Context, tx *store.Tx) error {
				return findings.Recount(ctx, tx, findings.Place{Account: benchAccount(1), Region: benchRegion})
			})
			if wrong := f.wrong(); wrong != nil {
				t.Errorf("%s is not mended: %s", damage, strings.Join(wrong, "\n"))
			}
		}
	})
}
