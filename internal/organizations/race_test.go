package organizations_test

import (
	"fmt"
	"sync"
	"testing"

	"muster/internal/arn"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/storetest"
)

// together runs fn n times at once and returns how often it was refused with
// which code; "" counts successes.
func together(n int, fn func(i int) error) map[string]int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	codes := map[string]int{}
	for i := range n {
		wg.Go(func() {
			c := code(fn(i))
			mu.Lock()
			defer mu.Unlock()
			codes[c]++
		})
	}
	wg.Wait()
	return codes
}

// TestOneOfManyWins: what may happen once happens once, however many ask at
// the same moment.
func TestOneOfManyWins(t *testing.T) {
	const many = 5
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, newClock(), organizations.Options{})
		o := w.mustFound(t, "management")
		var members []arn.AccountID
		for range many {
			members = append(members, o.add(t))
		}
		call := func(caller arn.AccountID, op, input string) error {
			_, err := w.do(t.Context(), caller, op, []byte(input))
			return err
		}
		must[api.EnableAWSServiceAccessOutput](t, w, o.management, "EnableAWSServiceAccess",
			`{"ServicePrincipal":"inspector2.amazonaws.com"}`)

		codes := together(many, func(i int) error {
			return call(o.management, "RegisterDelegatedAdministrator",
				`{"ServicePrincipal":"inspector2.amazonaws.com","AccountId":"`+string(members[i])+`"}`)
		})
		if codes[""] != 1 || codes["ConstraintViolationException"] != many-1 {
			t.Errorf("administrators: %v", codes)
		}
		codes = together(many, func(int) error {
			return call(o.management, "CreateOrganizationalUnit", `{"ParentId":"`+o.root+`","Name":"same"}`)
		})
		if codes[""] != 1 || codes["DuplicateOrganizationalUnitException"] != many-1 {
			t.Errorf("units: %v", codes)
		}
		loner := w.mustSignUp(t, "loner")
		codes = together(many, func(int) error { return call(loner, "CreateOrganization", `{}`) })
		if codes[""] != 1 || codes["AlreadyInOrganizationException"] != many-1 {
			t.Errorf("organizations: %v", codes)
		}
		// Six of ten accounts are there, so four more fit.
		codes = together(many, func(i int) error {
			return call(o.management, "CreateAccount", `{"Email":"same@example.com","AccountName":"x"}`)
		})
		if codes[""] != many-1 || codes["ConstraintViolationException"] != 1 {
			t.Errorf("creations: %v", codes)
		}
		if err := w.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		failed := must[api.ListCreateAccountStatusOutput](t, w, o.management, "ListCreateAccountStatus", `{"States":["FAILED"]}`)
		if n := len(failed.CreateAccountStatuses); n != many-2 {
			t.Errorf("%d creations with the same address failed, want %d", n, many-2)
		}
	})
}

// TestOneOfManyHandshakes: one invitation to an account, one acceptance of
// many organizations' invitations, one place left for two who accept.
func TestOneOfManyHandshakes(t *testing.T) {
	const many = 4
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		limits := organizations.DefaultLimits()
		limits.Accounts = 5
		w := newWorld(t, st, newClock(), organizations.Options{Limits: limits})
		var founders []*organization
		for i := range many {
			founders = append(founders, w.mustFound(t, fmt.Sprintf("head-%d", i)))
		}
		call := func(caller arn.AccountID, op, input string) error {
			_, err := w.do(t.Context(), caller, op, []byte(input))
			return err
		}
		invite := func(by, whom arn.AccountID) string {
			out := must[api.InviteAccountToOrganizationOutput](t, w, by, "InviteAccountToOrganization",
				`{"Target":{"Type":"ACCOUNT","Id":"%s"}}`, whom)
			return *out.Handshake.Id
		}
		loner := w.mustSignUp(t, "loner")
		codes := together(many, func(int) error {
			return call(founders[0].management, "InviteAccountToOrganization", `{"Target":{"Type":"ACCOUNT","Id":"`+string(loner)+`"}}`)
		})
		if codes[""] != 1 || codes["DuplicateHandshakeException"] != many-1 {
			t.Errorf("invitations: %v", codes)
		}
		var offers []string
		for _, f := range founders[1:] {
			offers = append(offers, invite(f.management, loner))
		}
		codes = together(len(offers), func(i int) error { return call(loner, "AcceptHandshake", `{"HandshakeId":"`+offers[i]+`"}`) })
		if codes[""] != 1 || codes["HandshakeConstraintViolationException"] != len(offers)-1 {
			t.Errorf("acceptances: %v", codes)
		}

		// The organization has one account and one invitation open: of four
		// more invitations at once, three fit.
		var guests []arn.AccountID
		for i := range many {
			guests = append(guests, w.mustSignUp(t, fmt.Sprintf("guest-%d", i)))
		}
		codes = together(many, func(i int) error {
			return call(founders[0].management, "InviteAccountToOrganization", `{"Target":{"Type":"ACCOUNT","Id":"`+string(guests[i])+`"}}`)
		})
		if codes[""] != many-1 || codes["HandshakeConstraintViolationException"] != 1 {
			t.Errorf("invitations of many: %v", codes)
		}
	})
}
