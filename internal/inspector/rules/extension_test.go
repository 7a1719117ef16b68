package rules_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/finding"
	"muster/internal/inspector/rules"
	"muster/internal/pagetoken"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/directory"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
	"muster/internal/worker"
)

type nothingPublished struct{}

func (nothingPublished) CurrentGeneration(context.Context) (*advisorydb.Set, int64, error) {
	return advisorydb.Empty(), 0, nil
}

func (nothingPublished) Generation(context.Context, int64) (*advisorydb.Set, error) {
	return advisorydb.Empty(), nil
}

const (
	boss   arn.AccountID = "111111111111"
	member arn.AccountID = "222222222222"
	other  arn.AccountID = "333333333333"
	here   arn.Region    = "us-east-1"
)

// office is the desk with a clock, a few accounts and their findings.
type office struct {
	t     *testing.T
	store *store.Store
	desk  *rules.Service
	jobs  map[string]worker.Handler
	now   time.Time
}

func newOffice(t *testing.T, url string) *office {
	o := &office{t: t, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return o.now }
	o.store = storetest.Open(t, url, store.Options{Now: clock})
	pages, err := pagetoken.New(pagetoken.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	scans := scan.New(scan.Config{Store: o.store, Advisories: nothingPublished{}, Now: clock})
	o.desk = rules.New(rules.Config{Store: o.store, Pages: pages, Apply: scans.Resuppress, Now: clock})
	o.jobs = scans.Jobs()
	for kind, h := range o.desk.Jobs() {
		o.jobs[kind] = h
	}
	const org = "o-exampleorg1"
	o.update(func(ctx context.Context, tx *store.Tx) error {
		err := directory.InsertOrganization(ctx, tx, directory.Organization{ID: org, Management: boss, FeatureSet: "ALL", Root: "r-root", CreatedAt: o.now})
		for _, id := range []arn.AccountID{boss, member} {
			if err == nil {
				err = directory.InsertAccount(ctx, tx, directory.Account{ID: id, Email: string(id) + "@example.com", Name: string(id), State: directory.Active, CreatedAt: o.now})
			}
			if err == nil {
				err = directory.AddMember(ctx, tx, org, id, "r-root", directory.Created, o.now)
			}
		}
		if err == nil {
			err = activation.InsertDesignation(ctx, tx, activation.Designation{Org: org, Region: here, Account: boss, Status: activation.Designated, DesignatedAt: o.now})
		}
		if err != nil {
			return err
		}
		return activation.PutMember(ctx, tx, activation.Member{Administrator: boss, Region: here, Account: member, Relationship: activation.Associated, UpdatedAt: o.now})
	})
	return o
}

func (o *office) update(fn func(ctx context.Context, tx *store.Tx) error) {
	o.t.Helper()
	if err := o.store.Update(o.t.Context(), func(tx *store.Tx) error { return fn(o.t.Context(), tx) }); err != nil {
		o.t.Fatal(err)
	}
}

// call is one of the account's, by its user alice.
func (o *office) call(account arn.AccountID) *awsmodel.Call {
	return &awsmodel.Call{
		Principal: arn.Principal{Account: account, ARN: arn.ARN("arn:aws:iam::" + string(account) + ":user/alice")}, Region: here, Time: o.now,
		SourceIP: "192.0.2.7", RequestID: "request-" + string(account),
	}
}

// open stores findings of a severity in an account, numbered from a number on.
func (o *office) open(account arn.AccountID, severity finding.Severity, from, n int) {
	o.t.Helper()
	o.update(func(ctx context.Context, tx *store.Tx) error {
		host := finding.Resource{Type: finding.Instance, ID: "i-" + string(account), Instance: &finding.InstanceDetails{}}
		r, err := catalog.PutResource(ctx, tx, account, here, host, o.now)
		if err != nil {
			return err
		}
		var writes []findings.Write
		for i := from; i < from+n; i++ {
			f := finding.Finding{Account: account, Region: here, ARN: finding.ARN(account, here, fmt.Sprintf("%032x", i)), Resource: host}
			f.Content = finding.Content{Type: finding.PackageVulnerability, Title: fmt.Sprintf("CVE-2026-%d - a", i), Severity: severity, Package: &finding.PackageDetails{VulnerabilityID: fmt.Sprintf("CVE-2026-%d", i)}}
			f.Life = finding.Life{Status: finding.Active, FirstObservedAt: o.now, LastObservedAt: o.now, UpdatedAt: o.now}
			writes = append(writes, findings.Write{Resource: r.Number, Change: finding.Change{Kind: finding.Opened, After: f, Why: "found by a scan"}})
		}
		return findings.Apply(ctx, tx, writes)
	})
}

// runJobs runs the jobs that are due until none is.
func (o *office) runJobs() {
	o.t.Helper()
	for kind := ""; ; {
		ran := false
		for kind = range o.jobs {
			list, err := o.store.Claim(o.t.Context(), kind, 10, time.Minute)
			for _, job := range list {
				ran, err = true, errors.Join(err, o.jobs[kind](o.t.Context(), job), o.jobs[kind](o.t.Context(), job))
			}
			if err = errors.Join(err, o.store.Complete(o.t.Context(), list...)); err != nil {
				o.t.Fatalf("%s: %v", kind, err)
			}
		}
		if !ran {
			return
		}
	}
}

// count counts findings by status.
func (o *office) count() string {
	o.t.Helper()
	n := map[finding.Status]int64{}
	o.update(func(ctx context.Context, tx *store.Tx) error {
		clear(n)
		for _, a := range []arn.AccountID{boss, member, other} {
			for _, status := range []finding.Status{finding.Active, finding.Suppressed} {
				list, err := findings.MatchingPage(ctx, tx, a, here, status, nil, "", 100_000)
				if err != nil {
					return err
				}
				n[status] += int64(len(list))
			}
		}
		return nil
	})
	return fmt.Sprintf("%d active, %d suppressed", n[finding.Active], n[finding.Suppressed])
}

func (o *office) expect(want string) {
	o.t.Helper()
	if got := o.count(); got != want {
		o.t.Fatalf("%s, want %s", got, want)
	}
}

func low() *inspector2.FilterCriteria {
	return &inspector2.FilterCriteria{Severity: []inspector2.StringFilter{{Comparison: "EQUALS", Value: "LOW"}}}
}

func (o *office) create(name string, criteria *inspector2.FilterCriteria, reason *string) (string, error) {
	out, err := o.desk.CreateFilter(o.t.Context(), o.call(boss), &inspector2.CreateFilterInput{Name: name, Action: "SUPPRESS", FilterCriteria: criteria, Reason: reason})
	if err != nil {
		return "", err
	}
	return out.Arn, nil
}

func must[T any](o *office, v T, err error) T {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	return v
}

// TestARuleEndsByItself: its findings come back with events, the filter stays as
// a saved search, and its history tells all of it.
func TestARuleEndsByItself(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		o := newOffice(t, url)
		ctx := t.Context()
		o.open(boss, finding.Low, 1, 3)
		o.open(member, finding.Low, 10, 2)
		o.open(member, finding.High, 20, 1)
		o.open(other, finding.Low, 30, 1)
		rule := must2(o.create("quiet", low(), new("noise")))
		o.expect("2 active, 5 suppressed")
		past := o.now
		if _, err := o.desk.PutFilterExpiry(ctx, o.call(boss), &muster.PutFilterExpiryInput{FilterArn: rule, ExpiresAt: &past}); err == nil {
			t.Error("a rule was made to end in the past")
		}
		for _, hours := range []int{1, 3} { // The first job finds the rule postponed.
			end := o.now.Add(time.Duration(hours) * time.Hour)
			out, err := o.desk.PutFilterExpiry(ctx, o.call(boss), &muster.PutFilterExpiryInput{FilterArn: rule, ExpiresAt: &end, Reason: new("until the fix")})
			if got := must(o, out, err).Filter; !got.ExpiresAt.Equal(end) || *got.Reason != "until the fix" || got.HiddenCount != 5 {
				t.Fatalf("%+v", got)
			}
		}
		o.now = o.now.Add(2 * time.Hour)
		o.runJobs()
		o.expect("2 active, 5 suppressed")
		o.now = o.now.Add(time.Hour)
		o.open(member, finding.Low, 40, 1)
		before := o.events()
		o.runJobs()
		o.expect("8 active, 0 suppressed")
		if n := o.events() - before; n != 5 {
			t.Errorf("%d events tell of the return, want 5", n)
		}
		o.runJobs()
		list, err := o.desk.ListFilters(ctx, o.call(boss), &inspector2.ListFiltersInput{})
		if got := must(o, list, err).Filters; len(got) != 1 || got[0].Action != "NONE" {
			t.Errorf("%+v", got)
		}
		states, err := o.desk.DescribeFilters(ctx, o.call(boss), &muster.DescribeFiltersInput{FilterArns: []string{rule}})
		if got := must(o, states, err).Filters; len(got) != 1 || got[0].ExpiredAt == nil || got[0].ExpiresAt != nil || got[0].HiddenCount != 5 || got[0].ReturnedCount != 5 ||
			*got[0].CreatedBy != "arn:aws:iam::111111111111:user/alice" || got[0].UpdatedBy != nil {
			t.Errorf("%+v", got)
		}
		o.history(rule, "EXPIRED by server: hid 0, returned 5", "EXPIRY_SET by alice: hid 0, returned 0", "EXPIRY_SET by alice: hid 0, returned 0", "CREATED by alice: hid 5, returned 0")
	})
}

func must2(arn string, err error) string {
	if err != nil {
		panic(err)
	}
	return arn
}

// events is how many events there are.
func (o *office) events() int {
	o.t.Helper()
	var n int
	o.update(func(ctx context.Context, tx *store.Tx) (err error) {
		list, err := tx.PendingEvents(ctx, "", 100_000)
		n = len(list)
		return err
	})
	return n
}

// history compares what the history of a filter says, the newest first.
func (o *office) history(rule string, want ...string) {
	o.t.Helper()
	var got []string
	for in := (&muster.ListFilterHistoryInput{FilterArn: &rule, MaxResults: new(int32(2))}); ; {
		out, err := o.desk.ListFilterHistory(o.t.Context(), o.call(boss), in)
		for _, e := range must(o, out, err).Entries {
			who := "server"
			if e.PrincipalArn != nil {
				who = (*e.PrincipalArn)[strings.LastIndex(*e.PrincipalArn, "/")+1:]
				if *e.SourceIpAddress != "192.0.2.7" || *e.RequestId != "request-111111111111" {
					o.t.Errorf("%+v", e)
				}
			}
			got = append(got, fmt.Sprintf("%s by %s: hid %d, returned %d", e.Change, who, e.HiddenCount, e.ReturnedCount))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		o.t.Errorf("history\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestChangesOfARuleAreTold: narrowed, widened, deleted.
func TestChangesOfARuleAreTold(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		o := newOffice(t, url)
		o.open(boss, finding.Low, 1, 3)
		o.open(member, finding.High, 20, 2)
		rule := must2(o.create("quiet", low(), nil))
		high := low()
		high.Severity[0].Value = "HIGH"
		_, err := o.desk.UpdateFilter(t.Context(), o.call(boss), &inspector2.UpdateFilterInput{FilterArn: rule, FilterCriteria: high})
		must(o, 0, err)
		o.expect("3 active, 2 suppressed")
		_, err = o.desk.DeleteFilter(t.Context(), o.call(boss), &inspector2.DeleteFilterInput{Arn: rule})
		must(o, 0, err)
		o.expect("5 active, 0 suppressed")
		o.history(rule, "DELETED by alice: hid 0, returned 2", "UPDATED by alice: hid 2, returned 3", "CREATED by alice: hid 3, returned 0")
		foreign := o.call(member)
		got, err := o.desk.ListFilterHistory(t.Context(), foreign, &muster.ListFilterHistoryInput{FilterArn: &rule})
		if len(must(o, got, err).Entries) != 0 {
			t.Error("a member reads the history of the administrator's rule")
		}
	})
}

// TestAReasonCanBeAskedFor of every rule, by whoever makes the rules.
func TestAReasonCanBeAskedFor(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		o := newOffice(t, url)
		ctx := t.Context()
		old := must2(o.create("old", low(), nil))
		ask := &muster.PutFilterSettingsInput{ReasonRequired: true}
		if _, err := o.desk.PutFilterSettings(ctx, o.call(member), ask); err == nil {
			t.Error("a member changed the settings")
		} else if _, ok := errors.AsType[*muster.AccessDeniedException](err); !ok {
			t.Errorf("%T", err)
		}
		_, err := o.desk.PutFilterSettings(ctx, o.call(boss), ask)
		must(o, 0, err)
		got, err := o.desk.GetFilterSettings(ctx, o.call(member), &muster.GetFilterSettingsInput{})
		if s := must(o, got, err).Settings; !s.ReasonRequired || *s.UpdatedBy != "arn:aws:iam::111111111111:user/alice" {
			t.Errorf("a member reads %+v", s)
		}
		if _, err := o.create("new", low(), nil); err == nil {
			t.Error("a rule without a reason was made")
		} else if v, ok := errors.AsType[*inspector2.ValidationException](err); !ok || v.Fields[0].Name != "reason" {
			t.Errorf("%v", err)
		}
		change := &inspector2.UpdateFilterInput{FilterArn: old, Description: new("x")}
		if _, err := o.desk.UpdateFilter(ctx, o.call(boss), change); err == nil {
			t.Error("a rule without a reason was changed")
		}
		change.Reason = new("known")
		_, err = o.desk.UpdateFilter(ctx, o.call(boss), change)
		must(o, 0, err)
		_, err = o.desk.CreateFilter(ctx, o.call(boss), &inspector2.CreateFilterInput{Name: "search", Action: "NONE", FilterCriteria: low()})
		must(o, 0, err)
	})
}

// TestAPreviewCountsWhatARuleWouldHide, all of it or in steps.
func TestAPreviewCountsWhatARuleWouldHide(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		o := newOffice(t, url)
		o.open(boss, finding.Low, 1, 3)
		o.open(boss, finding.Critical, 5, 1)
		o.open(member, finding.Low, 10, 2)
		o.open(member, finding.High, 20, 1)
		o.open(other, finding.Low, 30, 1)
		must2(o.create("one", &inspector2.FilterCriteria{VulnerabilityId: []inspector2.StringFilter{{Comparison: "EQUALS", Value: "CVE-2026-2"}}}, nil))
		in := &muster.PreviewFilterInput{FilterCriteria: &muster.FilterCriteria{Severity: []muster.StringFilter{{Comparison: "NOT_EQUALS", Value: "HIGH"}}}}
		out, err := o.desk.PreviewFilter(t.Context(), o.call(boss), in)
		got := must(o, out, err)
		text, _ := json.Marshal(got.ByAccount)
		if got.HiddenCount != 5 || got.SuppressedCount != 1 || got.AccountCount != 2 || !got.Complete || len(got.Findings) != 5 || got.Findings[0].Severity != "CRITICAL" ||
			string(text) != `[{"AccountId":"111111111111","Count":3,"Critical":1,"High":0},{"AccountId":"222222222222","Count":2,"Critical":0,"High":0}]` {
			t.Errorf("%+v %s", got, text)
		}
		if s := fmt.Sprint(got.BySeverity); s != "[{1 CRITICAL} {0 HIGH} {0 MEDIUM} {4 LOW} {0 INFORMATIONAL} {0 UNTRIAGED}]" {
			t.Error(s)
		}
		for _, bad := range []*muster.PreviewFilterInput{{}, {FilterCriteria: &muster.FilterCriteria{}}, {FilterArn: new("arn:aws:inspector2:us-east-1:111111111111:owner/111111111111/filter/0123456789abcdef")}} {
			if _, err := o.desk.PreviewFilter(t.Context(), o.call(boss), bad); err == nil {
				t.Errorf("%+v was previewed", bad)
			}
		}
		alone, err := o.desk.PreviewFilter(t.Context(), o.call(other), in)
		if must(o, alone, err).HiddenCount != 1 {
			t.Errorf("another account sees %+v", alone)
		}
	})
}

// TestARuleOverManyFindings: what a transaction cannot take is left to jobs, and
// a preview of it comes in steps that add up.
func TestARuleOverManyFindings(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		o := newOffice(t, url)
		o.open(boss, finding.Low, 1, 100)
		for i := range 3 {
			o.open(member, finding.Low, 1000+i*1000, 1000)
		}
		rule := must2(o.create("quiet", low(), nil))
		if got := o.count(); got == "0 active, 3100 suppressed" {
			t.Error("3,100 findings were moved in the caller's transaction")
		}
		o.runJobs()
		o.expect("0 active, 3100 suppressed")
		_, err := o.desk.DeleteFilter(t.Context(), o.call(boss), &inspector2.DeleteFilterInput{Arn: rule})
		must(o, 0, err)
		o.runJobs()
		o.expect("3100 active, 0 suppressed")
		o.history(rule, "DELETED by alice: hid 0, returned 3100", "CREATED by alice: hid 3100, returned 0")
	})
}
