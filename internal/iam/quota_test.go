package iam_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	api "muster/internal/awsmodel/iam"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// fill adds n entities behind the desk's back.
func (w *world) fill(n int, add func(tx *store.Tx, i int) error) {
	w.t.Helper()
	w.update(func(tx *store.Tx) error {
		for i := range n {
			if err := add(tx, i); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestQuotasOfAccounts(t *testing.T) {
	w := newWorld(t, sqlite(t))
	ctx := t.Context()
	w.fill(4999, func(tx *store.Tx, i int) error {
		return identity.InsertUser(ctx, tx, identity.User{Account: account, Name: fmt.Sprint("u", i), Path: "/", ID: fmt.Sprint("AIDA", i), CreatedAt: w.now})
	})
	do(w, w.CreateUser, api.CreateUserInput{UserName: "last"})
	refuse(w, w.CreateUser, api.CreateUserInput{UserName: "more"}, "LimitExceeded", "Cannot exceed quota for UsersPerAccount: 5000")
	w.fill(299, func(tx *store.Tx, i int) error {
		return identity.InsertGroup(ctx, tx, identity.Group{Account: account, Name: fmt.Sprint("g", i), Path: "/", ID: fmt.Sprint("AGPA", i), CreatedAt: w.now})
	})
	do(w, w.CreateGroup, api.CreateGroupInput{GroupName: "last"})
	refuse(w, w.CreateGroup, api.CreateGroupInput{GroupName: "more"}, "LimitExceeded", "Cannot exceed quota for GroupsPerAccount: 300")
	w.fill(999, func(tx *store.Tx, i int) error {
		return identity.InsertRole(ctx, tx, identity.Role{Account: account, Name: fmt.Sprint("r", i), Path: "/", ID: fmt.Sprint("AROA", i), Trust: trustMe, MaxSession: time.Hour, CreatedAt: w.now})
	})
	do(w, w.CreateRole, api.CreateRoleInput{RoleName: "last", AssumeRolePolicyDocument: trustMe})
	refuse(w, w.CreateRole, api.CreateRoleInput{RoleName: "more", AssumeRolePolicyDocument: trustMe}, "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000")
	w.fill(1499, func(tx *store.Tx, i int) error {
		return identity.InsertPolicy(ctx, tx, identity.Policy{Account: account, Name: fmt.Sprint("p", i), Path: "/", ID: fmt.Sprint("ANPA", i), Document: allowAll, CreatedAt: w.now})
	})
	do(w, w.CreatePolicy, api.CreatePolicyInput{PolicyName: "last", PolicyDocument: allowAll})
	refuse(w, w.CreatePolicy, api.CreatePolicyInput{PolicyName: "more", PolicyDocument: allowAll}, "LimitExceeded", "Cannot exceed quota for PoliciesPerAccount: 1500")
	w.fill(999, func(tx *store.Tx, i int) error {
		return identity.InsertProfile(ctx, tx, identity.InstanceProfile{Account: account, Name: fmt.Sprint("i", i), Path: "/", ID: fmt.Sprint("AIPA", i), CreatedAt: w.now})
	})
	do(w, w.CreateInstanceProfile, api.CreateInstanceProfileInput{InstanceProfileName: "last"})
	refuse(w, w.CreateInstanceProfile, api.CreateInstanceProfileInput{InstanceProfileName: "more"}, "LimitExceeded", "Cannot exceed quota for InstanceProfilesPerAccount: 1000")
	n := do(w, w.GetAccountSummary, api.GetAccountSummaryInput{}).SummaryMap
	if n[api.SummaryKeyTypeInstanceProfiles] != 1000 || n[api.SummaryKeyTypePolicyVersionsInUse] != 1500 || n[api.SummaryKeyTypeUsers] != 5000 {
		t.Errorf("summary %v", n)
	}
	if got := details(w, api.GetAccountAuthorizationDetailsInput{MaxItems: new(int32(1000))}); strings.Count(got, " ") != 5000+300+1000+1500-1 {
		t.Errorf("%d names in the details", strings.Count(got, " ")+1)
	}
}

func TestQuotasOfHolders(t *testing.T) {
	w := newWorld(t, sqlite(t))
	do(w, w.CreateUser, api.CreateUserInput{UserName: "ada"})
	do(w, w.CreateGroup, api.CreateGroupInput{GroupName: "g0"})
	do(w, w.CreateRole, api.CreateRoleInput{RoleName: "R", AssumeRolePolicyDocument: trustMe})
	for i := range 11 {
		p := *do(w, w.CreatePolicy, api.CreatePolicyInput{PolicyName: fmt.Sprint("p", i), PolicyDocument: allowAll}).Policy.Arn
		user := api.AttachUserPolicyInput{UserName: "ada", PolicyArn: p}
		group := api.AttachGroupPolicyInput{GroupName: "g0", PolicyArn: p}
		role := api.AttachRolePolicyInput{RoleName: "R", PolicyArn: p}
		if i < 10 {
			do(w, w.AttachUserPolicy, user)
			do(w, w.AttachGroupPolicy, group)
			do(w, w.AttachRolePolicy, role)
			do(w, w.AttachRolePolicy, role)
			continue
		}
		refuse(w, w.AttachUserPolicy, user, "LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10")
		refuse(w, w.AttachGroupPolicy, group, "LimitExceeded", "Cannot exceed quota for PoliciesPerGroup: 10")
		refuse(w, w.AttachRolePolicy, role, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")
	}
	if list := do(w, w.ListAttachedRolePolicies, api.ListAttachedRolePoliciesInput{RoleName: "R"}).AttachedPolicies; len(list) != 10 {
		t.Errorf("%d policies attached", len(list))
	}
	for i := range 11 {
		name := fmt.Sprint("g", i)
		if i > 0 {
			do(w, w.CreateGroup, api.CreateGroupInput{GroupName: name})
		}
		if i < 10 {
			do(w, w.AddUserToGroup, api.AddUserToGroupInput{GroupName: name, UserName: "ada"})
		} else {
			refuse(w, w.AddUserToGroup, api.AddUserToGroupInput{GroupName: name, UserName: "ada"}, "LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10")
		}
	}
	large := func(n int) string { return strings.Replace(allowAll, `"*"`, `["iam:`+strings.Repeat("a", n)+`"]`, 1) }
	refuse(w, w.PutUserPolicy, api.PutUserPolicyInput{UserName: "ada", PolicyName: "p", PolicyDocument: large(2048)}, "LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user ada")
	refuse(w, w.PutGroupPolicy, api.PutGroupPolicyInput{GroupName: "g0", PolicyName: "p", PolicyDocument: large(5120)}, "LimitExceeded", "Maximum policy size of 5120 bytes exceeded for group g0")
	trust := strings.Replace(trustMe, `{"AWS":"111111111111"}`, `{"AWS":["111111111111"`+strings.Repeat(`,"111111111111"`, 140)+`]}`, 1)
	refuse(w, w.UpdateAssumeRolePolicy, api.UpdateAssumeRolePolicyInput{RoleName: "R", PolicyDocument: trust}, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048")
	refuse(w, w.DeleteGroup, api.DeleteGroupInput{GroupName: "g0"}, "DeleteConflict", "Cannot delete entity, must remove users from group first.")
	refuse(w, w.DeleteUser, api.DeleteUserInput{UserName: "ada"}, "DeleteConflict", "Cannot delete entity, must remove user from all groups first.")
}

func TestRenaming(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := do(w, w.CreateUser, api.CreateUserInput{UserName: "ada", Tags: []api.Tag{{Key: "a", Value: "1"}}}).User
		do(w, w.CreateUser, api.CreateUserInput{UserName: "bob"})
		do(w, w.CreateGroup, api.CreateGroupInput{GroupName: "ops"})
		do(w, w.CreateGroup, api.CreateGroupInput{GroupName: "dev"})
		do(w, w.AddUserToGroup, api.AddUserToGroupInput{GroupName: "ops", UserName: "ada"})
		do(w, w.PutUserPolicy, api.PutUserPolicyInput{UserName: "ada", PolicyName: "p", PolicyDocument: allowAll})
		key := do(w, w.CreateAccessKey, api.CreateAccessKeyInput{UserName: new("ada")}).AccessKey
		refuse(w, w.UpdateUser, api.UpdateUserInput{UserName: "ada", NewUserName: new("BOB")}, "EntityAlreadyExists", "User with name BOB already exists.")
		refuse(w, w.UpdateUser, api.UpdateUserInput{UserName: "eve"}, "NoSuchEntity", "The user with name eve cannot be found.")
		do(w, w.UpdateUser, api.UpdateUserInput{UserName: "ada", NewUserName: new("Ada")})
		do(w, w.UpdateUser, api.UpdateUserInput{UserName: "ada", NewUserName: new("lovelace"), NewPath: new("/math/")})
		got := do(w, w.GetUser, api.GetUserInput{UserName: new("lovelace")}).User
		if got.Arn != "arn:aws:iam::111111111111:user/math/lovelace" || got.UserId != u.UserId || len(got.Tags) != 1 {
			t.Errorf("renamed %+v", got)
		}
		refuse(w, w.GetUser, api.GetUserInput{UserName: new("ada")}, "NoSuchEntity", "The user with name ada cannot be found.")
		if c, err := w.keys.Lookup(t.Context(), key.AccessKeyId, ""); err != nil || c.Principal.ARN != arn.ARN(got.Arn) {
			t.Errorf("its key is %+v, %v", c.Principal, err)
		}
		refuse(w, w.UpdateGroup, api.UpdateGroupInput{GroupName: "ops", NewGroupName: new("dev")}, "EntityAlreadyExists", "Group with name dev already exists.")
		refuse(w, w.UpdateGroup, api.UpdateGroupInput{GroupName: "none"}, "NoSuchEntity", "The group with name none cannot be found.")
		do(w, w.UpdateGroup, api.UpdateGroupInput{GroupName: "ops", NewGroupName: new("sre"), NewPath: new("/x/")})
		if g := do(w, w.ListGroupsForUser, api.ListGroupsForUserInput{UserName: "lovelace"}).Groups; len(g) != 1 || g[0].Arn != "arn:aws:iam::111111111111:group/x/sre" {
			t.Errorf("groups %+v", g)
		}
	})
}
