package organizations_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/identity"
	"muster/internal/store/storetest"
)

// TestRootAccount: an operator's account is checked before it is written.
func TestRootAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		create := func(id arn.AccountID, email, name string) (made arn.AccountID, err error) {
			err = st.Update(t.Context(), func(tx *store.Tx) (err error) {
				made, err = organizations.RootAccount(t.Context(), tx, id, email, name, time.Unix(1e9, 0))
				return err
			})
			return made, err
		}
		if id, err := create("111122223333", "first@example.com", "first"); id != "111122223333" || err != nil {
			t.Fatal(id, err)
		}
		drawn, err := create("", "second@example.com", "second")
		if err != nil || !drawn.Valid() {
			t.Fatal(drawn, err)
		}
		for name, c := range map[string]struct {
			id       arn.AccountID
			email    string
			account  string
			conflict bool
		}{
			"id taken":              {"111122223333", "third@example.com", "third", true},
			"address taken":         {"", "First@Example.com", "third", true},
			"short id":              {"1111", "third@example.com", "third", false},
			"no address":            {"", "third", "third", false},
			"address with a name":   {"", "Third <third@example.com>", "third", false},
			"address that is long":  {"", strings.Repeat("x", 60) + "@example.com", "third", false},
			"no name":               {"", "third@example.com", "", false},
			"name that is too long": {"", "third@example.com", strings.Repeat("x", 51), false},
		} {
			if id, err := create(c.id, c.email, c.account); err == nil || errors.Is(err, store.ErrConflict) != c.conflict {
				t.Errorf("%s: id %q, error %v", name, id, err)
			}
		}
	})
}

// TestCreatedAccountLetsManagementIn: the role that a creation names, or the
// usual one, is in the new account's IAM and trusts the management account.
func TestCreatedAccountLetsManagementIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, newClock(), organizations.Options{})
		o := w.mustFound(t, "management")
		must[api.CreateAccountOutput](t, w, o.management, "CreateAccount", `{"Email":"1@example.com","AccountName":"one"}`)
		must[api.CreateAccountOutput](t, w, o.management, "CreateAccount",
			`{"Email":"2@example.com","AccountName":"two","RoleName":"Entry"}`)
		if err := w.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		roles := map[string]string{"1@example.com": "OrganizationAccountAccessRole", "2@example.com": "Entry"}
		for email, name := range roles {
			err := st.View(t.Context(), func(tx *store.Tx) error {
				a, err := directory.AccountByEmail(t.Context(), tx, email)
				if err != nil {
					return err
				}
				role, err := identity.RoleByName(t.Context(), tx, a.ID, name)
				if err == nil && !strings.Contains(role.Trust, string(o.management.Root())) {
					t.Errorf("role %s trusts %s", name, role.Trust)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", email, err)
			}
		}
	})
}

// TestAccountsOf goes over more accounts than it reads at once.
func TestAccountsOf(t *testing.T) {
	const many = 1203
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, newClock(), organizations.Options{})
		o := w.mustFound(t, "management")
		err := st.Update(t.Context(), func(tx *store.Tx) error {
			for i := range many - 1 {
				id := arn.AccountID(twelve(i))
				a := directory.Account{ID: id, Email: string(id), Name: "x", State: directory.Active, CreatedAt: w.clock.Now()}
				if err := directory.InsertAccount(t.Context(), tx, a); err != nil {
					return err
				}
				if err := directory.AddMember(t.Context(), tx, o.id, id, o.root, directory.Created, w.clock.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var last arn.AccountID
		list := membersOf(t, w, o.id)
		for _, a := range list {
			if a.ID <= last {
				t.Fatalf("account %s after %s", a.ID, last)
			}
			last = a.ID
		}
		if len(list) != many {
			t.Errorf("%d accounts, want %d", len(list), many)
		}
	})
}

// twelve is i as twelve digits.
func twelve(i int) string {
	digits := []byte("500000000000")
	for at := len(digits) - 1; i > 0; at, i = at-1, i/10 {
		digits[at] += byte(i % 10)
	}
	return string(digits)
}

// TestMembershipOf: what other desks learn about an account.
func TestMembershipOf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, newClock(), organizations.Options{})
		o := w.mustFound(t, "management")
		member, loner := o.add(t), w.mustSignUp(t, "loner")
		err := st.View(t.Context(), func(tx *store.Tx) error {
			m, err := organizations.Of(t.Context(), tx, member)
			want := organizations.Membership{
				Org: o.id, Account: member, Management: o.management, FeatureSet: directory.AllFeatures,
				Root: o.root, State: directory.Active,
			}
			if err != nil || m != want || m.IsManagement() || !m.AllFeatures() {
				t.Errorf("membership %+v (%v), want %+v", m, err, want)
			}
			if _, err := organizations.Of(t.Context(), tx, loner); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("membership of an account that stands alone: %v", err)
			}
			if _, err := organizations.AccountIn(t.Context(), tx, o.id, loner); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("an outsider in the organization: %v", err)
			}
			_, err = organizations.DelegatedAdministrator(t.Context(), tx, o.id, organizations.InspectorPrincipal)
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("administrator of a fresh organization: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
