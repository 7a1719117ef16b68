package iam_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam"
	"muster/internal/keyring"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/identity"
)

// key makes a user with an access key.
func (w *world) key(name string) *api.AccessKey {
	do(w, w.CreateUser, api.CreateUserInput{UserName: name})
	return do(w, w.CreateAccessKey, api.CreateAccessKeyInput{UserName: &name}).AccessKey
}

func (w *world) lookup(id, token string) iam.Credential {
	w.t.Helper()
	c, err := w.keys.Lookup(w.t.Context(), id, token)
	if err != nil {
		w.t.Fatalf("Lookup(%s): %v", id, err)
	}
	return c
}

func (w *world) unknown(id, token string) {
	w.t.Helper()
	if c, err := w.keys.Lookup(w.t.Context(), id, token); !errors.Is(err, iam.ErrUnknownKey) {
		w.t.Errorf("Lookup(%s) = %+v, %v", id, c.Principal, err)
	}
}

func TestLookupOfLongTermKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.key("ada")
		c := w.lookup(k.AccessKeyId, "")
		if c.Secret != k.SecretAccessKey || c.Inactive || !c.ExpiresAt.IsZero() || c.Principal.Kind != arn.User ||
			c.Principal.ARN != "arn:aws:iam::111111111111:user/ada" || c.Principal.AccessKeyID != k.AccessKeyId {
			t.Errorf("got %+v", c)
		}
		w.unknown(k.AccessKeyId, "token")
		w.unknown("AKIAIOSFODNN7EXAMPLE", "")
		w.unknown("", "")
		last := "A"
		if strings.HasSuffix(k.AccessKeyId, last) {
			last = "B"
		}
		w.unknown(k.AccessKeyId[:19]+last, "")

		// Everything acts at once, though the answer above is remembered.
		do(w, w.UpdateAccessKey, api.UpdateAccessKeyInput{UserName: new("ada"), AccessKeyId: k.AccessKeyId, Status: api.StatusTypeInactive})
		if !w.lookup(k.AccessKeyId, "").Inactive {
			t.Error("still active")
		}
		do(w, w.UpdateAccessKey, api.UpdateAccessKeyInput{UserName: new("ada"), AccessKeyId: k.AccessKeyId, Status: api.StatusTypeActive})
		if w.lookup(k.AccessKeyId, "").Inactive {
			t.Error("still inactive")
		}
		do(w, w.DeleteAccessKey, api.DeleteAccessKeyInput{UserName: new("ada"), AccessKeyId: k.AccessKeyId})
		w.unknown(k.AccessKeyId, "")
	})
}

func TestKeysOfSuspendedAccountsAreInactive(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.key("ada")
		w.lookup(k.AccessKeyId, "")
		for state, inactive := range map[directory.State]bool{
			directory.Suspended: true, directory.PendingClosure: true, directory.Closed: true, directory.Active: false, directory.PendingActivation: false,
		} {
			w.update(func(tx *store.Tx) error { return directory.SetState(t.Context(), tx, account, state, time.Time{}) })
			w.now = w.now.Add(2 * time.Second) // another desk changed it: known after a second
			if w.lookup(k.AccessKeyId, "").Inactive != inactive {
				t.Errorf("%s: inactive is %v", state, !inactive)
			}
		}
	})
}

func TestRootKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var id, secret string
		for range 2 {
			w.update(func(tx *store.Tx) (err error) {
				id, secret, err = iam.CreateRootKey(t.Context(), tx, ring(t, 1), account, w.now)
				return err
			})
		}
		c := w.lookup(id, "")
		if c.Secret != secret || c.Principal.Kind != arn.RootUser || c.Principal.ARN != account.Root() || c.Principal.ID != string(account) {
			t.Errorf("got %+v", c)
		}
		err := w.store.Update(t.Context(), func(tx *store.Tx) error {
			_, _, err := iam.CreateRootKey(t.Context(), tx, ring(t, 1), account, w.now)
			return err
		})
		if err == nil {
			t.Error("a third root key")
		}
	})
}

func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		do(w, w.CreateRole, api.CreateRoleInput{RoleName: "Ops", Path: new("/x/"), AssumeRolePolicyDocument: trustMe})
		var role identity.Role
		w.update(func(tx *store.Tx) (err error) {
			role, err = identity.RoleByName(t.Context(), tx, account, "Ops")
			return err
		})
		k, err := w.keys.Issue(iam.RoleSession(role, "run", allowAll, w.now, time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		c := w.lookup(k.AccessKeyID, k.Token)
		p := c.Principal
		if c.Secret != k.Secret || !c.ExpiresAt.Equal(w.now.Add(time.Hour)) || p.Kind != arn.AssumedRole ||
			p.ARN != "arn:aws:sts::111111111111:assumed-role/Ops/run" || p.RoleARN != "arn:aws:iam::111111111111:role/x/Ops" ||
			p.ID != role.ID+":run" || p.SessionPolicy != allowAll {
			t.Errorf("got %+v", c)
		}
		b, err := w.keys.Bearer(t.Context(), p)
		if err != nil || len(b.Policies.Session) != 1 {
			t.Errorf("bearer %+v, %v", b, err)
		}
		if got := b.Context["aws:tokenissuetime"]; len(got) != 1 || got[0] != "2026-11-22T10:00:00Z" {
			t.Errorf("issued at %v", got)
		}
		other, err := w.keys.Issue(iam.RoleSession(role, "other", "", w.now, time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		w.unknown(k.AccessKeyID, other.Token)
		w.unknown(k.AccessKeyID, "")
		w.unknown(k.AccessKeyID, strings.Repeat("A", 1<<20))
		w.unknown(k.AccessKeyID, k.Token[:len(k.Token)-8])

		do(w, w.DeleteRole, api.DeleteRoleInput{RoleName: "Ops"})
		do(w, w.CreateRole, api.CreateRoleInput{RoleName: "Ops", Path: new("/x/"), AssumeRolePolicyDocument: trustMe})
		w.unknown(k.AccessKeyID, k.Token) // a new role of the old name is another role
	})
}

func TestBearerCarriesPoliciesOfGroupsAndBoundary(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.key("ada")
		allows := func(action string) bool {
			t.Helper()
			b, err := w.keys.Bearer(t.Context(), w.lookup(k.AccessKeyId, "").Principal)
			if err != nil {
				t.Fatal(err)
			}
			p := w.lookup(k.AccessKeyId, "").Principal
			return b.Policies.Evaluate(policy.Request{Principal: p, Action: action, Resource: "*", Context: b.Context}).Allowed
		}
		if allows("iam:GetUser") {
			t.Error("a user without policies may")
		}
		do(w, w.CreateGroup, api.CreateGroupInput{GroupName: "ops"})
		do(w, w.AttachGroupPolicy, api.AttachGroupPolicyInput{GroupName: "ops", PolicyArn: admin})
		do(w, w.AddUserToGroup, api.AddUserToGroupInput{GroupName: "ops", UserName: "ada"})
		if !allows("iam:GetUser") {
			t.Error("the group's policy does not count")
		}
		do(w, w.PutUserPermissionsBoundary, api.PutUserPermissionsBoundaryInput{UserName: "ada", PermissionsBoundary: "arn:aws:iam::aws:policy/AmazonInspector2ReadOnlyAccess"})
		if allows("iam:GetUser") || !allows("inspector2:ListFindings") {
			t.Error("the boundary does not count")
		}
		do(w, w.TagUser, api.TagUserInput{UserName: "ada", Tags: []api.Tag{{Key: "Team", Value: "red"}}})
		b, err := w.keys.Bearer(t.Context(), w.lookup(k.AccessKeyId, "").Principal)
		if err != nil || b.Context["aws:principaltag/team"][0] != "red" || b.Context["aws:username"][0] != "ada" {
			t.Errorf("context %v, %v", b.Context, err)
		}
		if _, ok := b.Context["aws:multifactorauthpresent"]; ok {
			t.Error("a long-term key has an MFA key")
		}
	})
}

func TestLastUse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		k := w.key("ada")
		in := api.GetAccessKeyLastUsedInput{AccessKeyId: k.AccessKeyId}
		refuse(w, w.GetAccessKeyLastUsed, api.GetAccessKeyLastUsedInput{AccessKeyId: "AKIAIOSFODNN7EXAMPLE"}, "AccessDenied",
			"User: arn:aws:iam::111111111111:root is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key AKIAIOSFODNN7EXAMPLE")
		if u := do(w, w.GetAccessKeyLastUsed, in); *u.UserName != "ada" || u.AccessKeyLastUsed.ServiceName != "N/A" || u.AccessKeyLastUsed.LastUsedDate != nil {
			t.Errorf("never used: %+v", u.AccessKeyLastUsed)
		}
		w.keys.Used(w.lookup(k.AccessKeyId, "").Principal, "eu-west-1", "sts", w.now)
		w.keys.Used(w.lookup(k.AccessKeyId, "").Principal, "us-east-1", "inspector2", w.now.Add(time.Minute))
		for range 3 { // known before it is stored, and after
			u := do(w, w.GetAccessKeyLastUsed, in).AccessKeyLastUsed
			if u.ServiceName != "inspector2" || u.Region != "us-east-1" || !u.LastUsedDate.Equal(w.now.Add(time.Minute)) {
				t.Errorf("last used %+v", u)
			}
			if err := w.keys.FlushUses(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAnotherKeyringIsNoticed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bind := func(fill byte) error {
			return w.store.Update(t.Context(), func(tx *store.Tx) error { return iam.BindKeyring(t.Context(), tx, ring(t, fill), w.now) })
		}
		if err := errors.Join(bind(1), bind(1)); err != nil {
			t.Fatal(err)
		}
		if err := bind(2); !errors.Is(err, keyring.ErrWrongKey) {
			t.Errorf("another key: %v", err)
		}
	})
}

func TestAccessRole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.update(func(tx *store.Tx) error {
			return iam.CreateAccessRole(t.Context(), tx, account, "222222222222", "", w.now)
		})
		r := do(w, w.GetRole, api.GetRoleInput{RoleName: "OrganizationAccountAccessRole"}).Role
		if !strings.Contains(*r.AssumeRolePolicyDocument, "arn%3Aaws%3Aiam%3A%3A222222222222%3Aroot") {
			t.Errorf("trusts %s", *r.AssumeRolePolicyDocument)
		}
		err := w.store.Update(t.Context(), func(tx *store.Tx) error { return iam.ProvisionAccount(t.Context(), tx, account, w.now) })
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("provisioned an account with identities: %v", err)
		}
	})
}
