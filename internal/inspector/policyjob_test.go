package inspector_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/inspector"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/storetest"
)

var errCrash = errors.New("the process is killed here")

// TestPolicyJobSurvivesCrashes attaches a policy to an organization of more
// accounts than one transaction takes, and kills the job at ever later
// statements. However often it begins anew, every account is enabled once, is
// a member, and is asked to be scanned once.
func TestPolicyJobSurvivesCrashes(t *testing.T) {
	const accounts = 1100
	for name, open := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			var statements, limit atomic.Int64
			limit.Store(1 << 60)
			st := storetest.Open(t, open(t), store.Options{Now: c.Now, Fault: func() error {
				if statements.Add(1) > limit.Load() {
					return errCrash
				}
				return nil
			}})
			w := newWorld(t, st, c, func(c *inspector.Config) { c.Regions = c.Regions[:1] })
			ids := w.populate(accounts)
			w.attachEverywhere()

			crashes := 0
			for n := int64(2); w.enforceWith(&statements, &limit, n); n += 3 {
				crashes++
			}
			if crashes < 5 {
				t.Errorf("killed only %d times", crashes)
			}
			w.settle()
			w.settle()
			w.compareEnforced(ids)
		})
	}
}

// attachEverywhere attaches a policy that switches EC2 on to the root.
func (w *world) attachEverywhere() {
	ctx, call := w.t.Context(), w.call("management", "us-east-1")
	_, err := w.rules.EnablePolicyType(ctx, call, &api.EnablePolicyTypeInput{RootId: w.rootOf("management"), PolicyType: api.PolicyTypeInspectorPolicy})
	w.must(err)
	w.settle()
	out, err := w.rules.CreatePolicy(ctx, call, &api.CreatePolicyInput{
		Name: "all", Content: document([]string{"EC2=+us-east-1"}), Type: api.PolicyTypeInspectorPolicy,
	})
	w.must(err)
	_, err = w.rules.AttachPolicy(ctx, call, &api.AttachPolicyInput{PolicyId: *out.Policy.PolicySummary.Id, TargetId: w.rootOf("management")})
	w.must(err)
}

// enforceWith runs the policy job until a number of statements is done, and
// reports whether it was killed.
func (w *world) enforceWith(statements, limit *atomic.Int64, n int64) (killed bool) {
	const kind = "inspector.policy"
	w.clock.advance(time.Minute)
	jobs, err := w.store.Claim(w.t.Context(), kind, 10, time.Second)
	w.must(err)
	if len(jobs) != 1 {
		w.t.Fatalf("%d jobs", len(jobs))
	}
	last := statements.Load() + n
	limit.Store(last)
	err = w.desk.Jobs()[kind](w.t.Context(), jobs[0])
	limit.Store(1 << 60)
	if err == nil {
		w.must(w.store.Complete(w.t.Context(), jobs...))
		return false
	}
	if statements.Load() <= last {
		w.t.Fatal(err) // It was not the killing.
	}
	return true
}

func (w *world) compareEnforced(ids []string) {
	for len(ids) > 0 {
		n := min(100, len(ids))
		out, err := w.do("audit", "us-east-1", "BatchGetAccountStatus", &inspector2.BatchGetAccountStatusInput{AccountIds: ids[:n]})
		w.must(err)
		for _, a := range out.(*inspector2.BatchGetAccountStatusOutput).Accounts {
			if a.State.Status != inspector2.StatusEnabled || a.ResourceState.Ecr.Status != inspector2.StatusDisabled {
				w.t.Fatalf("%s is %+v", a.AccountId, a.ResourceState)
			}
		}
		if failed := out.(*inspector2.BatchGetAccountStatusOutput).FailedAccounts; len(failed) > 0 {
			w.t.Fatalf("%+v", failed[0])
		}
		ids = ids[n:]
	}
	w.must(w.store.View(w.t.Context(), func(tx *store.Tx) error {
		n, err := activation.CountMembers(w.t.Context(), tx, w.byName["audit"], "us-east-1")
		if n != 1101 { // the management account, too
			w.t.Errorf("%d members", n)
		}
		return err
	}))
}

func (w *world) rootOf(name string) string {
	var root string
	w.must(w.store.View(w.t.Context(), func(tx *store.Tx) error {
		m, err := organizations.Of(w.t.Context(), tx, arn.AccountID(w.id(name)))
		root = m.Root
		return err
	}))
	return root
}
