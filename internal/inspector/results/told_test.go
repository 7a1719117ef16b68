package results_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/finding"
	"muster/internal/inspector/results"
	"muster/internal/pagetoken"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
)

// TestWhatIsToldOfAFinding: its history to whoever sees it, and of its code why
// there is none.
func TestWhatIsToldOfAFinding(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		call := &awsmodel.Call{Principal: arn.Principal{Account: "111111111111"}, Region: "us-east-1", Time: now}
		desk := newDesk(t, st)
		f := finding.Finding{Account: "111111111111", Region: "us-east-1", ARN: finding.ARN("111111111111", "us-east-1", "0123456789abcdef0123456789abcdef")}
		f.Content = finding.Content{Type: finding.PackageVulnerability, Title: "CVE-2026-1 - a", Severity: finding.High, Package: &finding.PackageDetails{VulnerabilityID: "CVE-2026-1"}}
		f.Resource = finding.Resource{Type: finding.Instance, ID: "i-1", Instance: &finding.InstanceDetails{}}
		f.Life = finding.Life{Status: finding.Active, FirstObservedAt: now, LastObservedAt: now, UpdatedAt: now}
		hidden, _ := finding.Suppress(f, "arn:rule", now.Add(time.Hour))
		err := st.Update(t.Context(), func(tx *store.Tx) error {
			r, err := catalog.PutResource(t.Context(), tx, f.Account, f.Region, f.Resource, now)
			for _, c := range []finding.Change{{Kind: finding.Opened, After: f, Why: "found by a scan"}, hidden} {
				if err == nil {
					err = findings.Apply(t.Context(), tx, []findings.Write{{Resource: r.Number, Change: c}})
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := desk.GetFindingHistory(t.Context(), call, &muster.GetFindingHistoryInput{FindingArn: string(f.ARN)})
		if err != nil || len(got.Entries) != 2 || got.Entries[1].Kind != muster.FindingHistoryKindSuppressed || got.Entries[1].Reason != "suppressed by arn:rule" || !got.Entries[1].At.Equal(now.Add(time.Hour)) {
			t.Errorf("%+v, %v", got, err)
		}
		other := *call
		other.Principal.Account = "222222222222"
		if _, err := desk.GetFindingHistory(t.Context(), &other, &muster.GetFindingHistoryInput{FindingArn: string(f.ARN)}); err == nil {
			t.Error("another account reads the history")
		} else if _, ok := errors.AsType[*muster.AccessDeniedException](err); !ok {
			t.Error(err)
		}
		const absent = "arn:aws:inspector2:us-east-1:111111111111:finding/ffffffffffffffffffffffffffffffff"
		const foreign = "arn:aws:inspector2:us-east-1:222222222222:finding/ffffffffffffffffffffffffffffffff"
		code, err := desk.BatchGetCodeSnippet(t.Context(), call, &inspector2.BatchGetCodeSnippetInput{FindingArns: []string{string(f.ARN), absent, foreign, "x"}})
		if err != nil || len(code.CodeSnippetResults) != 0 || len(code.Errors) != 4 {
			t.Fatalf("%+v, %v", code, err)
		}
		for i, want := range []inspector2.CodeSnippetErrorCode{
			inspector2.CodeSnippetErrorCodeCodeSnippetNotFound, inspector2.CodeSnippetErrorCodeCodeSnippetNotFound,
			inspector2.CodeSnippetErrorCodeAccessDenied, inspector2.CodeSnippetErrorCodeInvalidInput,
		} {
			if code.Errors[i].ErrorCode != want {
				t.Errorf("%s: %s, want %s", code.Errors[i].FindingArn, code.Errors[i].ErrorCode, want)
			}
		}
	})
}

// TestSummary: the sums are of the accounts that the caller sees.
func TestSummary(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		desk := newDesk(t, st)
		err := st.Update(t.Context(), func(tx *store.Tx) error {
			for i, account := range []arn.AccountID{"111111111111", "111111111111", "222222222222"} {
				f := finding.Finding{Account: account, Region: "us-east-1"}
				f.Resource = finding.Resource{Type: finding.Instance, ID: fmt.Sprint("i-", i), Instance: &finding.InstanceDetails{}}
				f.Content = finding.Content{Type: finding.PackageVulnerability, Title: "CVE-2026-1 - a", Severity: finding.High, Fix: finding.Yes,
					Package: &finding.PackageDetails{VulnerabilityID: "CVE-2026-1"}}
				f.ARN = finding.ARN(account, "us-east-1", finding.ID(account, "us-east-1", f.Resource.ID, &f.Content))
				f.Life = finding.Life{Status: finding.Active, FirstObservedAt: now, LastObservedAt: now, UpdatedAt: now}
				r, err := catalog.PutResource(t.Context(), tx, account, "us-east-1", f.Resource, now)
				if err == nil {
					err = catalog.SetCoverage(t.Context(), tx, &r, catalog.Coverage{Covered: true, ScanType: "PACKAGE", Status: "ACTIVE", Reason: "SUCCESSFUL"}, now)
				}
				if err == nil {
					err = findings.Apply(t.Context(), tx, []findings.Write{{Resource: r.Number, Change: finding.Change{Kind: finding.Opened, After: f}}})
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for account, want := range map[arn.AccountID]int64{"111111111111": 2, "222222222222": 1, "333333333333": 0} {
			got, err := desk.GetSummary(t.Context(), &awsmodel.Call{Principal: arn.Principal{Account: account}, Region: "us-east-1", Time: now}, &muster.GetSummaryInput{})
			if err != nil {
				t.Fatal(err)
			}
			var active, fixable, covered int64
			for _, c := range got.Findings {
				active, fixable = active+c.Count, fixable+c.FixAvailable
				if c.Status != "ACTIVE" || c.Severity != "HIGH" || c.FindingType != "PACKAGE_VULNERABILITY" || c.ExploitAvailable != 0 {
					t.Errorf("%+v", c)
				}
			}
			for _, c := range got.Coverage {
				covered += c.Count
			}
			if active != want || fixable != want || covered != want {
				t.Errorf("%s: %+v", account, got)
			}
		}
	})
}

func newDesk(t *testing.T, st *store.Store) *results.Service {
	t.Helper()
	pages, err := pagetoken.New(pagetoken.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return results.New(results.Config{Store: st, Pages: pages, Intel: func(context.Context, string) (advisorydb.Intel, bool, error) { return advisorydb.Intel{}, false, nil }})
}
