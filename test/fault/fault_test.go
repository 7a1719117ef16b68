// Package fault makes the first, the second, the third… statement of the store
// fail, within the operations that change most and the jobs that follow from
// them, until each passes untouched. What failed has changed nothing, and what
// is kept beside the truth, such as counts, still agrees with it.
package fault

import (
	"slices"
	"testing"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/refresh"
	"muster/internal/scan"
	"muster/internal/store/storetest"
)

func TestAnyStatementMayFail(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := newWorld(t, url)
		w.signUp("management")
		w.do("CreateOrganization", func() error {
			_, err := w.orgs.CreateOrganization(t.Context(), w.call("management"), &api.CreateOrganizationInput{})
			return err
		})
		w.createAccount("audit")
		w.createAccount("workload")
		w.administration()
		w.scanning()
		w.ending()
	})
}

// do does something again and again, with a later statement failing each time,
// until none fails; then it does the jobs that are due in the same way.
func (w *world) do(name string, what func() error) {
	w.t.Helper()
	w.attempt(name, true, what)
	w.now = w.now.Add(transition)
	for jobs := w.due(); len(jobs) > 0; jobs = w.due() {
		for _, job := range jobs {
			w.attempt("job "+job.Kind, !stepwise[job.Kind], func() error { return w.jobs[job.Kind](w.t.Context(), job) })
			w.must(w.store.Complete(w.t.Context(), job))
		}
	}
}

// stepwise are the jobs that work in several transactions: one that fails
// leaves what it has completed, and the next attempt goes on from there.
var stepwise = map[string]bool{scan.JobSweep: true, scan.JobAdvisories: true, scan.JobAccount: true, scan.JobSuppression: true}

func (w *world) attempt(name string, atomic bool, what func() error) {
	w.t.Helper()
	before := w.dump()
	for n := 1; ; n++ {
		w.trigger.arm(n)
		err := what()
		fired := w.trigger.disarm()
		w.invariants()
		if !fired {
			w.must(err)
			w.t.Logf("%s: %d statements", name, n-1)
			return
		}
		if err == nil {
			w.t.Errorf("%s: statement %d failed and nobody says so", name, n)
		}
		after := w.dump()
		if changed := differing(before, after); atomic && len(changed) > 0 {
			w.t.Errorf("%s: statement %d failed, and yet it changed %v", name, n, changed)
		}
		if before = after; w.t.Failed() {
			w.t.FailNow()
		}
	}
}

func differing(a, b map[string]string) []string {
	var list []string
	for name, text := range b {
		if a[name] != text {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

func (w *world) createAccount(name string) {
	w.t.Helper()
	ctx := w.t.Context()
	var request string
	w.do("CreateAccount", func() error {
		out, err := w.orgs.CreateAccount(ctx, w.call("management"), &api.CreateAccountInput{AccountName: name, Email: name + "@example.com"})
		if err == nil {
			request = *out.CreateAccountStatus.Id
		}
		return err
	})
	out, err := w.orgs.DescribeCreateAccountStatus(ctx, w.call("management"), &api.DescribeCreateAccountStatusInput{CreateAccountRequestId: request})
	w.must(err)
	if out.CreateAccountStatus.AccountId == nil {
		w.t.Fatalf("account %s: %+v", name, out.CreateAccountStatus)
	}
	w.accounts[name] = arn.AccountID(*out.CreateAccountStatus.AccountId)
}

// administration delegates the audit account, makes the workload account its
// member and switches scanning on.
func (w *world) administration() {
	w.t.Helper()
	ctx := w.t.Context()
	w.do("EnableDelegatedAdminAccount", func() error {
		_, err := w.inspector.EnableDelegatedAdminAccount(ctx, w.call("management"), &inspector2.EnableDelegatedAdminAccountInput{DelegatedAdminAccountId: string(w.accounts["audit"])})
		return err
	})
	w.do("AssociateMember", func() error {
		_, err := w.inspector.AssociateMember(ctx, w.call("audit"), &inspector2.AssociateMemberInput{AccountId: string(w.accounts["workload"])})
		return err
	})
	w.do("Enable", func() error {
		out, err := w.inspector.Enable(ctx, w.call("audit"), &inspector2.EnableInput{
			AccountIds:    []string{string(w.accounts["audit"]), string(w.accounts["workload"])},
			ResourceTypes: []inspector2.ResourceScanType{inspector2.ResourceScanTypeEc2, inspector2.ResourceScanTypeEcr},
		})
		if err == nil && len(out.FailedAccounts) > 0 {
			w.t.Errorf("not enabled: %+v", out.FailedAccounts)
		}
		return err
	})
}

// scanning carries reports, advisories and rules to findings.
func (w *world) scanning() {
	w.t.Helper()
	ctx := w.t.Context()
	w.enrol("workload")
	sync := func() error {
		_, err := w.refresh.Sync(ctx, refresh.SyncOptions{})
		return err
	}
	report := func(sequence int64, packages ...string) {
		w.do("AcceptReport", func() error {
			_, err := w.fleet.AcceptReport(ctx, w.host, w.report(sequence, packages...), w.now)
			return err
		})
	}
	w.publish("CVE-2024-0001 a 2", "CVE-2024-0002 b 2", "CVE-2024-0003 c 1")
	w.do("Sync", sync)
	report(1, "a=1", "b=1", "c=1")
	w.expect("CVE-2024-0001 ACTIVE, CVE-2024-0002 ACTIVE")
	var rule string
	w.do("CreateFilter", func() error {
		out, err := w.rules.CreateFilter(ctx, w.call("audit"), &inspector2.CreateFilterInput{Name: "rule", Action: inspector2.FilterActionSuppress,
			FilterCriteria: &inspector2.FilterCriteria{VulnerabilityId: []inspector2.StringFilter{{Comparison: inspector2.StringComparisonEquals, Value: "CVE-2024-0002"}}}})
		if err == nil {
			rule = out.Arn
		}
		return err
	})
	w.expect("CVE-2024-0001 ACTIVE, CVE-2024-0002 SUPPRESSED")
	w.publish("CVE-2024-0001 a 1", "CVE-2024-0002 b 3", "CVE-2024-0003 c 2")
	w.do("Sync", sync)
	w.expect("CVE-2024-0001 CLOSED, CVE-2024-0002 SUPPRESSED, CVE-2024-0003 ACTIVE")
	report(2, "a=1", "b=2")
	w.expect("CVE-2024-0001 CLOSED, CVE-2024-0002 SUPPRESSED, CVE-2024-0003 CLOSED")
	w.do("DeleteFilter", func() error {
		_, err := w.rules.DeleteFilter(ctx, w.call("audit"), &inspector2.DeleteFilterInput{Arn: rule})
		return err
	})
	w.expect("CVE-2024-0001 CLOSED, CVE-2024-0002 ACTIVE, CVE-2024-0003 CLOSED")
}

func (w *world) expect(want string) {
	w.t.Helper()
	if got := w.found(); got != want {
		w.t.Fatalf("findings %s, want %s", got, want)
	}
}

// ending switches off and takes back what was there.
func (w *world) ending() {
	w.t.Helper()
	ctx := w.t.Context()
	w.do("Disable", func() error {
		_, err := w.inspector.Disable(ctx, w.call("audit"), &inspector2.DisableInput{
			AccountIds: []string{string(w.accounts["workload"])}, ResourceTypes: []inspector2.ResourceScanType{inspector2.ResourceScanTypeEc2},
		})
		return err
	})
	w.expect("")
	w.do("DisableDelegatedAdminAccount", func() error {
		_, err := w.inspector.DisableDelegatedAdminAccount(ctx, w.call("management"), &inspector2.DisableDelegatedAdminAccountInput{DelegatedAdminAccountId: string(w.accounts["audit"])})
		return err
	})
	w.do("CloseAccount", func() error {
		_, err := w.orgs.CloseAccount(ctx, w.call("management"), &api.CloseAccountInput{AccountId: string(w.accounts["workload"])})
		return err
	})
}
