package results_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/directory"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
)

// put opens a finding of an account and closes it where a time is given.
func put(t *testing.T, tx *store.Tx, account arn.AccountID, name string, severity finding.Severity, opened, closed time.Time) error {
	t.Helper()
	f := finding.Finding{Account: account, Region: "us-east-1"}
	f.Resource = finding.Resource{Type: finding.Instance, ID: "i-" + name, Instance: &finding.InstanceDetails{}}
	f.Content = finding.Content{Type: finding.PackageVulnerability, Title: name, Severity: severity, Package: &finding.PackageDetails{VulnerabilityID: name}}
	f.ARN = finding.ARN(account, "us-east-1", finding.ID(account, "us-east-1", f.Resource.ID, &f.Content))
	f.Life = finding.Life{Status: finding.Active, FirstObservedAt: opened, LastObservedAt: opened, UpdatedAt: opened}
	r, err := catalog.PutResource(t.Context(), tx, account, "us-east-1", f.Resource, opened)
	if err == nil {
		err = findings.Apply(t.Context(), tx, []findings.Write{{Resource: r.Number, Change: finding.Change{Kind: finding.Opened, After: f}}})
	}
	if err == nil && !closed.IsZero() {
		gone := f
		gone.Status, gone.UpdatedAt = finding.Closed, closed
		err = findings.Apply(t.Context(), tx, []findings.Write{{Resource: r.Number, Change: finding.Change{Kind: finding.Ended, Before: f, After: gone}}})
	}
	return err
}

// TestTrend: what was open on a day follows from what is open now, and what
// is removed altogether has ceased to be open.
func TestTrend(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		day := 24 * time.Hour
		desk := newDesk(t, st)
		const own = arn.AccountID("111111111111")
		err := st.Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(
				put(t, tx, own, "a", finding.High, now.Add(-3*day), time.Time{}),
				put(t, tx, own, "b", finding.Low, now.Add(-3*day), now.Add(-day)),
				put(t, tx, own, "c", finding.Critical, now.Add(-day), now),
				put(t, tx, own, "d", finding.Medium, now, time.Time{}),
				put(t, tx, "222222222222", "e", finding.High, now.Add(-40*day), time.Time{}),
			)
		})
		if err != nil {
			t.Fatal(err)
		}
		trendOf := func(account arn.AccountID, days int32) string {
			t.Helper()
			call := &awsmodel.Call{Principal: arn.Principal{Account: account}, Region: "us-east-1", Time: now}
			out, err := desk.GetFindingTrend(t.Context(), call, &muster.GetFindingTrendInput{Days: &days})
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			for _, d := range out.Days {
				said += fmt.Sprintf("%s +%d -%d =%d (+%d -%d =%d)\n", d.Begin.Format("01-02"), d.Opened, d.Closed, d.Open, d.SevereOpened, d.SevereClosed, d.SevereOpen)
			}
			return said
		}
		const want = "11-17 +2 -0 =2 (+1 -0 =1)\n11-18 +0 -0 =2 (+0 -0 =1)\n11-19 +1 -1 =2 (+1 -0 =2)\n11-20 +1 -1 =2 (+0 -1 =1)\n"
		if got := trendOf(own, 30); got != want {
			t.Errorf("the trend is\n%swant\n%s", got, want)
		}
		if got := trendOf(own, 2); got != want[len(want)/2:] {
			t.Errorf("of two days it is\n%s", got)
		}
		// Nothing is known to have happened in these days, but something is open.
		if got := trendOf("222222222222", 30); got != "11-20 +0 -0 =1 (+0 -0 =1)\n" {
			t.Errorf("of the other account it is\n%s", got)
		}
		err = st.Update(t.Context(), func(tx *store.Tx) error {
			_, err := findings.RemoveOf(t.Context(), tx, own, "us-east-1", finding.Instance, now, 100)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := trendOf(own, 2); got != "11-19 +1 -1 =2 (+1 -0 =2)\n11-20 +1 -3 =0 (+0 -2 =0)\n" {
			t.Errorf("after the removal it is\n%s", got)
		}
	})
}

// TestUnitSummaries: a unit has what all accounts below it have; only members
// count, and only an administrator asks.
func TestUnitSummaries(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		desk := newDesk(t, st)
		const management, audit, web, data, stranger = arn.AccountID("111111111111"), arn.AccountID("222222222222"), arn.AccountID("333333333333"), arn.AccountID("444444444444"), arn.AccountID("555555555555")
		const org, root, prod, east, test = directory.OrganizationID("o-abcdefghij"), "r-abcd", "ou-abcd-prod0000", "ou-abcd-east0000", "ou-abcd-test0000"
		err := st.Update(t.Context(), func(tx *store.Tx) error {
			ctx := t.Context()
			errs := []error{directory.InsertOrganization(ctx, tx, directory.Organization{ID: org, Management: management, FeatureSet: directory.AllFeatures, Root: root})}
			for _, u := range []directory.Unit{
				{Org: org, ID: prod, Parent: root, Name: "prod", Path: "o-abcdefghij/r-abcd/" + prod + "/"},
				{Org: org, ID: east, Parent: prod, Name: "east", Path: "o-abcdefghij/r-abcd/" + prod + "/" + east + "/"},
				{Org: org, ID: test, Parent: root, Name: "test", Path: "o-abcdefghij/r-abcd/" + test + "/"},
			} {
				errs = append(errs, directory.InsertUnit(ctx, tx, u))
			}
			for account, parent := range map[arn.AccountID]string{management: root, audit: prod, web: prod, data: east, stranger: test} {
				errs = append(errs,
					directory.InsertAccount(ctx, tx, directory.Account{ID: account, Email: string(account) + "@example.com", Name: "n", State: directory.Active, CreatedAt: now}),
					directory.AddMember(ctx, tx, org, account, parent, directory.Created, now),
					put(t, tx, account, "x-"+string(account), finding.High, now, time.Time{}))
			}
			errs = append(errs, put(t, tx, data, "y", finding.Critical, now, time.Time{}),
				activation.InsertDesignation(ctx, tx, activation.Designation{Org: org, Region: "us-east-1", Account: audit, Status: activation.Designated, DesignatedAt: now}))
			for _, account := range []arn.AccountID{management, web, data} {
				errs = append(errs, activation.PutMember(ctx, tx, activation.Member{Administrator: audit, Region: "us-east-1", Account: account, Relationship: activation.Associated, UpdatedAt: now}))
			}
			return errors.Join(errs...)
		})
		if err != nil {
			t.Fatal(err)
		}
		summaries := func(account arn.AccountID, parent *string) (string, error) {
			call := &awsmodel.Call{Principal: arn.Principal{Account: account}, Region: "us-east-1", Time: now}
			out, err := desk.ListUnitSummaries(t.Context(), call, &muster.ListUnitSummariesInput{ParentId: parent})
			said := ""
			if err == nil {
				for _, u := range out.Units {
					said += fmt.Sprintf("%s: %d units, %d accounts, %d findings, %d critical, %d high\n", u.Name, u.UnitCount, u.AccountCount, u.FindingCount, u.Critical, u.High)
				}
			}
			return said, err
		}
		if got, err := summaries(audit, nil); err != nil || got != "prod: 1 units, 3 accounts, 4 findings, 1 critical, 3 high\ntest: 0 units, 0 accounts, 0 findings, 0 critical, 0 high\n" {
			t.Errorf("%v, below the root are\n%s", err, got)
		}
		if got, err := summaries(audit, new(prod)); err != nil || got != "east: 0 units, 1 accounts, 2 findings, 1 critical, 1 high\n" {
			t.Errorf("%v, below prod are\n%s", err, got)
		}
		_, err = summaries(audit, new("ou-abcd-00000000"))
		if _, ok := errors.AsType[*muster.ResourceNotFoundException](err); !ok {
			t.Errorf("an unknown unit: %v", err)
		}
		for _, account := range []arn.AccountID{management, web} {
			_, err := summaries(account, nil)
			if _, ok := errors.AsType[*muster.AccessDeniedException](err); !ok {
				t.Errorf("%s: %v", account, err)
			}
		}
	})
}
