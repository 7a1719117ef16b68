package catalog_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/storetest"
)

// TestMeteredTimes plays random changes of coverage against a model that
// counts the hours of each resource by itself.
func TestMeteredTimes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			account := arn.AccountID([]byte{'0' + byte(run/100000%10), '0' + byte(run/10000%10), '0' + byte(run/1000%10),
				'0' + byte(run/100%10), '0' + byte(run/10%10), '0' + byte(run%10), '1', '1', '1', '1', '1', '1'})
			err := s.Update(t.Context(), func(tx *store.Tx) error { return playMetering(t.Context(), rt, tx, account) })
			if err != nil {
				rt.Fatal(err)
			}
		})
	})
}

func playMetering(ctx context.Context, rt *rapid.T, tx *store.Tx, account arn.AccountID) error {
	const region arn.Region = "us-east-1"
	states := []catalog.Coverage{
		{},
		{Covered: true, ScanType: "PACKAGE", ScanMode: "EC2_SSM_AGENT_BASED", Status: "ACTIVE"},
		{Covered: true, ScanType: "PACKAGE", ScanMode: "EC2_AGENTLESS", Status: "ACTIVE"},
		{Covered: true, ScanType: "PACKAGE", ScanMode: "EC2_SSM_AGENT_BASED", Status: "INACTIVE", Reason: "EC2_INSTANCE_STOPPED"},
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now, from := start, start.Add(10*time.Hour)
	var hosts []catalog.Resource
	for _, id := range []string{"i-1", "i-2"} {
		r, err := catalog.PutResource(ctx, tx, account, region, finding.Resource{Type: finding.Instance, ID: id}, now)
		if err != nil {
			return err
		}
		hosts = append(hosts, r)
	}
	paused := false
	want := map[string]time.Duration{}
	for range rapid.IntRange(1, 12).Draw(rt, "steps") {
		i := rapid.IntRange(0, 2).Draw(rt, "host")
		var err error
		switch {
		case i == 2 && paused:
			err = catalog.ResumeMetering(ctx, tx, account, region, finding.Instance, now)
			paused = false
		case i == 2:
			err = catalog.PauseMetering(ctx, tx, account, region, finding.Instance, now)
			paused = true
		case !paused: // while an account is suspended its coverage stays
			err = catalog.SetCoverage(ctx, tx, &hosts[i], rapid.SampledFrom(states).Draw(rt, "coverage"), now)
		}
		if err != nil {
			return err
		}
		if wrong, err := catalog.VerifyCoverage(ctx, tx); err != nil || wrong != nil {
			rt.Fatal(wrong, err)
		}
		if err := countedAlike(ctx, rt, tx, account, region); err != nil {
			return err
		}
		next := now.Add(time.Duration(rapid.IntRange(0, 5).Draw(rt, "hours")) * time.Hour)
		for _, h := range hosts {
			if h.Status == "ACTIVE" && !paused && next.After(from) {
				want[h.ScanMode] += next.Sub(later(now, from))
			}
		}
		now = next
	}
	got, err := catalog.MeteredTimes(ctx, tx, region, []arn.AccountID{account, "999999999999"}, from, later(now, from))
	for _, m := range got {
		want[m.ScanMode] -= m.Time
	}
	for mode, d := range want {
		if d != 0 {
			rt.Fatalf("%s is off by %s", mode, d)
		}
	}
	return err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// own is the scope of one account.
type own arn.AccountID

func (o own) Where(w *store.Where, column string) { w.Add(column+" = ?", string(o)) }

// countedAlike compares what is answered from the kept counts with what is
// counted from the resources, which criteria that hold for all of them ask for.
func countedAlike(ctx context.Context, rt *rapid.T, tx *store.Tx, account arn.AccountID, region arn.Region) error {
	kept := catalog.CoverageCriteria{Strings: map[criteria.Attribute][]criteria.String{"scanStatusCode": {{Comparison: criteria.Equals, Value: "ACTIVE"}}}}
	counted := catalog.CoverageCriteria{Strings: map[criteria.Attribute][]criteria.String{
		"scanStatusCode": kept.Strings["scanStatusCode"], "resourceId": {{Comparison: criteria.Prefix, Value: "i-"}}}}
	for _, by := range []catalog.Group{catalog.ByStatus, catalog.ByReason, catalog.ByType, catalog.ByAccount} {
		a, err := catalog.CountCoverageBy(ctx, tx, own(account), string(region), &kept, by, "", 5)
		if err != nil {
			return err
		}
		b, err := catalog.CountCoverageBy(ctx, tx, own(account), string(region), &counted, by, "", 5)
		if err != nil {
			return err
		}
		if !slices.Equal(a, b) {
			rt.Fatalf("by %s: kept %v, counted %v", by, a, b)
		}
	}
	a, err := catalog.CountCoverage(ctx, tx, own(account), string(region), &kept)
	if err != nil {
		return err
	}
	b, err := catalog.CountCoverage(ctx, tx, own(account), string(region), &counted)
	if a != b {
		rt.Fatalf("kept %d, counted %d", a, b)
	}
	return err
}
