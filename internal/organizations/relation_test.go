package organizations_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/storetest"
)

// mayCall says, apart from the code, who may call an operation: section 6.5 of
// the specification of organizations and accounts, read once more.
func mayCall(op, caller string) (refusal string) {
	open := []string{
		"CreateOrganization", "AcceptHandshake", "CancelHandshake", "DeclineHandshake",
		"DescribeHandshake", "ListHandshakesForAccount",
	}
	every := []string{"DescribeOrganization", "DescribeEffectivePolicy", "LeaveOrganization"}
	reads := strings.HasPrefix(op, "List") || strings.HasPrefix(op, "Describe")
	switch {
	case slices.Contains(open, op):
		return ""
	case caller == "solo":
		return "AWSOrganizationsNotInUseException"
	case slices.Contains(every, op), caller == "management", caller == "delegated" && reads:
		return ""
	}
	return "AccessDeniedException"
}

// TestRelation holds every operation of the model against every kind of
// caller, whether muster implements it or not.
func TestRelation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, newClock(), organizations.Options{Limits: organizations.DefaultLimits()})
		callers := map[string]arn.AccountID{}
		callers["solo"] = w.mustSignUp(t, "solo")
		o := w.mustFound(t, "management")
		callers["management"] = o.management
		callers["delegated"], callers["member"] = o.add(t), o.add(t)
		o.delegate(t, callers["delegated"], "sso.amazonaws.com")

		operations := api.Handlers{}.Operations()
		if len(operations) != 63 {
			t.Errorf("the model has %d operations, want 63", len(operations))
		}
		for _, op := range operations {
			for kind, account := range callers {
				call := &awsmodel.Call{Principal: arn.Principal{Account: account}, Time: w.clock.Now()}
				got := code(w.desk.Relation(t.Context(), call, &op, nil))
				if want := mayCall(op.Name, kind); got != want {
					t.Errorf("%s by %s: refusal %q, want %q", op.Name, kind, got, want)
				}
			}
		}
	})
}

// TestRefusalsAreDeclared checks that each exception in the scenarios is one
// that the model declares for the operation.
func TestRefusalsAreDeclared(t *testing.T) {
	operations := map[string]awsmodel.Operation{}
	for _, op := range (api.Handlers{}).Operations() {
		operations[op.Name] = op
	}
	seen := 0
	for _, r := range refusalsInScenarios(t) {
		if !slices.Contains(operations[r.op].Errors, r.code) {
			t.Errorf("%s refuses with %s, which the model does not declare for it", r.op, r.code)
		}
		seen++
	}
	if seen < 100 {
		t.Errorf("only %d refusals found", seen)
	}
}

// organization is a founded one in a world.
type organization struct {
	*world
	id         organizations.OrganizationID
	management arn.AccountID
	root       string
	added      int
}

func (w *world) mustSignUp(t testing.TB, name string) arn.AccountID {
	t.Helper()
	id, err := w.signUp(t.Context(), name+"@example.com", name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// must calls an operation that has to succeed.
func must[T any](t testing.TB, w *world, caller arn.AccountID, op, input string, args ...any) *T {
	t.Helper()
	out, err := w.do(t.Context(), caller, op, fmt.Appendf(nil, input, args...))
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	return out.(*T)
}

func (w *world) mustFound(t testing.TB, name string) *organization {
	t.Helper()
	o := &organization{world: w, management: w.mustSignUp(t, name)}
	made := must[api.CreateOrganizationOutput](t, w, o.management, "CreateOrganization", "{}")
	o.id = organizations.OrganizationID(*made.Organization.Id)
	o.root = *must[api.ListRootsOutput](t, w, o.management, "ListRoots", "{}").Roots[0].Id
	return o
}

// add creates a member account.
func (o *organization) add(t testing.TB) arn.AccountID {
	t.Helper()
	o.added++
	status := must[api.CreateAccountOutput](t, o.world, o.management, "CreateAccount",
		`{"Email":"%s-%d@example.com","AccountName":"member"}`, o.id, o.added).CreateAccountStatus
	if err := o.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := must[api.DescribeCreateAccountStatusOutput](t, o.world, o.management, "DescribeCreateAccountStatus",
		`{"CreateAccountRequestId":%q}`, *status.Id).CreateAccountStatus
	if done.State != api.CreateAccountStateSucceeded {
		t.Fatalf("creation %s: %s", done.State, done.FailureReason)
	}
	return arn.AccountID(*done.AccountId)
}

// delegate registers an account for a service, with trusted access.
func (o *organization) delegate(t testing.TB, account arn.AccountID, principal string) {
	t.Helper()
	must[api.EnableAWSServiceAccessOutput](t, o.world, o.management, "EnableAWSServiceAccess",
		`{"ServicePrincipal":%q}`, principal)
	must[api.RegisterDelegatedAdministratorOutput](t, o.world, o.management, "RegisterDelegatedAdministrator",
		`{"ServicePrincipal":%q,"AccountId":%q}`, principal, account)
}
