package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"muster/internal/access"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	iamapi "muster/internal/awsmodel/iam"
	"muster/internal/iam"
	"muster/internal/iam/managed"
	"muster/internal/inspector"
	"muster/internal/inspector/results"
	"muster/internal/inspector/rules"
	"muster/internal/inspector/settings"
	"muster/internal/keyring"
	"muster/internal/organizations"
	"muster/internal/organizations/handshakes"
	"muster/internal/organizations/policies"
	"muster/internal/pagetoken"
	"muster/internal/policy"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
	"muster/internal/sts"
	"muster/internal/worker"
)

// Regions: in here an administrator is designated, in there none.
const (
	here  arn.Region = "eu-west-1"
	there arn.Region = "us-east-1"
)

// world is the desks that have to do with authorization, on one store, wired
// as the server wires them.
type world struct {
	t      testing.TB
	store  *store.Store
	now    time.Time
	keys   *iam.Keys
	access *access.Desk
	jobs   map[string]worker.Handler
	// operations of all services by action.
	operations map[string]awsmodel.Operation
	accounts   map[string]arn.AccountID
	// controls are service control policies by account and level, in the
	// place of those that the organization keeps.
	controls map[arn.AccountID][][]*policy.Document
	serial   int
}

// watcher tells the inspector desk of changes, and lets the keys forget what
// they knew of an account.
type watcher struct {
	organizations.Observer
	keys *iam.Keys
}

// AccountStateChanged implements organizations.Observer.
func (w watcher) AccountStateChanged(ctx context.Context, tx *store.Tx, org organizations.OrganizationID, account arn.AccountID, state directory.State, now time.Time) error {
	tx.AfterCommit(func() { w.keys.Forget(account) })
	return w.Observer.AccountStateChanged(ctx, tx, org, account, state, now)
}

func newWorld(t testing.TB, url string) *world {
	t.Helper()
	w := &world{
		t: t, now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), jobs: map[string]worker.Handler{},
		operations: map[string]awsmodel.Operation{}, accounts: map[string]arn.AccountID{}, controls: map[arn.AccountID][][]*policy.Document{},
	}
	clock := func() time.Time { return w.now }
	w.store = storetest.Open(t, url, store.Options{Now: clock})
	set, err := managed.Load()
	w.must(err)
	kr, err := keyring.New(make([]byte, keyring.KeySize))
	w.must(err)
	pages, err := pagetoken.New(pagetoken.NewKey())
	w.must(err)
	w.keys = iam.NewKeys(w.store, kr, set, clock)
	scans := scan.New(scan.Config{Store: w.store, Now: clock})
	kept := policies.NewControls(w.store, clock)
	var inspectors *inspector.Service
	var orgs *organizations.Service
	w.access = access.New(access.Config{Store: w.store, Keys: w.keys, Relations: map[string]access.Relation{
		"inspector2": func(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error {
			return inspectors.Relation(ctx, call, op, in)
		},
		"organizations": func(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error {
			return orgs.Relation(ctx, call, op, in)
		},
	}, Controls: func(ctx context.Context, account arn.AccountID) ([][]*policy.Document, error) {
		if made := w.controls[account]; made != nil {
			return made, nil
		}
		return kept.Of(ctx, account)
	}})
	inspectors = inspector.New(inspector.Config{Store: w.store, Pages: pages, Access: w.access, Now: clock})
	suppressing := rules.New(rules.Config{Store: w.store, Pages: pages, Apply: scans.Resuppress, Now: clock})
	findings := results.New(results.Config{Store: w.store, Pages: pages})
	orgs = organizations.New(w.store, organizations.Options{
		Pages: pages, Observers: []organizations.Observer{watcher{inspectors, w.keys}, kept}, Now: clock,
		Limits: roomy(),
	})
	maps.Copy(w.jobs, orgs.Jobs())
	maps.Copy(w.jobs, inspectors.Jobs())
	maps.Copy(w.jobs, scans.Jobs())
	rules := policies.New(w.store, orgs, policies.Options{Regions: regions, Now: clock})
	maps.Copy(w.jobs, rules.Jobs())
	directory := orgs.Handlers()
	rules.AddHandlers(&directory)
	handshakes.New(w.store, orgs, clock).AddHandlers(&directory)
	found := inspectors.Handlers()
	settings.New(inspectors).AddHandlers(&found)
	findings.AddHandlers(&found)
	suppressing.AddHandlers(&found)
	for _, s := range []awsmodel.Service{
		found.Service(), directory.Service(), iam.New(w.keys, iam.Options{Pages: pages, Usage: inspectors}).Handlers().Service(),
		sts.New(w.store, w.keys, set).Handlers().Service(),
	} {
		for _, op := range s.Operations {
			w.operations[op.Action()] = op
		}
	}
	return w
}

// roomy are quotas that the tests do not meet.
func roomy() organizations.Limits {
	l := organizations.DefaultLimits()
	l.Accounts = 1000
	return l
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// root is an account's root user.
func (w *world) root(account string) arn.Principal {
	id := w.accounts[account]
	return arn.Principal{Kind: arn.RootUser, Account: id, ARN: id.Root(), ID: string(id)}
}

// try runs an operation as the door does: the access desk first.
func (w *world) try(p arn.Principal, region arn.Region, action, input string) (any, error) {
	w.t.Helper()
	op, ok := w.operations[action]
	if !ok || op.Invoke == nil {
		w.t.Fatalf("no operation %s", action)
	}
	in := op.NewInput()
	w.must(json.Unmarshal([]byte(input), in))
	call := w.call(p, region)
	if err := w.access.Authorize(w.t.Context(), call, &op, in); err != nil {
		return nil, err
	}
	return op.Invoke(w.t.Context(), call, in)
}

func (w *world) call(p arn.Principal, region arn.Region) *awsmodel.Call {
	w.serial++
	return &awsmodel.Call{Principal: p, Region: region, Time: w.now, SourceIP: "192.0.2.7", RequestID: fmt.Sprint(w.serial)}
}

// do runs an operation as an account's root user; it has to succeed. Then what
// it has begun comes to its end.
func do[O any](w *world, account string, region arn.Region, action, input string, args ...any) *O {
	w.t.Helper()
	out, err := w.try(w.root(account), region, action, fmt.Sprintf(input, args...))
	if err != nil {
		w.t.Fatalf("%s by %s: %v", action, account, err)
	}
	w.settle()
	return out.(*O)
}

// settle does all jobs.
func (w *world) settle() {
	w.t.Helper()
	for again := true; again; {
		again = false
		w.now = w.now.Add(time.Second)
		for kind, handler := range w.jobs {
			jobs, err := w.store.Claim(w.t.Context(), kind, 100, time.Minute)
			w.must(err)
			for _, job := range jobs {
				w.must(handler(w.t.Context(), job))
			}
			w.must(w.store.Complete(w.t.Context(), jobs...))
			again = again || len(jobs) > 0
		}
	}
}

// signUp makes accounts that stand alone.
func (w *world) signUp(names ...string) {
	w.t.Helper()
	for _, name := range names {
		w.signUpAs(name, strings.ReplaceAll(name, " ", "-"))
	}
}

// signUpAs makes an account with an address of its own.
func (w *world) signUpAs(name, address string) {
	w.t.Helper()
	w.must(w.store.Update(w.t.Context(), func(tx *store.Tx) (err error) {
		w.accounts[name], err = organizations.RootAccount(w.t.Context(), tx, "", address+"@example.com", name, w.now)
		return err
	}))
}

// join puts an account that stands alone into another's organization.
func (w *world) join(management, name string) {
	w.t.Helper()
	w.must(w.store.Update(w.t.Context(), func(tx *store.Tx) error {
		o, err := directory.OrganizationOf(w.t.Context(), tx, w.accounts[management])
		if err != nil {
			return err
		}
		return directory.AddMember(w.t.Context(), tx, o.ID, w.accounts[name], o.Root, directory.Invited, w.now)
	}))
	w.keys.Forget(w.accounts[name])
}

// setState suspends or reinstates an account.
func (w *world) setState(name string, state directory.State) {
	w.t.Helper()
	w.must(w.store.Update(w.t.Context(), func(tx *store.Tx) error {
		return directory.SetState(w.t.Context(), tx, w.accounts[name], state, w.now)
	}))
	w.keys.Forget(w.accounts[name])
}

// user makes a user with a policy for each document, and a boundary if there
// is one.
func (w *world) user(account, name, boundary string, documents ...string) arn.Principal {
	w.t.Helper()
	made := do[iamapi.CreateUserOutput](w, account, here, "iam:CreateUser", `{"UserName":%q}`, name).User
	for i, d := range documents {
		do[iamapi.PutUserPolicyOutput](w, account, here, "iam:PutUserPolicy", `{"UserName":%q,"PolicyName":"p%d","PolicyDocument":%q}`, name, i, d)
	}
	if boundary != "" {
		p := do[iamapi.CreatePolicyOutput](w, account, here, "iam:CreatePolicy", `{"PolicyName":"%s-boundary","PolicyDocument":%q}`, name, boundary).Policy
		do[iamapi.PutUserPermissionsBoundaryOutput](w, account, here, "iam:PutUserPermissionsBoundary", `{"UserName":%q,"PermissionsBoundary":%q}`, name, *p.Arn)
	}
	return arn.Principal{Kind: arn.User, Account: w.accounts[account], ARN: arn.ARN(made.Arn), ID: made.UserId}
}

// unwrap finds an error that has a code.
func unwrap(err error) (awsmodel.Error, bool) {
	var e awsmodel.Error
	ok := errors.As(err, &e)
	return e, ok
}

// principalOf is the principal of a user that IAM describes.
func principalOf(account arn.AccountID, out any) arn.Principal {
	u := out.(*iamapi.GetUserOutput).User
	return arn.Principal{Kind: arn.User, Account: account, ARN: arn.ARN(u.Arn), ID: u.UserId}
}
