package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/audit"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/pagetoken"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/settings"
	"muster/internal/store/storetest"
)

const (
	management arn.AccountID = "111111111111"
	member     arn.AccountID = "222222222222"
	stranger   arn.AccountID = "333333333333"
)

// world is the desk, a clock, and what is stored beside.
type world struct {
	t     *testing.T
	store *store.Store
	desk  *audit.Service
	now   time.Time
}

func newWorld(t *testing.T, url string) *world {
	w := &world{t: t, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	w.store = storetest.Open(t, url, store.Options{Now: clock})
	pages, err := pagetoken.New(pagetoken.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	w.desk = audit.New(audit.Config{Store: w.store, Pages: pages, Now: clock})
	w.must(w.store.Update(t.Context(), func(tx *store.Tx) error {
		err := directory.InsertOrganization(t.Context(), tx, directory.Organization{ID: "o-exampleorg1", Management: management, FeatureSet: "ALL", Root: "r-root", CreatedAt: w.now})
		for _, id := range []arn.AccountID{management, member} {
			if err == nil {
				err = directory.InsertAccount(t.Context(), tx, directory.Account{ID: id, Email: string(id) + "@example.com", Name: string(id), State: directory.Active, CreatedAt: w.now})
			}
			if err == nil {
				err = directory.AddMember(t.Context(), tx, "o-exampleorg1", id, "r-root", directory.Created, w.now)
			}
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

func (w *world) call(account arn.AccountID) *awsmodel.Call {
	return &awsmodel.Call{
		Principal: arn.Principal{Account: account, Kind: arn.User, ARN: arn.ARN("arn:aws:iam::" + string(account) + ":user/alice")},
		Region:    "us-east-1", Time: w.now, SourceIP: "192.0.2.7", UserAgent: "aws-cli", RequestID: "request-" + string(account),
	}
}

// perform plays an operation that sets settings in as many transactions and
// then ends with an error, or none.
func (w *world) perform(account arn.AccountID, op awsmodel.Operation, sets []string, end error) {
	w.t.Helper()
	parameters := func() json.RawMessage {
		return json.RawMessage(`{"filterArn":"arn:x","roleName":"r_le","password":"HIDDEN"}`)
	}
	ctx, done := w.desk.Attend(w.t.Context(), w.call(account), &op, parameters)
	for _, name := range sets {
		w.must(w.store.Update(ctx, func(tx *store.Tx) error { return settings.Put(ctx, tx, name, "1", w.now) }))
	}
	done(end)
}

// told is what the events say, the newest first.
func (w *world) told(account arn.AccountID, in muster.ListAuditEventsInput) string {
	w.t.Helper()
	var lines []string
	for in.MaxResults = new(int32(2)); ; {
		out, err := w.desk.ListAuditEvents(w.t.Context(), w.call(account), &in)
		if err != nil {
			return fmt.Sprintf("%T", err)
		}
		for _, e := range out.Events {
			line := e.AccountId[:3] + " " + e.Operation + " " + string(e.Outcome)
			if e.ErrorCode != nil {
				line += " " + *e.ErrorCode
			}
			lines = append(lines, line)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return strings.Join(lines, ", ")
		}
	}
}

var (
	creates = awsmodel.Operation{Service: "inspector2", Name: "CreateFilter"}
	deletes = awsmodel.Operation{Service: "iam", Name: "DeleteRole"}
	reads   = awsmodel.Operation{Service: "iam", Name: "GetRole", ReadOnly: true}
)

// TestWhatCallersChangeIsKept: one event for each call that changes or tries to,
// however many transactions it takes, and none for reading.
func TestWhatCallersChangeIsKept(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := newWorld(t, url)
		denied := &inspector2.AccessDeniedException{Message: "no"}
		w.perform(management, creates, []string{"a"}, nil)
		w.perform(management, creates, []string{"b", "c"}, nil)
		w.perform(member, deletes, []string{"d"}, denied) // What was done before it failed stays done.
		w.perform(member, deletes, nil, denied)
		w.perform(member, deletes, nil, nil)
		w.perform(member, deletes, nil, errors.New("secret detail"))
		w.perform(member, deletes, nil, &awsmodel.Fault{Code: "ThrottlingException"})
		w.perform(member, reads, []string{"e"}, nil)
		w.perform(stranger, creates, nil, nil)
		const own, all = "111 CreateFilter SUCCESS, 111 CreateFilter SUCCESS", "222 DeleteRole FAILURE InternalError, 222 DeleteRole SUCCESS, 222 DeleteRole FAILURE AccessDeniedException, 222 DeleteRole FAILURE AccessDeniedException, "
		for _, c := range []struct {
			account arn.AccountID
			in      muster.ListAuditEventsInput
			want    string
		}{
			{management, muster.ListAuditEventsInput{}, own},
			{management, muster.ListAuditEventsInput{Organization: new(true)}, all + own},
			{management, muster.ListAuditEventsInput{AccountId: new(string(member)), Outcome: muster.AuditOutcomeSuccess}, "222 DeleteRole SUCCESS"},
			{management, muster.ListAuditEventsInput{AccountId: new(string(stranger))}, "*muster.AccessDeniedException"},
			{member, muster.ListAuditEventsInput{Organization: new(true)}, "*muster.AccessDeniedException"},
			{member, muster.ListAuditEventsInput{AccountId: new(string(management))}, "*muster.AccessDeniedException"},
			{stranger, muster.ListAuditEventsInput{}, "333 CreateFilter SUCCESS"},
			{management, muster.ListAuditEventsInput{Organization: new(true), Service: new("iam"), ErrorCode: new("InternalError")}, "222 DeleteRole FAILURE InternalError"},
			{management, muster.ListAuditEventsInput{Organization: new(true), Operation: new("CreateFilter")}, own},
			{management, muster.ListAuditEventsInput{Principal: new("arn:aws:iam::111111111111:user/alice")}, own},
			{management, muster.ListAuditEventsInput{Principal: new("arn:aws:iam::111111111111:user/al")}, ""},
			{management, muster.ListAuditEventsInput{Resource: new("r_le")}, own},
			{management, muster.ListAuditEventsInput{Resource: new("r%le")}, ""},
			{management, muster.ListAuditEventsInput{RequestId: new("request-111111111111"), Region: new("us-east-1")}, own},
			{management, muster.ListAuditEventsInput{Region: new("eu-west-1")}, ""},
			{management, muster.ListAuditEventsInput{StartTime: new(w.now.Add(-time.Second)), EndTime: new(w.now)}, own},
			{management, muster.ListAuditEventsInput{StartTime: new(w.now.Add(time.Second))}, ""},
			{management, muster.ListAuditEventsInput{EndTime: new(w.now.Add(-time.Second))}, ""},
		} {
			if got := w.told(c.account, c.in); got != c.want {
				body, _ := json.Marshal(c.in)
				t.Errorf("%s asks %s: %s, want %s", c.account, body, got, c.want)
			}
		}
	})
}

// TestTheEventIsPartOfTheChange: undone with it.
func TestTheEventIsPartOfTheChange(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := newWorld(t, url)
		ctx, _ := w.desk.Attend(t.Context(), w.call(management), &creates, func() json.RawMessage { return nil })
		failed := errors.New("no")
		if err := w.store.Update(ctx, func(*store.Tx) error { return failed }); !errors.Is(err, failed) {
			t.Fatal(err)
		}
		if got := w.told(management, muster.ListAuditEventsInput{}); got != "" {
			t.Errorf("an event tells of what was undone: %s", got)
		}
		w.must(w.store.Update(ctx, func(*store.Tx) error { return nil }))
		if got := w.told(management, muster.ListAuditEventsInput{}); got != "111 CreateFilter SUCCESS" {
			t.Errorf("a change whose caller is gone is not told: %s", got)
		}
	})
}

// TestEventsAreForgotten after three months.
func TestEventsAreForgotten(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := newWorld(t, url)
		w.perform(management, creates, nil, nil)
		w.now = w.now.Add(60 * 24 * time.Hour)
		w.perform(management, deletes, nil, nil)
		w.must(w.desk.Start(context.Background()))
		retain := w.desk.Jobs()[audit.JobRetention]
		w.must(retain(t.Context(), store.Job{Kind: audit.JobRetention}))
		if got := w.told(management, muster.ListAuditEventsInput{}); got != "111 DeleteRole SUCCESS, 111 CreateFilter SUCCESS" {
			t.Error(got)
		}
		w.now = w.now.Add(31 * 24 * time.Hour)
		w.must(retain(t.Context(), store.Job{Kind: audit.JobRetention}))
		if got := w.told(management, muster.ListAuditEventsInput{}); got != "111 DeleteRole SUCCESS" {
			t.Error(got)
		}
	})
}
