package inspector

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/awsmodel/inspector2"
	"muster/internal/store/activation"
)

var (
	here = place{"111122223333", "eu-west-1"}
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func anyScans() *rapid.Generator[activation.Scans] {
	statuses := []activation.Status{
		activation.Disabled, activation.Enabling, activation.Enabled,
		activation.Disabling, activation.Suspending, activation.Suspended,
	}
	return rapid.Custom(func(t *rapid.T) activation.Scans {
		scans := activation.Scans{}
		for _, st := range activation.ScanTypes() {
			if !rapid.Bool().Draw(t, "known") {
				continue
			}
			scans[st] = activation.Scan{
				Account: here.account, Region: here.region, Type: st, ChangedAt: noon, FirstEnabledAt: noon,
				Status: rapid.SampledFrom(statuses).Draw(t, string(st)),
			}
		}
		return scans
	})
}

func anyTypes() *rapid.Generator[[]activation.ScanType] {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(activation.ScanTypes()), 0, 5, rapid.ID)
}

// TestTransitionsProperties: asking twice is asking once, a refusal changes
// nothing, and what was asked for is what comes out in the end.
func TestTransitionsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scans, types := anyScans().Draw(t, "scans"), anyTypes().Draw(t, "types")
		later := noon.Add(time.Minute)

		changed, refused := enable(here, scans, types, false, later)
		if refused != nil && changed != nil {
			t.Fatalf("enable both refuses (%v) and changes %v", refused, changed)
		}
		if refused == nil {
			on := after(scans, changed)
			if again, r := enable(here, on, types, false, later); r != nil || len(again) > 0 {
				t.Fatalf("enable again: %v, %v", again, r)
			}
			end := after(on, settle(on, later, later, succeeds))
			for _, st := range types {
				if got := end.Status(st); got != activation.Enabled && got != activation.Suspended {
					t.Fatalf("%s ends %s", st, got)
				}
			}
		}

		changed, refused = disable(here, scans, types, later)
		if refused != nil {
			if changed != nil {
				t.Fatalf("disable both refuses (%v) and changes %v", refused, changed)
			}
			return
		}
		off := after(scans, changed)
		end := after(off, settle(off, later, later, succeeds))
		for _, st := range types {
			if got := end.Status(st); got != activation.Disabled {
				t.Fatalf("%s ends %s", st, got)
			}
		}
		if slices.Contains(types, activation.Lambda) && end.Status(activation.LambdaCode) != activation.Disabled {
			t.Fatalf("code scanning survives functions: %s", end.Status(activation.LambdaCode))
		}
	})
}

// TestSuspensionIsReversible: whatever was on before comes on again.
func TestSuspensionIsReversible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scans := anyScans().Draw(t, "scans")
		later := noon.Add(time.Minute)
		down := after(scans, suspend(here, scans, later))
		if rapid.Bool().Draw(t, "settled") {
			down = after(down, settle(down, later, later, succeeds))
		}
		for _, st := range activation.ScanTypes() {
			if s := down.Status(st); s == activation.Enabled || s == activation.Enabling {
				t.Fatalf("%s is %s in a suspended account", st, s)
			}
		}
		up := after(down, reinstate(here, down, later))
		up = after(up, settle(up, later, later, succeeds))
		for _, st := range activation.ScanTypes() {
			was := scans.Status(st)
			want := was != activation.Disabled && was != activation.Disabling
			if got := up.Status(st) == activation.Enabled; got != want {
				t.Fatalf("%s was %s and is %s", st, was, up.Status(st))
			}
		}
	})
}

// TestSettleLeavesLaterTransitions: a job for an earlier transition does not
// end a later one, however late it runs.
func TestSettleLeavesLaterTransitions(t *testing.T) {
	scans := activation.Scans{
		activation.EC2: {Type: activation.EC2, Status: activation.Disabling, ChangedAt: noon.Add(time.Second)},
		activation.ECR: {Type: activation.ECR, Status: activation.Enabling, ChangedAt: noon},
	}
	changed := settle(scans, noon, noon.Add(time.Hour), succeeds)
	if len(changed) != 1 || changed[0].Type != activation.ECR || changed[0].Status != activation.Enabled {
		t.Errorf("changed %+v, want ECR enabled alone", changed)
	}
}

func TestTrialBeginsOnce(t *testing.T) {
	scans := activation.Scans{activation.EC2: {Type: activation.EC2, Status: activation.Disabled, FirstEnabledAt: noon}}
	changed, _ := enable(here, scans, []activation.ScanType{activation.EC2, activation.ECR}, false, noon.Add(time.Hour))
	if len(changed) != 2 || !changed[0].FirstEnabledAt.Equal(noon) || !changed[1].FirstEnabledAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("changed %+v", changed)
	}
}

func TestRefusalsOfTransitions(t *testing.T) {
	for _, c := range []struct {
		status    activation.Status
		suspended bool
		on, off   inspector2.ErrorCode
	}{
		{activation.Disabled, false, "", ""},
		{activation.Enabling, false, "", inspector2.ErrorCodeEnableInProgress},
		{activation.Enabled, false, "", ""},
		{activation.Disabling, false, inspector2.ErrorCodeDisableInProgress, ""},
		{activation.Suspending, true, inspector2.ErrorCodeSuspendInProgress, inspector2.ErrorCodeSuspendInProgress},
		{activation.Suspended, true, "", ""},
		{activation.Disabled, true, inspector2.ErrorCodeAccountIsIsolated, ""},
	} {
		scans := activation.Scans{activation.EC2: {Type: activation.EC2, Status: c.status}}
		types := []activation.ScanType{activation.EC2}
		_, on := enable(here, scans, types, c.suspended, noon)
		_, off := disable(here, scans, types, noon)
		if codeOf(on) != c.on || codeOf(off) != c.off {
			t.Errorf("%s, suspended %t: enable %q, disable %q, want %q, %q", c.status, c.suspended, codeOf(on), codeOf(off), c.on, c.off)
		}
	}
}

func codeOf(r *refusal) inspector2.ErrorCode {
	if r == nil {
		return ""
	}
	return r.code
}

// succeeds lets every activation succeed.
func succeeds(activation.ScanType) *refusal { return nil }

// TestFailedActivation: what cannot be switched on is off, says why until the
// next attempt, and has begun no trial.
func TestFailedActivation(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := place{"111122223333", "us-east-1"}
	changed, _ := enable(at, nil, []activation.ScanType{activation.EC2, activation.ECR}, false, noon)
	scans := after(nil, changed)
	scans = after(scans, settle(scans, noon, noon.Add(time.Minute), func(t activation.ScanType) *refusal {
		if t == activation.EC2 {
			return &refusal{"SSM_UNAVAILABLE", "Systems Manager does not answer"}
		}
		return nil
	}))
	ec2 := scans[activation.EC2]
	if ec2.Status != activation.Disabled || ec2.ErrorCode != "SSM_UNAVAILABLE" || !ec2.FirstEnabledAt.IsZero() {
		t.Errorf("%+v", ec2)
	}
	if scans.Status(activation.ECR) != activation.Enabled || scans.Failure().ErrorCode != "" {
		t.Errorf("the other type: %+v, the account: %+v", scans[activation.ECR], scans.Failure())
	}
	changed, _ = enable(at, scans, []activation.ScanType{activation.EC2}, false, noon.Add(time.Hour))
	scans = after(scans, changed)
	scans = after(scans, settle(scans, noon.Add(time.Hour), noon.Add(time.Hour), succeeds))
	if ec2 := scans[activation.EC2]; ec2.Status != activation.Enabled || ec2.ErrorCode != "" || !ec2.FirstEnabledAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("the second attempt: %+v", ec2)
	}
}
