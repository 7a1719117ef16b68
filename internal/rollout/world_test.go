package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/inspector"
	"muster/internal/organizations"
	"muster/internal/pagetoken"
	"muster/internal/rollout"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
	"muster/internal/worker"
)

// The Regions of these tests.
const here, there, elsewhere = "us-east-1", "eu-west-1", "ap-northeast-1"

// beginning is when the clock of a world, which stands still, begins.
var beginning = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is the rollout desk over the desks it works with, with an organization
// of "management", "audit" (the delegated administrator here and there, not
// elsewhere) and members; jobs run when told.
type world struct {
	t      testing.TB
	store  *store.Store
	now    time.Time
	access access
	config inspector.Config
	desk   *rollout.Service
	work   *inspector.Service
	orgs   *organizations.Service
	org    directory.Organization
	ids    map[string]arn.AccountID
}

// access permits everything but the actions listed, in the Region listed.
type access map[string]string

func (a access) Permit(_ context.Context, call *awsmodel.Call, action string, resource arn.ARN, _ map[string][]string) error {
	if a[action] == string(call.Region) || a[action] == "*" {
		return &awsmodel.Fault{Code: "AccessDeniedException", Message: "not authorized to perform: " + action + " on " + string(resource), Status: 403}
	}
	return nil
}

// engines give the URL of a fresh database of each kind.
var engines = map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres}

// newWorld builds the organization, with members of the names, on a database.
func newWorld(t testing.TB, database string, members ...string) *world {
	w := &world{t: t, now: beginning, access: access{}, ids: map[string]arn.AccountID{}}
	w.store = storetest.Open(t, database, store.Options{Now: func() time.Time { return w.now }})
	st := w.store
	pages, err := pagetoken.New(pagetoken.NewKey())
	w.must(err)
	regions := []arn.Region{here, there, elsewhere}
	w.config = inspector.Config{Store: st, Pages: pages, Regions: regions, Transition: time.Second, Now: func() time.Time { return w.now }}
	w.work = inspector.New(w.config)
	w.orgs = organizations.New(st, organizations.Options{Pages: pages, Observers: []organizations.Observer{w.work}})
	w.desk = w.with(w.work, 3)
	w.signUp("management", "alone")
	_, err = w.orgs.CreateOrganization(t.Context(), w.call("management", here), &api.CreateOrganizationInput{FeatureSet: api.OrganizationFeatureSetAll})
	w.must(err)
	w.must(st.View(t.Context(), func(tx *store.Tx) (err error) {
		w.org, err = directory.OrganizationOf(t.Context(), tx, w.ids["management"])
		return err
	}))
	w.join(w.org.Root, append([]string{"audit"}, members...)...)
	for _, region := range []arn.Region{here, there} {
		_, err := w.work.EnableDelegatedAdminAccount(t.Context(), w.call("management", region),
			&inspector2.EnableDelegatedAdminAccountInput{DelegatedAdminAccountId: string(w.ids["audit"])})
		w.must(err)
	}
	return w
}

// with is the desk over another inspector, taking as many accounts at once.
func (w *world) with(i rollout.Inspector, portion int) *rollout.Service {
	return rollout.New(rollout.Config{
		Store: w.store, Pages: w.config.Pages, Inspector: i, Access: w.access, Regions: w.config.Regions, Portion: portion,
		Now: func() time.Time { return w.now },
	})
}

// signUp makes accounts whose ids rise in the order of the calls.
func (w *world) signUp(names ...string) {
	w.t.Helper()
	w.must(w.store.Update(w.t.Context(), func(tx *store.Tx) error {
		for i, name := range names {
			id := arn.AccountID(fmt.Sprintf("%012d", 100_000_000_000+len(w.ids)+i))
			if _, err := organizations.RootAccount(w.t.Context(), tx, id, name+"@example.com", name, w.now); err != nil {
				return err
			}
		}
		return nil
	}))
	for _, name := range names {
		w.ids[name] = arn.AccountID(fmt.Sprintf("%012d", 100_000_000_000+len(w.ids)))
	}
}

// join puts new accounts under a parent of the organization.
func (w *world) join(parent string, names ...string) {
	w.t.Helper()
	w.signUp(names...)
	w.must(w.store.Update(w.t.Context(), func(tx *store.Tx) error {
		for _, name := range names {
			if err := directory.AddMember(w.t.Context(), tx, w.org.ID, w.ids[name], parent, directory.Created, w.now); err != nil {
				return err
			}
		}
		return nil
	}))
}

// unit makes a unit under a parent and returns its id.
func (w *world) unit(parent, name string) string {
	w.t.Helper()
	out, err := w.orgs.CreateOrganizationalUnit(w.t.Context(), w.call("management", here), &api.CreateOrganizationalUnitInput{ParentId: parent, Name: name})
	w.must(err)
	return *out.OrganizationalUnit.Id
}

func (w *world) update(fn func(context.Context, *store.Tx) error) {
	w.t.Helper()
	w.must(w.store.Update(w.t.Context(), func(tx *store.Tx) error { return fn(w.t.Context(), tx) }))
}

func (w *world) call(who string, region arn.Region) *awsmodel.Call {
	id := w.ids[who]
	return &awsmodel.Call{Principal: arn.Principal{Kind: arn.RootUser, Account: id, ARN: id.Root()}, Region: region, Time: w.now}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// start orders a rollout as "audit" and carries it out.
func (w *world) start(in muster.StartRolloutInput) *muster.Rollout {
	w.t.Helper()
	out, err := w.desk.StartRollout(w.t.Context(), w.call("audit", here), &in)
	w.must(err)
	w.run(w.desk)
	got, err := w.desk.GetRollout(w.t.Context(), w.call("audit", here), &muster.GetRolloutInput{RolloutId: out.Rollout.RolloutId})
	w.must(err)
	return got.Rollout
}

// run does the desk's jobs that are due, each twice, as a job must bear.
func (w *world) run(desk *rollout.Service) {
	w.t.Helper()
	for _, jobs := range []map[string]worker.Handler{desk.Jobs(), w.work.Jobs()} {
		w.now = w.now.Add(time.Second)
		w.must(w.runJobs(jobs))
	}
}

func (w *world) runJobs(handlers map[string]worker.Handler) error {
	for _, kind := range slices.Sorted(maps.Keys(handlers)) {
		jobs, err := w.store.Claim(w.t.Context(), kind, 100, time.Minute)
		w.must(err)
		for _, job := range jobs {
			if err := errors.Join(handlers[kind](w.t.Context(), job), handlers[kind](w.t.Context(), job)); err != nil {
				return err
			}
		}
		w.must(w.store.Complete(w.t.Context(), jobs...))
	}
	return nil
}

// results are all results of an order, page by page, one line each.
func (w *world) results(r *muster.Rollout, in muster.ListRolloutResultsInput) string {
	w.t.Helper()
	in.RolloutId = r.RolloutId
	var lines []string
	for {
		out, err := w.desk.ListRolloutResults(w.t.Context(), w.call("audit", here), &in)
		w.must(err)
		for _, res := range out.Results {
			lines = append(lines, w.line(res))
		}
		if out.NextToken == nil {
			return strings.Join(lines, "\n")
		}
		in.NextToken = out.NextToken
	}
}

func (w *world) line(r muster.RolloutResult) string {
	b := strings.Builder{}
	fmt.Fprintf(&b, "%s %s", r.Region, w.name(r.AccountId))
	if r.Association != "" {
		fmt.Fprintf(&b, " association %s", r.Association)
	}
	if r.ErrorCode != nil {
		fmt.Fprintf(&b, " %s", *r.ErrorCode)
	}
	for _, t := range r.Resources {
		fmt.Fprintf(&b, " | %s %s", t.ResourceType, t.Outcome)
		if t.ErrorCode != nil {
			fmt.Fprintf(&b, " %s", *t.ErrorCode)
		}
		if t.Status != nil {
			fmt.Fprintf(&b, " now %s", *t.Status)
		}
	}
	return b.String()
}

func (w *world) name(id string) string {
	for name, known := range w.ids {
		if string(known) == id {
			return name
		}
	}
	return id
}

// same compares with lines as written in a test, their indentation aside.
func same(t *testing.T, got, want string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(want)) {
		lines = append(lines, strings.TrimSpace(line))
	}
	if want = strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// parts are an order's Regions, one line each.
func parts(r *muster.Rollout) string {
	lines := []string{fmt.Sprintf("%s %d accounts", r.Status, r.AccountCount)}
	for _, p := range r.Regions {
		line := fmt.Sprintf("%s %s %d+%d", p.Region, p.Status, p.Succeeded, p.Failed)
		if p.ErrorMessage != nil {
			line += " " + *p.ErrorCode + " " + *p.ErrorMessage
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// each runs a test in a world of its own on both engines.
func each(t *testing.T, members string, test func(t *testing.T, w *world)) {
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) { test(t, newWorld(t, open(t), strings.Fields(members)...)) })
	}
}
