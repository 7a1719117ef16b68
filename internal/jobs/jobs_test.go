package jobs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/jobs"
	"muster/internal/pagetoken"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
)

const (
	management arn.AccountID = "111111111111"
	audit      arn.AccountID = "222222222222"
	member     arn.AccountID = "333333333333"
	stranger   arn.AccountID = "444444444444"
)

// world is the desk over a store with an organization and work of everybody.
type world struct {
	t     *testing.T
	store *store.Store
	desk  *jobs.Service
	now   time.Time
}

func newWorld(t *testing.T, url string) *world {
	w := &world{t: t, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	w.store = storetest.Open(t, url, store.Options{Now: clock})
	pages, err := pagetoken.New(pagetoken.NewKey())
	w.must(err)
	w.desk = jobs.New(jobs.Config{Store: w.store, Pages: pages, Now: clock})
	w.must(w.store.Update(t.Context(), func(tx *store.Tx) error {
		err := directory.InsertOrganization(t.Context(), tx, directory.Organization{ID: "o-exampleorg1", Management: management, FeatureSet: "ALL", Root: "r-root", CreatedAt: w.now})
		for _, id := range []arn.AccountID{management, audit, member} {
			if err == nil {
				err = directory.InsertAccount(t.Context(), tx, directory.Account{ID: id, Email: string(id) + "@example.com", Name: string(id), State: directory.Active, CreatedAt: w.now})
			}
			if err == nil {
				err = directory.AddMember(t.Context(), tx, "o-exampleorg1", id, "r-root", directory.Created, w.now)
			}
		}
		if err == nil {
			err = activation.InsertDesignation(t.Context(), tx, activation.Designation{Org: "o-exampleorg1", Region: "us-east-1", Account: audit, Status: "ENABLED", DesignatedAt: w.now})
		}
		if err == nil {
			err = activation.PutMember(t.Context(), tx, activation.Member{Administrator: audit, Region: "us-east-1", Account: member, Relationship: "ENABLED", UpdatedAt: w.now})
		}
		return err
	}))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) call(account arn.AccountID, region arn.Region) *awsmodel.Call {
	return &awsmodel.Call{Principal: arn.Principal{Account: account, Kind: arn.User, ARN: arn.ARN("arn:aws:iam::" + string(account) + ":user/alice")}, Region: region, Time: w.now}
}

// ask leaves work; kinds that begin with "parked" have failed for good, those
// with "running" are claimed.
func (w *world) ask(account arn.AccountID, region arn.Region, kind string, in time.Duration) {
	w.t.Helper()
	ctx := w.t.Context()
	w.must(w.store.Update(ctx, func(tx *store.Tx) error {
		return tx.Enqueue(ctx, store.Job{Kind: kind, Key: "k-" + string(account) + string(region), Account: string(account), Region: string(region), RunAt: w.now.Add(in)})
	}))
	if !strings.HasPrefix(kind, "parked") && !strings.HasPrefix(kind, "running") {
		return
	}
	claimed, err := w.store.Claim(ctx, kind, 1, time.Minute)
	w.must(err)
	if strings.HasPrefix(kind, "parked") {
		w.must(w.store.Park(ctx, claimed[0], errors.New("no such bucket")))
	}
}

// listed are the jobs that an account sees, read one by one.
func (w *world) listed(account arn.AccountID, region arn.Region, in muster.ListJobsInput) string {
	w.t.Helper()
	var lines []string
	for in.MaxResults = new(int32(1)); ; {
		out, err := w.desk.ListJobs(w.t.Context(), w.call(account, region), &in)
		w.must(err)
		for _, j := range out.Jobs {
			line := j.AccountId[:1] + " " + j.Kind + " " + string(j.Status)
			if j.Error != nil {
				line += " " + *j.Error
			}
			lines = append(lines, line)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return strings.Join(lines, ", ")
		}
	}
}

func (w *world) fill() {
	w.ask(member, "us-east-1", "parked.a", 0)
	w.ask(member, "us-east-1", "scan.a", 0)
	w.ask(member, "eu-west-1", "scan.b", 0)
	w.ask(member, "", "scan.c", time.Hour)
	w.ask(audit, "us-east-1", "running.a", 0)
	w.ask(management, "us-east-1", "scan.d", 0)
	w.ask("", "", "feeds", 0)
}

// TestWhoSeesWhichWork: everybody their own in the Region, the administrator
// that of its members, nobody that of nobody.
func TestWhoSeesWhichWork(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := newWorld(t, url)
		w.fill()
		for _, c := range []struct {
			account arn.AccountID
			region  arn.Region
			in      muster.ListJobsInput
			want    string
		}{
			{member, "us-east-1", muster.ListJobsInput{}, "3 parked.a PARKED no such bucket, 3 scan.a PENDING, 3 scan.c SCHEDULED"},
			{member, "eu-west-1", muster.ListJobsInput{}, "3 scan.b PENDING, 3 scan.c SCHEDULED"},
			{audit, "us-east-1", muster.ListJobsInput{}, "3 parked.a PARKED no such bucket, 3 scan.a PENDING, 3 scan.c SCHEDULED, 2 running.a RUNNING"},
			{audit, "eu-west-1", muster.ListJobsInput{}, ""},
			{audit, "us-east-1", muster.ListJobsInput{Status: muster.JobStatusRunning}, "2 running.a RUNNING"},
			{audit, "us-east-1", muster.ListJobsInput{Status: muster.JobStatusParked}, "3 parked.a PARKED no such bucket"},
			{audit, "us-east-1", muster.ListJobsInput{Status: muster.JobStatusPending}, "3 scan.a PENDING"},
			{audit, "us-east-1", muster.ListJobsInput{Status: muster.JobStatusScheduled, Kind: new("scan.c")}, "3 scan.c SCHEDULED"},
			{management, "us-east-1", muster.ListJobsInput{}, "1 scan.d PENDING"},
			{stranger, "us-east-1", muster.ListJobsInput{}, ""},
		} {
			if got := w.listed(c.account, c.region, c.in); got != c.want {
				t.Errorf("%s in %s sees %q, want %q", c.account, c.region, got, c.want)
			}
		}
		w.now = w.now.Add(10 * time.Minute)
		out, err := w.desk.ListJobQueues(t.Context(), w.call(audit, "us-east-1"), &muster.ListJobQueuesInput{})
		w.must(err)
		var got []string
		for _, q := range out.Queues {
			line := fmt.Sprintf("%s %d %d %d %d", q.Kind, q.Scheduled, q.Pending, q.Running, q.Parked)
			if q.OldestDueAt != nil {
				line += " " + w.now.Sub(*q.OldestDueAt).String()
			}
			got = append(got, line)
		}
		want := "parked.a 0 0 0 1, running.a 0 0 1 0, scan.a 0 1 0 0 10m0s, scan.c 1 0 0 0"
		if s := strings.Join(got, ", "); s != want || !out.Complete {
			t.Errorf("queues are %q (complete: %v), want %q", s, out.Complete, want)
		}
	})
}

// TestParkedWork: retried and dropped only by whom it concerns, a member's
// dropped only by its administrator, and nothing but what was put aside.
func TestParkedWork(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := newWorld(t, url)
		w.fill()
		ids := map[string]string{}
		out, err := w.desk.ListJobs(t.Context(), w.call(audit, "us-east-1"), &muster.ListJobsInput{})
		w.must(err)
		for _, j := range out.Jobs {
			ids[j.Kind] = j.JobId
		}
		retry := func(account arn.AccountID, id string) error {
			_, err := w.desk.RetryJob(t.Context(), w.call(account, "us-east-1"), &muster.RetryJobInput{JobId: id})
			return err
		}
		drop := func(account arn.AccountID, id string) error {
			_, err := w.desk.DeleteJob(t.Context(), w.call(account, "us-east-1"), &muster.DeleteJobInput{JobId: id})
			return err
		}
		parked := ids["parked.a"]
		for name, c := range map[string]struct {
			err  error
			want error
		}{
			"a stranger retries":             {retry(stranger, parked), &muster.ResourceNotFoundException{}},
			"the management account retries": {retry(management, parked), &muster.ResourceNotFoundException{}},
			"a stranger drops":               {drop(stranger, parked), &muster.ResourceNotFoundException{}},
			"the member drops":               {drop(member, parked), &muster.AccessDeniedException{}},
			"work that waits is dropped":     {drop(audit, ids["scan.a"]), &muster.ResourceNotFoundException{}},
			"work that runs is retried":      {retry(audit, ids["running.a"]), &muster.ResourceNotFoundException{}},
			"no such job":                    {retry(audit, "0"), &muster.ResourceNotFoundException{}},
		} {
			if fmt.Sprintf("%T", c.err) != fmt.Sprintf("%T", c.want) {
				t.Errorf("%s: %v, want %T", name, c.err, c.want)
			}
		}
		w.must(retry(member, parked))
		if got := w.listed(member, "us-east-1", muster.ListJobsInput{Kind: new("parked.a")}); got != "3 parked.a PENDING no such bucket" {
			t.Errorf("after it is retried: %q", got)
		}
		claimed, err := w.store.Claim(t.Context(), "parked.a", 1, time.Minute)
		w.must(err)
		w.must(w.store.Park(t.Context(), claimed[0], errors.New("again")))
		w.must(drop(audit, parked))
		if got := w.listed(member, "us-east-1", muster.ListJobsInput{Kind: new("parked.a")}); got != "" {
			t.Errorf("after it is dropped: %q", got)
		}
	})
}
