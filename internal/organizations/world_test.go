package organizations_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/organizations"
	"muster/internal/organizations/handshakes"
	"muster/internal/organizations/policies"
	"muster/internal/pagetoken"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// world is the desk on a database, with a clock that stands still and an
// observer that takes notes.
type world struct {
	store      *store.Store
	desk       *organizations.Service
	handshakes *handshakes.Service
	policies   *policies.Service
	operations map[string]awsmodel.Operation
	clock      *clock
	notes      *notes
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

func newWorld(t testing.TB, st *store.Store, c *clock, opts organizations.Options) *world {
	t.Helper()
	pages, err := pagetoken.New(pagetoken.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{store: st, clock: c, notes: &notes{}, operations: map[string]awsmodel.Operation{}}
	opts.Pages, opts.Now = pages, c.Now
	opts.Observers = append(opts.Observers, w.notes, handshakes.Departures{})
	w.desk = organizations.New(st, opts)
	w.handshakes = handshakes.New(st, w.desk, c.Now)
	all := w.desk.Handlers()
	w.handshakes.AddHandlers(&all)
	w.policies = policies.New(st, w.desk, policies.Options{
		Regions: []arn.Region{"us-east-1", "eu-west-1"}, Transition: opts.Transition, Now: c.Now,
	})
	w.policies.AddHandlers(&all)
	for _, op := range all.Operations() {
		w.operations[op.Name] = op
	}
	return w
}

// signUp makes an account that stands alone, as an operator would.
func (w *world) signUp(ctx context.Context, email, name string) (id arn.AccountID, err error) {
	err = w.store.Update(ctx, func(tx *store.Tx) (err error) {
		id, err = organizations.RootAccount(ctx, tx, "", email, name, w.clock.Now())
		return err
	})
	return id, err
}

// do calls an operation as the doors would: first the relation, then the
// handler. A caller whom the relation refuses is refused by the handler too.
func (w *world) do(ctx context.Context, caller arn.AccountID, name string, input []byte) (any, error) {
	op, ok := w.operations[name]
	if !ok || op.Invoke == nil {
		return nil, fmt.Errorf("the desk has no operation %s", name)
	}
	in := op.NewInput()
	decoder := json.NewDecoder(bytes.NewReader(input))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(in); err != nil {
		return nil, fmt.Errorf("input of %s: %w", name, err)
	}
	call := &awsmodel.Call{
		Principal: arn.Principal{Kind: arn.RootUser, Account: caller, ARN: caller.Root()}, Region: "us-east-1", Time: w.clock.Now(),
	}
	refused := w.desk.Relation(ctx, call, &op, in)
	out, err := op.Invoke(ctx, call, in)
	if refused != nil && (err == nil || err.Error() != refused.Error()) {
		return nil, fmt.Errorf("%s: the relation refuses (%w) what the handler answers with %v", name, refused, err)
	}
	return out, err
}

// code is the code of a refusal, the text of another error, or "" for nil.
func code(err error) string {
	if known, ok := errors.AsType[awsmodel.Error](err); ok {
		return known.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// run does every job that is due by now, and again, until none is.
func (w *world) run(ctx context.Context) error {
	jobs := w.desk.Jobs()
	maps.Copy(jobs, w.handshakes.Jobs())
	maps.Copy(jobs, w.policies.Jobs())
	for {
		n := 0
		for kind, handler := range jobs {
			jobs, err := w.store.Claim(ctx, kind, 100, time.Minute)
			if err != nil {
				return err
			}
			for _, job := range jobs {
				// Twice, as a job must bear.
				if err := errors.Join(handler(ctx, job), handler(ctx, job)); err != nil {
					return err
				}
				n++
			}
			if err := w.store.Complete(ctx, jobs...); err != nil {
				return err
			}
		}
		if n == 0 {
			return nil
		}
	}
}

// notes is an observer that writes down what it is told, in the transaction's
// order. Refuse makes it refuse the next event.
type notes struct {
	lines  []string
	refuse error
}

func (n *notes) note(format string, args ...any) error {
	err := n.refuse
	n.refuse = nil
	if err == nil {
		n.lines = append(n.lines, fmt.Sprintf(format, args...))
	}
	return err
}

func (n *notes) AccountJoined(_ context.Context, _ *store.Tx, _ organizations.OrganizationID, account arn.AccountID, _ time.Time) error {
	return n.note("joined %s", account)
}

func (n *notes) AccountLeft(_ context.Context, _ *store.Tx, _ organizations.OrganizationID, account arn.AccountID, _ time.Time) error {
	return n.note("left %s", account)
}

func (n *notes) AccountStateChanged(_ context.Context, _ *store.Tx, _ organizations.OrganizationID, account arn.AccountID, state directory.State, _ time.Time) error {
	return n.note("state %s %s", account, state)
}

func (n *notes) TrustedAccessEnabled(_ context.Context, _ *store.Tx, _ organizations.OrganizationID, _ arn.AccountID, principal string, _ time.Time) error {
	return n.note("trusted %s", principal)
}

func (n *notes) TrustedAccessDisabled(_ context.Context, _ *store.Tx, _ organizations.OrganizationID, _ arn.AccountID, principal string, _ time.Time) error {
	return n.note("untrusted %s", principal)
}

func (n *notes) EffectivePolicyChanged(_ context.Context, _ *store.Tx, _ organizations.OrganizationID, policyType string, scope organizations.Scope, _ time.Time) error {
	if policyType == "SERVICE_CONTROL_POLICY" {
		return nil // every account is told of; the scenarios have enough of it
	}
	return n.note("%s changed for %s", policyType, scope.ID)
}

func (n *notes) DelegatedAdministratorDeregistered(_ context.Context, _ *store.Tx, _ organizations.OrganizationID, account arn.AccountID, principal string, _ time.Time) error {
	return n.note("deregistered %s %s", account, principal)
}

// membersOf lists an organization through AccountsOf.
func membersOf(t *testing.T, w *world, org organizations.OrganizationID) (list []organizations.Account) {
	t.Helper()
	err := w.store.View(t.Context(), func(tx *store.Tx) error {
		for a, err := range organizations.AccountsOf(t.Context(), tx, org) {
			if err != nil {
				return err
			}
			list = append(list, a)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
