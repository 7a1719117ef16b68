package inspector_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/inspector"
	"muster/internal/organizations"
	"muster/internal/organizations/policies"
	"muster/internal/pagetoken"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/worker"
)

// transition is how long asynchronous states last in these tests.
const transition = time.Second

// world is the inspector and organizations desks on one database, with a clock
// that stands still and jobs that run when told.
type world struct {
	t       testing.TB
	store   *store.Store
	desk    *inspector.Service
	orgs    *organizations.Service
	rules   *policies.Service
	scanner *scan.Service
	clock   *clock
	access  *access
	byName  map[string]arn.AccountID
	names   map[arn.AccountID]string
	invokes map[string]awsmodel.Operation
	// things are ids beside those of accounts: units, policies, filters' ARNs.
	things map[string]string
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// access permits everything but the actions listed.
type access struct{ denied []string }

func (a *access) Permit(_ context.Context, _ *awsmodel.Call, action string, _ arn.ARN, _ map[string][]string) error {
	if slices.Contains(a.denied, action) {
		return &awsmodel.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: " + action, Status: 403}
	}
	return nil
}

// newWorld builds the desks; change, when not nil, adjusts the inspector's
// configuration.
func newWorld(t testing.TB, st *store.Store, c *clock, change func(*inspector.Config)) *world {
	w := &world{
		t: t, store: st, clock: c, access: &access{},
		byName: map[string]arn.AccountID{}, names: map[arn.AccountID]string{}, invokes: map[string]awsmodel.Operation{}, things: map[string]string{},
	}
	pages, err := pagetoken.New(pagetoken.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	config := inspector.Config{
		Store: st, Pages: pages, Access: w.access, Now: c.Now, Transition: transition,
		Regions: []arn.Region{"us-east-1", "eu-west-1", "ap-northeast-1"},
	}
	if change != nil {
		change(&config)
	}
	w.desk = inspector.New(config)
	limits := organizations.DefaultLimits()
	limits.Accounts, limits.Requests = 1000, 1000
	w.orgs = organizations.New(st, organizations.Options{
		Pages: pages, Observers: []organizations.Observer{w.desk}, Limits: limits, Transition: transition, Now: c.Now,
	})
	w.rules = policies.New(st, w.orgs, policies.Options{Regions: config.Regions, Transition: transition, Now: c.Now})
	w.scanner = scan.New(scan.Config{Store: st, Advisories: noAdvisories{}, Now: c.Now})
	for _, op := range w.handlers(pages).Operations() {
		w.invokes[op.Name] = op
	}
	return w
}

func (w *world) name(account arn.AccountID, name string) {
	w.byName[name], w.names[account] = account, name
}

// id is the account of a name; other words, such as ids of nobody, are
// themselves.
func (w *world) id(name string) string {
	if account, ok := w.byName[name]; ok {
		return string(account)
	}
	return name
}

func (w *world) ids(names string) []string {
	if names == "" {
		return nil
	}
	var list []string
	for name := range strings.SplitSeq(names, ",") {
		list = append(list, w.id(name))
	}
	return list
}

var filterID = regexp.MustCompile(`filter/[0-9a-f]{16}`)

// named puts names in the place of ids.
func (w *world) named(text string) string {
	for id, name := range w.names {
		text = strings.ReplaceAll(text, string(id), name)
	}
	return filterID.ReplaceAllString(text, "filter/x")
}

func (w *world) call(caller string, region arn.Region) *awsmodel.Call {
	account := arn.AccountID(w.id(caller))
	return &awsmodel.Call{
		Principal: arn.Principal{Kind: arn.RootUser, Account: account, ARN: account.Root()},
		Region:    region, Time: w.clock.Now(),
	}
}

// signUp makes an account that stands alone, as an operator would.
func (w *world) signUp(name string) {
	w.t.Helper()
	err := w.store.Update(w.t.Context(), func(tx *store.Tx) error {
		id, err := organizations.RootAccount(w.t.Context(), tx, "", name+"@example.com", name, w.clock.Now())
		w.name(id, name)
		return err
	})
	w.must(err)
}

// organize makes an account the management account of a new organization.
func (w *world) organize(name string, features api.OrganizationFeatureSet) {
	w.t.Helper()
	w.signUp(name)
	_, err := w.orgs.CreateOrganization(w.t.Context(), w.call(name, "us-east-1"), &api.CreateOrganizationInput{FeatureSet: features})
	w.must(err)
}

// create makes an account in the organization of another one.
func (w *world) create(management, name string) {
	w.t.Helper()
	ctx := w.t.Context()
	out, err := w.orgs.CreateAccount(ctx, w.call(management, "us-east-1"),
		&api.CreateAccountInput{Email: name + "@example.com", AccountName: name})
	w.must(err)
	w.clock.advance(transition)
	w.runJobs(w.orgs.Jobs())
	status, err := w.orgs.DescribeCreateAccountStatus(ctx, w.call(management, "us-east-1"),
		&api.DescribeCreateAccountStatusInput{CreateAccountRequestId: *out.CreateAccountStatus.Id})
	w.must(err)
	if status.CreateAccountStatus.AccountId == nil {
		w.t.Fatalf("account %s was not created: %+v", name, status.CreateAccountStatus)
	}
	w.name(arn.AccountID(*status.CreateAccountStatus.AccountId), name)
}

// setState changes an account's state as AWS's own staff would.
func (w *world) setState(name string, state directory.State) {
	w.t.Helper()
	ctx, id := w.t.Context(), arn.AccountID(w.id(name))
	w.must(w.store.Update(ctx, func(tx *store.Tx) error {
		if err := directory.SetState(ctx, tx, id, state, time.Time{}); err != nil {
			return err
		}
		m, err := organizations.Of(ctx, tx, id)
		if err != nil {
			return err
		}
		return w.desk.AccountStateChanged(ctx, tx, m.Org, id, state, w.clock.Now())
	}))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// do calls an operation as the doors would: first the relation, then the
// handler. A caller whom the relation refuses is refused by the handler too.
func (w *world) do(caller string, region arn.Region, name string, in any) (any, error) {
	op, ok := w.invokes[name]
	if !ok || op.Invoke == nil {
		return nil, fmt.Errorf("the desk has no operation %s", name)
	}
	call := w.call(caller, region)
	refused := w.desk.Relation(w.t.Context(), call, &op, in)
	out, err := op.Invoke(w.t.Context(), call, in)
	if refused != nil && (err == nil || err.Error() != refused.Error()) {
		return nil, fmt.Errorf("%s: the relation refuses (%v) what the handler answers with %v", name, refused, err)
	}
	return out, err
}

// settle lets transitions end: the desks' jobs that are due after one
// transition are run until none is left.
func (w *world) settle() {
	w.t.Helper()
	w.clock.advance(transition)
	w.runJobs(w.orgs.Jobs())
	w.runJobs(w.rules.Jobs())
	w.runJobs(w.desk.Jobs())
}

// runJobs runs due jobs until none is left, each twice, as a job must bear.
func (w *world) runJobs(handlers map[string]worker.Handler) {
	w.t.Helper()
	ctx := w.t.Context()
	for ran := true; ran; {
		ran = false
		for _, kind := range slices.Sorted(maps.Keys(handlers)) {
			jobs, err := w.store.Claim(ctx, kind, 100, time.Minute)
			w.must(err)
			for _, job := range jobs {
				w.must(errors.Join(handlers[kind](ctx, job), handlers[kind](ctx, job)))
				ran = true
			}
			w.must(w.store.Complete(ctx, jobs...))
		}
	}
}

// asked returns and completes the jobs that the desk has asked others for, as
// "kind account region", sorted.
func (w *world) asked() []string {
	w.t.Helper()
	var list []string
	for _, kind := range []string{inspector.JobAccountChanged, inspector.JobAccountsChanged, inspector.JobResuppress} {
		jobs, err := w.store.Claim(w.t.Context(), kind, 1000, time.Minute)
		w.must(err)
		for _, job := range jobs {
			for _, account := range w.askedAbout(job) {
				list = append(list, w.named(strings.Replace(kind, "accounts-", "account-", 1)+" "+account+" "+job.Region))
			}
		}
		w.must(w.store.Complete(w.t.Context(), jobs...))
	}
	slices.Sort(list)
	return list
}

// askedAbout are the accounts that a job is about.
func (w *world) askedAbout(job store.Job) (accounts []string) {
	if job.Kind != inspector.JobAccountsChanged {
		return []string{job.Account}
	}
	var many inspector.ChangedAccounts
	w.must(json.Unmarshal(job.Payload, &many))
	for _, account := range many.Accounts {
		accounts = append(accounts, string(account))
	}
	return accounts
}

// describe is a refusal as the client sees it: status, code and text, with
// names in the place of ids.
func (w *world) describe(err error) string {
	known, ok := errors.AsType[awsmodel.Error](err)
	if !ok {
		return "internal error: " + err.Error()
	}
	text := strings.TrimPrefix(known.Error(), known.ErrorCode()+": ")
	extra := ""
	switch e := known.(type) {
	case *inspector2.ValidationException:
		extra = " " + string(e.Reason)
	case *inspector2.ConflictException:
		extra = " " + e.ResourceType + " " + e.ResourceId
	case *inspector2.ServiceQuotaExceededException:
		extra = " " + e.ResourceId
	}
	return w.named(fmt.Sprintf("%d %s%s %q", known.HTTPStatus(), known.ErrorCode(), extra, text))
}
