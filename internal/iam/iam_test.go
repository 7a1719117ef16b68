package iam_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam"
	"muster/internal/iam/managed"
	"muster/internal/keyring"
	"muster/internal/pagetoken"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
)

const account = arn.AccountID("111111111111")

// world is a store with one account, and the desk over it.
type world struct {
	api.Handlers
	service *iam.Service
	t       *testing.T
	keys    *iam.Keys
	store   *store.Store
	// usage is what InUse answers.
	usage []iam.RoleUsage
	// now is the clock.
	now time.Time
}

func (w *world) InUse(context.Context, *store.Tx, arn.AccountID, string) ([]iam.RoleUsage, error) {
	return w.usage, nil
}

// each runs a test on both engines.
func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Parallel() // most of the time goes into making databases
	storetest.Each(t, func(t *testing.T, s *store.Store) { fn(t, newWorld(t, s)) })
}

func newWorld(t *testing.T, s *store.Store) *world {
	w := &world{t: t, store: s, now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	set, err := managed.Load()
	if err != nil {
		t.Fatal(err)
	}
	w.keys = iam.NewKeys(s, ring(t, 1), set, func() time.Time { return w.now })
	w.service = iam.New(w.keys, iam.Options{Pages: newPages(t), Usage: w})
	w.Handlers = w.service.Handlers()
	w.addAccount(account)
	return w
}

// sqlite is a fresh embedded store, for what does not depend on the engine.
func sqlite(t *testing.T) *store.Store {
	return storetest.Open(t, storetest.SQLite(t), store.Options{})
}

func newPages(t *testing.T) *pagetoken.Sealer {
	pages, err := pagetoken.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func ring(t *testing.T, fill byte) *keyring.Keyring {
	kr, err := keyring.New([]byte(strings.Repeat(string(rune('a'+fill)), keyring.KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	return kr
}

func (w *world) addAccount(id arn.AccountID) {
	w.update(func(tx *store.Tx) error {
		a := directory.Account{ID: id, Email: string(id) + "@example.com", Name: "A", State: directory.Active, CreatedAt: w.now}
		return errors.Join(directory.InsertAccount(w.t.Context(), tx, a), iam.ProvisionAccount(w.t.Context(), tx, id, w.now))
	})
}

func (w *world) update(fn func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.store.Update(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// root is a call by the account's root user.
func (w *world) root() *awsmodel.Call {
	return &awsmodel.Call{
		Principal: arn.Principal{Kind: arn.RootUser, Account: account, ARN: account.Root(), ID: string(account)},
		Region:    "us-east-1", Time: w.now,
	}
}

// do calls an operation as root; it must succeed.
func do[I, O any](w *world, op func(context.Context, *awsmodel.Call, *I) (*O, error), in I) *O {
	w.t.Helper()
	out, err := op(w.t.Context(), w.root(), &in)
	if err != nil {
		w.t.Fatalf("%T: %v", in, err)
	}
	return out
}

// refuse calls an operation as root; it must fail so.
func refuse[I, O any](w *world, op func(context.Context, *awsmodel.Call, *I) (*O, error), in I, code, message string) {
	w.t.Helper()
	_, err := op(w.t.Context(), w.root(), &in)
	refused(w.t, err, code, message)
}

func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var e awsmodel.Error
	if !errors.As(err, &e) || e.ErrorCode() != code || strings.TrimPrefix(e.Error(), e.ErrorCode()+": ") != message {
		t.Errorf("got %v\nwant %s: %s", err, code, message)
	}
}

const (
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	trustMe  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]}`
	admin    = "arn:aws:iam::aws:policy/AdministratorAccess"
)

func TestUsers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := do(w, w.CreateUser, api.CreateUserInput{UserName: "Ada", Path: new("/eng/"), Tags: []api.Tag{{Key: "team", Value: "red"}}}).User
		if u.Arn != "arn:aws:iam::111111111111:user/eng/Ada" || !strings.HasPrefix(u.UserId, "AIDA") || len(u.Tags) != 1 {
			t.Errorf("created %+v", u)
		}
		refuse(w, w.CreateUser, api.CreateUserInput{UserName: "ADA"}, "EntityAlreadyExists", "User with name ADA already exists.")
		refuse(w, w.GetUser, api.GetUserInput{UserName: new("eve")}, "NoSuchEntity", "The user with name eve cannot be found.")
		refuse(w, w.CreateUser, api.CreateUserInput{UserName: "bob", Tags: []api.Tag{{Key: "a"}, {Key: "A"}}},
			"InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		got := do(w, w.GetUser, api.GetUserInput{UserName: new("ada")}).User
		if got.UserName != "Ada" || got.UserId != u.UserId || len(got.Tags) != 1 {
			t.Errorf("got %+v", got)
		}
		if me := do(w, w.GetUser, api.GetUserInput{}).User; me.Arn != "arn:aws:iam::111111111111:root" {
			t.Errorf("root is %+v", me)
		}
		do(w, w.UntagUser, api.UntagUserInput{UserName: "Ada", TagKeys: []string{"TEAM", "none"}})
		if tags := do(w, w.ListUserTags, api.ListUserTagsInput{UserName: "Ada"}).Tags; tags == nil || len(tags) != 0 {
			t.Errorf("tags left: %#v", tags)
		}
		do(w, w.DeleteUser, api.DeleteUserInput{UserName: "Ada"})
		refuse(w, w.DeleteUser, api.DeleteUserInput{UserName: "Ada"}, "NoSuchEntity", "The user with name Ada cannot be found.")
	})
}

func TestListsPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, name := range []string{"c", "A", "b", "E", "d"} {
			do(w, w.CreateUser, api.CreateUserInput{UserName: name})
		}
		var got []string
		in := api.ListUsersInput{MaxItems: new(int32(2))}
		for {
			out := do(w, w.ListUsers, in)
			for _, u := range out.Users {
				got = append(got, u.UserName)
			}
			if !*out.IsTruncated {
				break
			}
			in.Marker = out.Marker
		}
		if strings.Join(got, "") != "AbcdE" {
			t.Errorf("pages gave %v", got)
		}
		refuse(w, w.ListRoles, api.ListRolesInput{Marker: in.Marker}, "ValidationError", "Invalid Marker.")
		refuse(w, w.ListUsers, api.ListUsersInput{Marker: new("x")}, "ValidationError", "Invalid Marker.")
	})
}

func TestAccessKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		do(w, w.CreateUser, api.CreateUserInput{UserName: "ada"})
		k := do(w, w.CreateAccessKey, api.CreateAccessKeyInput{UserName: new("ada")}).AccessKey
		if len(k.SecretAccessKey) != 40 || k.UserName != "ada" || k.Status != api.StatusTypeActive {
			t.Errorf("created %+v", k)
		}
		do(w, w.CreateAccessKey, api.CreateAccessKeyInput{UserName: new("ada")})
		refuse(w, w.CreateAccessKey, api.CreateAccessKeyInput{UserName: new("ada")}, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
		do(w, w.UpdateAccessKey, api.UpdateAccessKeyInput{UserName: new("ada"), AccessKeyId: k.AccessKeyId, Status: api.StatusTypeInactive})
		list := do(w, w.ListAccessKeys, api.ListAccessKeysInput{UserName: new("ada")}).AccessKeyMetadata
		if len(list) != 2 {
			t.Fatalf("listed %+v", list)
		}
		for _, m := range list {
			if (*m.AccessKeyId == k.AccessKeyId) != (m.Status == api.StatusTypeInactive) {
				t.Errorf("listed %+v", m)
			}
		}
		refuse(w, w.DeleteUser, api.DeleteUserInput{UserName: "ada"}, "DeleteConflict", "Cannot delete entity, must delete access keys first.")
		refuse(w, w.DeleteAccessKey, api.DeleteAccessKeyInput{AccessKeyId: k.AccessKeyId}, "NoSuchEntity", "The Access Key with id "+k.AccessKeyId+" cannot be found.")
		do(w, w.DeleteAccessKey, api.DeleteAccessKeyInput{UserName: new("ada"), AccessKeyId: k.AccessKeyId})

		mine := do(w, w.CreateAccessKey, api.CreateAccessKeyInput{}).AccessKey
		if list := do(w, w.ListAccessKeys, api.ListAccessKeysInput{}).AccessKeyMetadata; len(list) != 1 || *list[0].AccessKeyId != mine.AccessKeyId {
			t.Errorf("root's keys: %+v", list)
		}
		session := w.root()
		session.Principal.Kind = arn.AssumedRole
		_, err := w.CreateAccessKey(t.Context(), session, &api.CreateAccessKeyInput{})
		refused(t, err, "ValidationError", "Must specify userName when calling with non-User credentials")
	})
}

func TestRoles(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := do(w, w.CreateRole, api.CreateRoleInput{RoleName: "Audit", Path: new("/sec/"), AssumeRolePolicyDocument: trustMe, MaxSessionDuration: new(int32(7200))}).Role
		if r.Arn != "arn:aws:iam::111111111111:role/sec/Audit" || !strings.HasPrefix(r.RoleId, "AROA") {
			t.Errorf("created %+v", r)
		}
		refuse(w, w.CreateRole, api.CreateRoleInput{RoleName: "audit", AssumeRolePolicyDocument: trustMe}, "EntityAlreadyExists", "Role with name audit already exists.")
		refuse(w, w.GetRole, api.GetRoleInput{RoleName: "X"}, "NoSuchEntity", "The role with name X cannot be found.")
		refuse(w, w.CreateRole, api.CreateRoleInput{RoleName: "X", AssumeRolePolicyDocument: "{"}, "MalformedPolicyDocument", "This policy contains invalid Json")
		nobody := strings.ReplaceAll(trustMe, "111111111111", "arn:aws:iam::111111111111:user/nobody")
		refuse(w, w.CreateRole, api.CreateRoleInput{RoleName: "X", AssumeRolePolicyDocument: nobody},
			"MalformedPolicyDocument", `Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:user/nobody"`)
		refuse(w, w.CreateRole, api.CreateRoleInput{RoleName: "X", Path: new("/aws-service-role/x/"), AssumeRolePolicyDocument: trustMe},
			"InvalidInput", "Roles under the path /aws-service-role/ can only be created with CreateServiceLinkedRole.")
		self := strings.ReplaceAll(trustMe, "111111111111", r.Arn)
		do(w, w.UpdateAssumeRolePolicy, api.UpdateAssumeRolePolicyInput{RoleName: "Audit", PolicyDocument: self})
		do(w, w.UpdateRole, api.UpdateRoleInput{RoleName: "Audit", Description: new("reads")})
		got := do(w, w.GetRole, api.GetRoleInput{RoleName: "Audit"}).Role
		if *got.Description != "reads" || *got.MaxSessionDuration != 7200 || *got.AssumeRolePolicyDocument !=
			"%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fsec%2FAudit%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D" {
			t.Errorf("got %+v %s", got, *got.AssumeRolePolicyDocument)
		}
		do(w, w.TagRole, api.TagRoleInput{RoleName: "Audit", Tags: []api.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}})
		do(w, w.TagRole, api.TagRoleInput{RoleName: "Audit", Tags: []api.Tag{{Key: "B", Value: "3"}}})
		tags := do(w, w.ListRoleTags, api.ListRoleTagsInput{RoleName: "Audit", MaxItems: new(int32(1))})
		if len(tags.Tags) != 1 || !*tags.IsTruncated {
			t.Errorf("tags %+v", tags)
		}
		tags = do(w, w.ListRoleTags, api.ListRoleTagsInput{RoleName: "Audit", Marker: tags.Marker})
		if len(tags.Tags) != 1 || tags.Tags[0] != (api.Tag{Key: "B", Value: "3"}) {
			t.Errorf("tags %+v", tags)
		}
		if list := do(w, w.ListRoles, api.ListRolesInput{PathPrefix: new("/sec/")}).Roles; len(list) != 1 || list[0].Tags != nil || list[0].RoleLastUsed != nil {
			t.Errorf("listed %+v", list)
		}
		do(w, w.DeleteRole, api.DeleteRoleInput{RoleName: "Audit"})
	})
}

func TestPolicies(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		do(w, w.CreateRole, api.CreateRoleInput{RoleName: "R", AssumeRolePolicyDocument: trustMe})
		p := do(w, w.CreatePolicy, api.CreatePolicyInput{PolicyName: "P", Path: new("/x/"), PolicyDocument: allowAll, Description: new("d")}).Policy
		refuse(w, w.CreatePolicy, api.CreatePolicyInput{PolicyName: "p", PolicyDocument: allowAll}, "EntityAlreadyExists", "A policy called p already exists. Duplicate names are not allowed.")
		refuse(w, w.CreatePolicy, api.CreatePolicyInput{PolicyName: "q", PolicyDocument: "x"}, "MalformedPolicyDocument", "Syntax errors in policy.")
		large := strings.Replace(allowAll, `"*"`, `["iam:A`+strings.Repeat("a", 6200)+`"]`, 1)
		refuse(w, w.CreatePolicy, api.CreatePolicyInput{PolicyName: "q", PolicyDocument: large}, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
		refuse(w, w.PutRolePolicy, api.PutRolePolicyInput{RoleName: "R", PolicyName: "q", PolicyDocument: strings.Replace(large, "aaa", strings.Repeat("a", 5000), 1)},
			"LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role R")
		do(w, w.AttachRolePolicy, api.AttachRolePolicyInput{RoleName: "R", PolicyArn: *p.Arn})
		do(w, w.AttachRolePolicy, api.AttachRolePolicyInput{RoleName: "R", PolicyArn: admin})
		refuse(w, w.AttachRolePolicy, api.AttachRolePolicyInput{RoleName: "R", PolicyArn: "arn:aws:iam::aws:policy/None"},
			"NoSuchEntity", "Policy arn:aws:iam::aws:policy/None does not exist or is not attachable.")
		refuse(w, w.AttachRolePolicy, api.AttachRolePolicyInput{RoleName: "R", PolicyArn: "arn:aws:iam::aws:policy/aws-service-role/AmazonInspector2ServiceRolePolicy"},
			"PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer Role.")
		if list := do(w, w.ListAttachedRolePolicies, api.ListAttachedRolePoliciesInput{RoleName: "R", PathPrefix: new("/x/")}).AttachedPolicies; len(list) != 1 || *list[0].PolicyName != "P" {
			t.Errorf("attached under /x/: %+v", list)
		}
		if got := do(w, w.GetPolicy, api.GetPolicyInput{PolicyArn: *p.Arn}).Policy; *got.AttachmentCount != 1 || *got.Description != "d" || *got.DefaultVersionId != "v1" {
			t.Errorf("got %+v", got)
		}
		v := do(w, w.GetPolicyVersion, api.GetPolicyVersionInput{PolicyArn: admin, VersionId: "v1"}).PolicyVersion
		if !strings.Contains(*v.Document, "%22Effect%22") {
			t.Errorf("document %s", *v.Document)
		}
		local := do(w, w.ListPolicies, api.ListPoliciesInput{Scope: api.PolicyScopeTypeLocal}).Policies
		attached := do(w, w.ListPolicies, api.ListPoliciesInput{OnlyAttached: new(true)}).Policies
		if len(local) != 1 || len(attached) != 2 {
			t.Errorf("%d local, %d attached policies", len(local), len(attached))
		}
		if who := do(w, w.ListEntitiesForPolicy, api.ListEntitiesForPolicyInput{PolicyArn: *p.Arn}); len(who.PolicyRoles) != 1 || *who.PolicyRoles[0].RoleName != "R" {
			t.Errorf("carried by %+v", who)
		}
		refuse(w, w.DeletePolicy, api.DeletePolicyInput{PolicyArn: *p.Arn}, "DeleteConflict", "Cannot delete a policy attached to entities.")
		refuse(w, w.DeleteRole, api.DeleteRoleInput{RoleName: "R"}, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
		do(w, w.DetachRolePolicy, api.DetachRolePolicyInput{RoleName: "R", PolicyArn: *p.Arn})
		do(w, w.DetachRolePolicy, api.DetachRolePolicyInput{RoleName: "R", PolicyArn: admin})
		refuse(w, w.DetachRolePolicy, api.DetachRolePolicyInput{RoleName: "R", PolicyArn: admin}, "NoSuchEntity", "Policy "+admin+" was not found.")
		do(w, w.PutRolePermissionsBoundary, api.PutRolePermissionsBoundaryInput{RoleName: "R", PermissionsBoundary: *p.Arn})
		refuse(w, w.DeletePolicy, api.DeletePolicyInput{PolicyArn: *p.Arn}, "DeleteConflict", "Cannot delete a policy attached to entities.")
		do(w, w.DeleteRolePermissionsBoundary, api.DeleteRolePermissionsBoundaryInput{RoleName: "R"})
		do(w, w.DeletePolicy, api.DeletePolicyInput{PolicyArn: *p.Arn})
	})
}

func TestInlinePolicies(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		do(w, w.CreateUser, api.CreateUserInput{UserName: "ada"})
		put := api.PutUserPolicyInput{UserName: "ada", PolicyName: "p", PolicyDocument: allowAll}
		do(w, w.PutUserPolicy, put)
		do(w, w.PutUserPolicy, put)
		put.PolicyDocument = "{}"
		refuse(w, w.PutUserPolicy, put, "MalformedPolicyDocument", "Syntax errors in policy.")
		if got := do(w, w.ListUserPolicies, api.ListUserPoliciesInput{UserName: "ada"}).PolicyNames; len(got) != 1 || got[0] != "p" {
			t.Errorf("listed %v", got)
		}
		refuse(w, w.GetUserPolicy, api.GetUserPolicyInput{UserName: "ada", PolicyName: "q"}, "NoSuchEntity", "The user policy with name q cannot be found.")
		refuse(w, w.DeleteUser, api.DeleteUserInput{UserName: "ada"}, "DeleteConflict", "Cannot delete entity, must delete policies first.")
		do(w, w.DeleteUserPolicy, api.DeleteUserPolicyInput{UserName: "ada", PolicyName: "p"})
		do(w, w.DeleteUser, api.DeleteUserInput{UserName: "ada"})
	})
}

func TestGroups(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		do(w, w.CreateUser, api.CreateUserInput{UserName: "ada"})
		do(w, w.CreateGroup, api.CreateGroupInput{GroupName: "Ops"})
		refuse(w, w.CreateGroup, api.CreateGroupInput{GroupName: "ops"}, "EntityAlreadyExists", "Group with name ops already exists.")
		do(w, w.AddUserToGroup, api.AddUserToGroupInput{GroupName: "Ops", UserName: "ada"})
		do(w, w.AttachGroupPolicy, api.AttachGroupPolicyInput{GroupName: "Ops", PolicyArn: admin})
		if g := do(w, w.GetGroup, api.GetGroupInput{GroupName: "Ops"}); len(g.Users) != 1 || g.Users[0].UserName != "ada" {
			t.Errorf("group %+v", g)
		}
		if g := do(w, w.ListGroupsForUser, api.ListGroupsForUserInput{UserName: "ada"}).Groups; len(g) != 1 || g[0].GroupName != "Ops" {
			t.Errorf("groups %+v", g)
		}
		refuse(w, w.DeleteUser, api.DeleteUserInput{UserName: "ada"}, "DeleteConflict", "Cannot delete entity, must remove user from all groups first.")
		refuse(w, w.DeleteGroup, api.DeleteGroupInput{GroupName: "Ops"}, "DeleteConflict", "Cannot delete entity, must remove users from group first.")
		do(w, w.RemoveUserFromGroup, api.RemoveUserFromGroupInput{GroupName: "Ops", UserName: "ada"})
		refuse(w, w.RemoveUserFromGroup, api.RemoveUserFromGroupInput{GroupName: "Ops", UserName: "ada"}, "NoSuchEntity", "User ada not in group Ops")
		refuse(w, w.DeleteGroup, api.DeleteGroupInput{GroupName: "Ops"}, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
		do(w, w.DetachGroupPolicy, api.DetachGroupPolicyInput{GroupName: "Ops", PolicyArn: admin})
		do(w, w.DeleteGroup, api.DeleteGroupInput{GroupName: "Ops"})
		if n := do(w, w.GetAccountSummary, api.GetAccountSummaryInput{}).SummaryMap; n[api.SummaryKeyTypeUsers] != 1 || n[api.SummaryKeyTypeGroups] != 0 {
			t.Errorf("summary %v", n)
		}
	})
}
