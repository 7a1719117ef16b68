package identity_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/identity"
	"muster/internal/store/storetest"
)

const account = arn.AccountID("111111111111")

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// update runs fn in a transaction that must succeed.
func update(t *testing.T, s *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestEntitiesComeBackAsStored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		user := identity.User{Account: account, Name: "Ada", Path: "/eng/", ID: "AIDA1", Boundary: "arn:x", CreatedAt: now}
		group := identity.Group{Account: account, Name: "Ops", Path: "/", ID: "AGPA1", CreatedAt: now}
		role := identity.Role{
			Account: account, Name: "Audit", Path: "/a/", ID: "AROA1", Trust: "{}", Description: "d",
			MaxSession: time.Hour, Boundary: "", Trusted: map[string]string{"arn:x": "AIDA1"}, Service: "x.amazonaws.com", CreatedAt: now,
		}
		policy := identity.Policy{Account: account, Name: "P", Path: "/p/", ID: "ANPA1", Description: "d", Document: "{}", Version: 1, Latest: 1, CreatedAt: now, UpdatedAt: now}
		key := identity.AccessKey{Account: account, ID: "AKIA1", Owner: "AIDA1", Secret: []byte{0, 255}, Status: identity.KeyActive, CreatedAt: now}
		update(t, s, func(tx *store.Tx) error {
			return errors.Join(identity.InsertUser(ctx, tx, user), identity.InsertGroup(ctx, tx, group), identity.InsertRole(ctx, tx, role),
				identity.InsertPolicy(ctx, tx, policy), identity.InsertKey(ctx, tx, key))
		})
		update(t, s, func(tx *store.Tx) error {
			same(t, user)(identity.UserByName(ctx, tx, account, "ADA"))
			same(t, user)(identity.UserByID(ctx, tx, account, "AIDA1"))
			same(t, group)(identity.GroupByName(ctx, tx, account, "ops"))
			same(t, role)(identity.RoleByName(ctx, tx, account, "audit"))
			same(t, role)(identity.RoleByID(ctx, tx, account, "AROA1"))
			same(t, policy)(identity.PolicyByName(ctx, tx, account, "p"))
			same(t, policy)(identity.PolicyByARN(ctx, tx, account, "arn:aws:iam::111111111111:policy/p/P"))
			same(t, key)(identity.KeyByID(ctx, tx, account, "AKIA1"))
			same(t, identity.Summary{Users: 1, Groups: 1, Roles: 1, Policies: 1, Versions: 1})(identity.Count(ctx, tx, account))
			same(t, identity.Summary{})(identity.Count(ctx, tx, "222222222222"))
			return nil
		})
		update(t, s, func(tx *store.Tx) error {
			if _, err := identity.UserByName(ctx, tx, "222222222222", "Ada"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("another account's user: %v", err)
			}
			return nil
		})
	})
}

func same[T any](t *testing.T, want T) func(T, error) {
	t.Helper()
	return func(got T, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	}
}

func TestListsPageUnderAPathPrefix(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		update(t, s, func(tx *store.Tx) error {
			for i := range 10 {
				path := "/"
				if i%2 == 1 {
					path = "/odd/"
				}
				r := identity.Role{Account: account, Name: fmt.Sprintf("R%d", i), Path: path, ID: fmt.Sprint("AROA", i), MaxSession: time.Hour, CreatedAt: now}
				if err := identity.InsertRole(ctx, tx, r); err != nil {
					return err
				}
			}
			return nil
		})
		for prefix, want := range map[string]int{"": 10, "/": 10, "/odd/": 5, "/od": 5, "/even/": 0} {
			var got []string
			for after := ""; ; {
				var page []identity.Role
				update(t, s, func(tx *store.Tx) (err error) {
					page, err = identity.Roles(ctx, tx, account, prefix, after, 3)
					return err
				})
				if len(page) == 0 {
					break
				}
				for _, r := range page {
					got, after = append(got, r.Name), identity.Key(r.Name)
				}
			}
			if len(got) != want || !slices.IsSorted(got) {
				t.Errorf("prefix %q: %v, want %d roles", prefix, got, want)
			}
		}
	})
}

func TestCarryCollectsOwnAndGroupPolicies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		ada := identity.User{Account: account, Name: "ada", Path: "/", ID: "AIDA1", CreatedAt: now}
		ops := identity.Group{Account: account, Name: "ops", Path: "/", ID: "AGPA1", CreatedAt: now}
		own := identity.Policy{Account: account, Name: "own", Path: "/", ID: "ANPA1", Document: `{"own":1}`, CreatedAt: now, UpdatedAt: now}
		update(t, s, func(tx *store.Tx) error {
			return errors.Join(
				identity.InsertUser(ctx, tx, ada), identity.InsertGroup(ctx, tx, ops), identity.InsertPolicy(ctx, tx, own),
				identity.AddToGroup(ctx, tx, ops, ada.ID), identity.AddToGroup(ctx, tx, ops, ada.ID),
				identity.PutInline(ctx, tx, ada.Owner(), "a", "old"), identity.PutInline(ctx, tx, ada.Owner(), "a", "inline of ada"),
				identity.PutInline(ctx, tx, ops.Owner(), "o", "inline of ops"),
				identity.PutInline(ctx, tx, identity.Owner{Account: account, ID: "AIDA2"}, "e", "inline of eve"),
				identity.Attach(ctx, tx, ops.Owner(), own.ARN()), identity.Attach(ctx, tx, ada.Owner(), "arn:aws:iam::aws:policy/X"),
				identity.Attach(ctx, tx, ada.Owner(), "arn:aws:iam::aws:policy/X"))
		})
		update(t, s, func(tx *store.Tx) error {
			same(t, identity.Carried{
				Inline:    []string{"inline of ops", "inline of ada"},
				Attached:  []arn.ARN{own.ARN(), "arn:aws:iam::aws:policy/X"},
				Documents: map[arn.ARN]string{own.ARN(): `{"own":1}`},
			})(identity.Carry(ctx, tx, ada.Owner()))
			same(t, map[arn.ARN]int{own.ARN(): 1, "arn:aws:iam::aws:policy/X": 1})(identity.AttachmentCounts(ctx, tx, account))
			same(t, len("inline of ada"))(identity.InlineSize(ctx, tx, ada.Owner(), "b"))
			return identity.RemoveFromGroup(ctx, tx, ops, ada.ID)
		})
		update(t, s, func(tx *store.Tx) error {
			same(t, identity.Carried{
				Inline: []string{"inline of ada"}, Attached: []arn.ARN{"arn:aws:iam::aws:policy/X"}, Documents: map[arn.ARN]string{},
			})(identity.Carry(ctx, tx, ada.Owner()))
			return nil
		})
	})
}

func TestUseOnlyMovesForward(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		key := identity.AccessKey{Account: account, ID: "AKIA1", Secret: []byte("x"), Status: identity.KeyActive, CreatedAt: now}
		update(t, s, func(tx *store.Tx) error {
			return errors.Join(identity.InsertKey(ctx, tx, key),
				identity.TouchKey(ctx, tx, account, "AKIA1", now.Add(time.Hour), "us-east-1", "iam"),
				identity.TouchKey(ctx, tx, account, "AKIA1", now, "eu-west-1", "sts"))
		})
		update(t, s, func(tx *store.Tx) error {
			key.LastUsedAt, key.LastUsedRegion, key.LastUsedService = now.Add(time.Hour), "us-east-1", "iam"
			same(t, key)(identity.KeyByID(ctx, tx, account, "AKIA1"))
			return nil
		})
	})
}

func TestRoleDeletionsKeepTheirReasons(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		d := identity.RoleDeletion{Account: account, ID: "task/1", RoleName: "Linked", Status: identity.DeletionInProgress, CreatedAt: now}
		update(t, s, func(tx *store.Tx) error { return identity.InsertDeletion(ctx, tx, d) })
		update(t, s, func(tx *store.Tx) error {
			pending, err := identity.PendingDeletion(ctx, tx, account, "LINKED")
			if err != nil || pending.ID != d.ID {
				t.Errorf("pending: %+v, %v", pending, err)
			}
			d.RoleName, d.Status, d.Reason = "linked", identity.DeletionFailed, "in use"
			d.Usage = []identity.RoleUsage{{Region: "us-east-1", Resources: []arn.ARN{"arn:1"}}}
			return identity.FinishDeletion(ctx, tx, d)
		})
		update(t, s, func(tx *store.Tx) error {
			same(t, d)(identity.Deletion(ctx, tx, account, "task/1"))
			_, err := identity.PendingDeletion(ctx, tx, account, "linked")
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("still pending: %v", err)
			}
			return nil
		})
	})
}
