package iam_test

import (
	"encoding/csv"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
)

func TestAccountAlias(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if list := do(w, w.ListAccountAliases, api.ListAccountAliasesInput{}); len(list.AccountAliases) != 0 || *list.IsTruncated {
			t.Errorf("listed %+v", list)
		}
		do(w, w.CreateAccountAlias, api.CreateAccountAliasInput{AccountAlias: "red"})
		do(w, w.CreateAccountAlias, api.CreateAccountAliasInput{AccountAlias: "blue"})
		if list := do(w, w.ListAccountAliases, api.ListAccountAliasesInput{}).AccountAliases; strings.Join(list, " ") != "blue" {
			t.Errorf("listed %v", list)
		}
		w.addAccount("222222222222")
		other := w.root()
		other.Principal = arn.Principal{Kind: arn.RootUser, Account: "222222222222"}
		_, err := w.CreateAccountAlias(t.Context(), other, &api.CreateAccountAliasInput{AccountAlias: "blue"})
		refused(t, err, "EntityAlreadyExists", "The account alias blue already exists.")
		for _, bad := range []string{"a--b", "123456789012"} {
			refuse(w, w.CreateAccountAlias, api.CreateAccountAliasInput{AccountAlias: bad}, "ValidationError", "The account alias "+bad+" is not valid.")
		}
		refuse(w, w.DeleteAccountAlias, api.DeleteAccountAliasInput{AccountAlias: "red"}, "NoSuchEntity", "The account alias with name red cannot be found.")
		do(w, w.DeleteAccountAlias, api.DeleteAccountAliasInput{AccountAlias: "blue"})
		if _, err := w.CreateAccountAlias(t.Context(), other, &api.CreateAccountAliasInput{AccountAlias: "blue"}); err != nil {
			t.Error(err)
		}
	})
}

func TestPasswordPolicy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		refuse(w, w.GetAccountPasswordPolicy, api.GetAccountPasswordPolicyInput{}, "NoSuchEntity", "The Password Policy with domain name 111111111111 cannot be found.")
		do(w, w.UpdateAccountPasswordPolicy, api.UpdateAccountPasswordPolicyInput{MinimumPasswordLength: new(int32(14)), RequireNumbers: new(true), MaxPasswordAge: new(int32(90))})
		p := do(w, w.GetAccountPasswordPolicy, api.GetAccountPasswordPolicyInput{}).PasswordPolicy
		if *p.MinimumPasswordLength != 14 || !*p.RequireNumbers || *p.RequireSymbols || !*p.ExpirePasswords || *p.MaxPasswordAge != 90 || p.PasswordReusePrevention != nil {
			t.Errorf("got %+v", p)
		}
		do(w, w.UpdateAccountPasswordPolicy, api.UpdateAccountPasswordPolicyInput{})
		if p := do(w, w.GetAccountPasswordPolicy, api.GetAccountPasswordPolicyInput{}).PasswordPolicy; *p.MinimumPasswordLength != 6 || *p.RequireNumbers || *p.ExpirePasswords || p.MaxPasswordAge != nil {
			t.Errorf("defaults are %+v", p)
		}
		do(w, w.DeleteAccountPasswordPolicy, api.DeleteAccountPasswordPolicyInput{})
		refuse(w, w.DeleteAccountPasswordPolicy, api.DeleteAccountPasswordPolicyInput{}, "NoSuchEntity", "The account policy with name PasswordPolicy cannot be found.")
	})
}

func TestCredentialReport(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.GetCredentialReport(t.Context(), w.root(), &api.GetCredentialReportInput{})
		var e awsmodel.Error
		if !errors.As(err, &e) || e.ErrorCode() != "ReportNotPresent" || e.HTTPStatus() != 410 {
			t.Errorf("without a report: %v", err)
		}
		do(w, w.CreateUser, api.CreateUserInput{UserName: "ada"})
		k := do(w, w.CreateAccessKey, api.CreateAccessKeyInput{UserName: new("ada")}).AccessKey
		c, err := w.keys.Lookup(t.Context(), k.AccessKeyId, "")
		if err != nil {
			t.Fatal(err)
		}
		w.keys.Used(c.Principal, "eu-west-1", "inspector2", w.now.Add(time.Minute))
		if err := w.keys.FlushUses(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := do(w, w.GenerateCredentialReport, api.GenerateCredentialReportInput{}).State; s != api.ReportStateTypeComplete {
			t.Errorf("state %s", s)
		}
		out := do(w, w.GetCredentialReport, api.GetCredentialReportInput{})
		rows, err := csv.NewReader(strings.NewReader(string(out.Content))).ReadAll()
		if err != nil || len(rows) != 3 || len(rows[0]) != 22 || out.ReportFormat != api.ReportFormatTypeTextCsv {
			t.Fatalf("%v\n%s", err, out.Content)
		}
		if got := strings.Join(rows[1][:8], ","); got != "<root_account>,arn:aws:iam::111111111111:root,2026-11-22T10:00:00+00:00,not_supported,N/A,not_supported,not_supported,false" {
			t.Errorf("root: %s", got)
		}
		if got := strings.Join(rows[2], ","); got != "ada,arn:aws:iam::111111111111:user/ada,2026-11-22T10:00:00+00:00,false,N/A,N/A,N/A,false,"+
			"true,2026-11-22T10:00:00+00:00,2026-11-22T10:01:00+00:00,eu-west-1,inspector2,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A" {
			t.Errorf("ada: %s", got)
		}
		w.now = w.now.Add(5 * time.Hour)
		if _, err := w.GetCredentialReport(t.Context(), w.root(), &api.GetCredentialReportInput{}); !errors.As(err, &e) || e.ErrorCode() != "ReportExpired" {
			t.Errorf("an old report: %v", err)
		}
	})
}

func TestAuthorizationDetails(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		own := *do(w, w.CreatePolicy, api.CreatePolicyInput{PolicyName: "own", PolicyDocument: allowAll}).Policy.Arn
		do(w, w.CreatePolicyVersion, api.CreatePolicyVersionInput{PolicyArn: own, PolicyDocument: only("s3:Get")})
		do(w, w.CreateGroup, api.CreateGroupInput{GroupName: "ops"})
		for _, name := range []string{"ada", "bob", "cyd"} {
			do(w, w.CreateUser, api.CreateUserInput{UserName: name, Tags: []api.Tag{{Key: "k", Value: name}}, PermissionsBoundary: &own})
			do(w, w.AddUserToGroup, api.AddUserToGroupInput{GroupName: "ops", UserName: name})
		}
		do(w, w.PutUserPolicy, api.PutUserPolicyInput{UserName: "ada", PolicyName: "p", PolicyDocument: allowAll})
		do(w, w.CreateRole, api.CreateRoleInput{RoleName: "R", AssumeRolePolicyDocument: trustMe})
		do(w, w.AttachRolePolicy, api.AttachRolePolicyInput{RoleName: "R", PolicyArn: admin})
		do(w, w.CreateInstanceProfile, api.CreateInstanceProfileInput{InstanceProfileName: "i"})
		do(w, w.AddRoleToInstanceProfile, api.AddRoleToInstanceProfileInput{InstanceProfileName: "i", RoleName: "R"})
		for _, size := range []int32{1, 2, 3, 1000} {
			got := details(w, api.GetAccountAuthorizationDetailsInput{MaxItems: &size})
			if got != "ada bob cyd ops R own AdministratorAccess" {
				t.Errorf("pages of %d: %s", size, got)
			}
		}
		if got := details(w, api.GetAccountAuthorizationDetailsInput{Filter: []api.EntityType{api.EntityTypeRole, api.EntityTypeLocalManagedPolicy}, MaxItems: new(int32(1))}); got != "R own" {
			t.Errorf("filtered: %s", got)
		}
		out := do(w, w.GetAccountAuthorizationDetails, api.GetAccountAuthorizationDetailsInput{})
		ada, r, p := out.UserDetailList[0], out.RoleDetailList[0], out.Policies[0]
		if strings.Join(ada.GroupList, "") != "ops" || len(ada.UserPolicyList) != 1 || *ada.PermissionsBoundary.PermissionsBoundaryArn != own || ada.Tags[0].Value != "ada" {
			t.Errorf("user %+v", ada)
		}
		if len(r.InstanceProfileList) != 1 || *r.AttachedManagedPolicies[0].PolicyArn != admin || !strings.Contains(*r.AssumeRolePolicyDocument, "%22Statement") {
			t.Errorf("role %+v", r)
		}
		if len(p.PolicyVersionList) != 2 || *p.DefaultVersionId != "v1" || *p.PermissionsBoundaryUsageCount != 3 || p.PolicyVersionList[0].Document == nil {
			t.Errorf("policy %+v", p)
		}
		refuse(w, w.GetAccountAuthorizationDetails, api.GetAccountAuthorizationDetailsInput{Marker: new("x")}, "ValidationError", "Invalid Marker.")
	})
}

// details goes through all pages and returns the names.
func details(w *world, in api.GetAccountAuthorizationDetailsInput) string {
	var names []string
	for more := true; more; {
		out := do(w, w.GetAccountAuthorizationDetails, in)
		n := len(names)
		for _, u := range out.UserDetailList {
			names = append(names, *u.UserName)
		}
		for _, g := range out.GroupDetailList {
			names = append(names, *g.GroupName)
		}
		for _, r := range out.RoleDetailList {
			names = append(names, *r.RoleName)
		}
		for _, p := range out.Policies {
			names = append(names, *p.PolicyName)
		}
		if len(names)-n > int(valueOr(in.MaxItems, 100)) {
			w.t.Errorf("a page of %d", len(names)-n)
		}
		in.Marker, more = out.Marker, *out.IsTruncated
	}
	return strings.Join(names, " ")
}

func valueOr(p *int32, otherwise int32) int32 {
	if p == nil {
		return otherwise
	}
	return *p
}

func TestWhatCannotExist(t *testing.T) {
	w := newWorld(t, sqlite(t))
	do(w, w.CreateUser, api.CreateUserInput{UserName: "ada"})
	for _, name := range []*string{nil, new("ada")} {
		mfa := do(w, w.ListMFADevices, api.ListMFADevicesInput{UserName: name})
		certs := do(w, w.ListSigningCertificates, api.ListSigningCertificatesInput{UserName: name})
		if mfa.MFADevices == nil || len(mfa.MFADevices) != 0 || certs.Certificates == nil || *certs.IsTruncated {
			t.Errorf("%+v %+v", mfa, certs)
		}
	}
	refuse(w, w.ListMFADevices, api.ListMFADevicesInput{UserName: new("eve")}, "NoSuchEntity", "The user with name eve cannot be found.")
	refuse(w, w.ListSSHPublicKeys, api.ListSSHPublicKeysInput{Marker: new("x")}, "ValidationError", "Invalid Marker.")
	refuse(w, w.GetLoginProfile, api.GetLoginProfileInput{UserName: new("ada")}, "NoSuchEntity", "Login Profile for User ada cannot be found.")
	refuse(w, w.DeleteLoginProfile, api.DeleteLoginProfileInput{UserName: new("eve")}, "NoSuchEntity", "The user with name eve cannot be found.")
	refuse(w, w.DeactivateMFADevice, api.DeactivateMFADeviceInput{UserName: new("ada"), SerialNumber: "arn:aws:iam::111111111111:mfa/x"}, "NoSuchEntity", "MFA Device with serial number arn:aws:iam::111111111111:mfa/x does not exist.")
	if list := do(w, w.ListSAMLProviders, api.ListSAMLProvidersInput{}); list.SAMLProviderList == nil {
		t.Error("no list of SAML providers")
	}
}
