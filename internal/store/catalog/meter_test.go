package catalog_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/arn"
	"muster/internal/finding"
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
