package access_test

import (
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/ecr"
	iamapi "muster/internal/awsmodel/iam"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/inspectorscan"
	musterapi "muster/internal/awsmodel/muster"
	"muster/internal/awsmodel/organizations"
	stsapi "muster/internal/awsmodel/sts"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/directory"
)

func TestDenialsReadAsAWSs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada", allow("inspector2:List*", "*"), deny("inspector2:ListFilters"))
		const me = "User: arn:aws:iam::111111111111:user/ada is not authorized to perform: "
		for _, c := range []struct {
			service, op string
			in          any
			status      int
			code, text  string
		}{
			{"inspector2", "Enable", &inspector2.EnableInput{}, 403, "AccessDeniedException",
				"inspector2:Enable on resource: arn:aws:inspector2:us-east-1:111111111111:/enable because no identity-based policy allows the inspector2:Enable action"},
			{"inspector2", "ListFilters", &inspector2.ListFiltersInput{}, 403, "AccessDeniedException",
				"inspector2:ListFilters on resource: arn:aws:inspector2:us-east-1:111111111111:/listfilters with an explicit deny in an identity-based policy"},
			{"inspector2", "DeleteFilter", &inspector2.DeleteFilterInput{Arn: "arn:aws:inspector2:us-east-1:111111111111:owner/111111111111/filter/0a"}, 403, "AccessDeniedException",
				"inspector2:DeleteFilter on resource: arn:aws:inspector2:us-east-1:111111111111:owner/111111111111/filter/0a because no identity-based policy allows the inspector2:DeleteFilter action"},
			{"organizations", "ListAccounts", &organizations.ListAccountsInput{}, 400, "AccessDeniedException",
				"organizations:ListAccounts on resource: * because no identity-based policy allows the organizations:ListAccounts action"},
			{"organizations", "DescribeAccount", &organizations.DescribeAccountInput{AccountId: string(away)}, 400, "AccessDeniedException",
				"organizations:DescribeAccount on resource: arn:aws:organizations::111111111111:account/o-exampleorgid/222222222222 because no identity-based policy allows the organizations:DescribeAccount action"},
			{"ecr", "DescribeImages", &ecr.DescribeImagesInput{RepositoryName: "app"}, 400, "AccessDeniedException",
				"ecr:DescribeImages on resource: arn:aws:ecr:us-east-1:111111111111:repository/app because no identity-based policy allows the ecr:DescribeImages action"},
			{"iam", "GetRole", &iamapi.GetRoleInput{RoleName: "R"}, 403, "AccessDenied",
				"iam:GetRole on resource: role R because no identity-based policy allows the iam:GetRole action"},
			{"iam", "CreateRole", &iamapi.CreateRoleInput{RoleName: "R", Path: new("/x/")}, 403, "AccessDenied",
				"iam:CreateRole on resource: arn:aws:iam::111111111111:role/x/R because no identity-based policy allows the iam:CreateRole action"},
			{"iam", "ListUsers", &iamapi.ListUsersInput{}, 403, "AccessDenied",
				"iam:ListUsers on resource: arn:aws:iam::111111111111:user/ because no identity-based policy allows the iam:ListUsers action"},
			{"sts", "AssumeRole", &stsapi.AssumeRoleInput{RoleArn: "arn:aws:iam::222222222222:role/None"}, 403, "AccessDenied",
				"sts:AssumeRole on resource: arn:aws:iam::222222222222:role/None"},
		} {
			w.refused(w.authorize(ada, c.service, c.op, c.in), c.status, c.code, me+c.text)
		}
		w.must(w.authorize(ada, "inspector2", "ListFindings", &inspector2.ListFindingsInput{}))
		w.must(w.authorize(ada, "sts", "GetCallerIdentity", &stsapi.GetCallerIdentityInput{}))
	})
}

func TestRelationsComeAfterPolicies(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada")
		err := w.authorize(ada, "inspector2", "GetMember", &inspector2.GetMemberInput{})
		if err == nil || !strings.Contains(err.Error(), "is not authorized to perform: inspector2:GetMember") {
			t.Errorf("without permission: %v", err)
		}
		w.refused(w.authorize(root(home), "inspector2", "GetMember", &inspector2.GetMemberInput{}), 403, "AccessDeniedException",
			"Invoking account does not have access to get member account")
	})
}

func TestControlPoliciesBindEvenRoot(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		read := func(text string) *policy.Document {
			d, err := policy.Parse(text, policy.Control)
			w.must(err)
			return d
		}
		in := &inspector2.EnableInput{}
		w.controls = [][]*policy.Document{{read(allow("*", "*"))}, {read(allow("iam:*", "*"))}}
		w.refused(w.authorize(root(home), "inspector2", "Enable", in), 403, "AccessDeniedException",
			"User: arn:aws:iam::111111111111:root is not authorized to perform: inspector2:Enable on resource: arn:aws:inspector2:us-east-1:111111111111:/enable because no service control policy allows the inspector2:Enable action")
		w.controls = [][]*policy.Document{{read(allow("*", "*")), read(deny("inspector2:*"))}}
		w.refused(w.authorize(root(home), "inspector2", "Enable", in), 403, "AccessDeniedException",
			"User: arn:aws:iam::111111111111:root is not authorized to perform: inspector2:Enable on resource: arn:aws:inspector2:us-east-1:111111111111:/enable with an explicit deny in a service control policy")
		w.must(w.authorize(root(home), "iam", "ListUsers", &iamapi.ListUsersInput{}))
	})
}

func TestConditionsSeeTheRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada", `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"organizations:EnableAWSServiceAccess","Resource":"*","Condition":{"StringEquals":{"organizations:ServicePrincipal":"inspector2.amazonaws.com","aws:PrincipalOrgID":"o-exampleorgid"}}},
			{"Effect":"Allow","Action":"iam:*AccessKey*","Resource":"arn:aws:iam::111111111111:user/${aws:username}"},
			{"Effect":"Allow","Action":["iam:CreateRole","iam:TagRole"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"red"},"ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}},
			{"Effect":"Allow","Action":"iam:DeleteRole","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}},
			{"Effect":"Allow","Action":"inspector2:CreateFilter","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"},"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}}},
			{"Effect":"Allow","Action":["inspector2:DeleteFilter","inspector2:TagResource"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}},
			{"Effect":"Allow","Action":"inspector2:Enable","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}},
			{"Effect":"Allow","Action":"inspector2:Disable","Resource":"*","Condition":{"Null":{"aws:MultiFactorAuthPresent":"false"}}},
			{"Effect":"Allow","Action":"organizations:ListPolicies","Resource":"*","Condition":{"StringEquals":{"organizations:PolicyType":"INSPECTOR_POLICY"}}}]}`)
		w.role(home, "Red", trust(string(home)))
		do(w, root(home), w.iam.TagRole, iamapi.TagRoleInput{RoleName: "Red", Tags: []iamapi.Tag{{Key: "team", Value: "red"}}})
		w.role(home, "Blue", trust(string(home)))
		red, blue := []iamapi.Tag{{Key: "team", Value: "red"}}, []iamapi.Tag{{Key: "team", Value: "blue"}}
		for _, c := range []struct {
			name, service, op string
			in                any
			want              bool
		}{
			{"the principal", "organizations", "EnableAWSServiceAccess", &organizations.EnableAWSServiceAccessInput{ServicePrincipal: "inspector2.amazonaws.com"}, true},
			{"another principal", "organizations", "EnableAWSServiceAccess", &organizations.EnableAWSServiceAccessInput{ServicePrincipal: "config.amazonaws.com"}, false},
			{"own keys", "iam", "CreateAccessKey", &iamapi.CreateAccessKeyInput{}, true},
			{"own keys by name", "iam", "ListAccessKeys", &iamapi.ListAccessKeysInput{UserName: new("ada")}, true},
			{"others' keys", "iam", "CreateAccessKey", &iamapi.CreateAccessKeyInput{UserName: new("eve")}, false},
			{"right tags", "iam", "CreateRole", &iamapi.CreateRoleInput{RoleName: "N", Tags: red}, true},
			{"wrong tags", "iam", "CreateRole", &iamapi.CreateRoleInput{RoleName: "N", Tags: blue}, false},
			{"more tags", "iam", "CreateRole", &iamapi.CreateRoleInput{RoleName: "N", Tags: append(red, iamapi.Tag{Key: "x"})}, false},
			{"tagged resource", "iam", "DeleteRole", &iamapi.DeleteRoleInput{RoleName: "red"}, true},
			{"other resource", "iam", "DeleteRole", &iamapi.DeleteRoleInput{RoleName: "Blue"}, false},
			{"address and time", "inspector2", "CreateFilter", &inspector2.CreateFilterInput{}, true},
			{"creation with tags needs tagging", "inspector2", "CreateFilter", &inspector2.CreateFilterInput{Tags: map[string]string{"a": "b"}}, false},
			{"tagged filter", "inspector2", "DeleteFilter", &inspector2.DeleteFilterInput{Arn: redFilter}, true},
			{"other filter", "inspector2", "DeleteFilter", &inspector2.DeleteFilterInput{Arn: redFilter + "0"}, false},
			{"tagged resource of inspector", "inspector2", "TagResource", &inspector2.TagResourceInput{ResourceArn: redFilter}, true},
			{"no TLS", "inspector2", "Enable", &inspector2.EnableInput{}, false},
			{"no MFA", "inspector2", "Disable", &inspector2.DisableInput{}, false},
			{"policy type", "organizations", "ListPolicies", &organizations.ListPoliciesInput{Filter: organizations.PolicyTypeInspectorPolicy}, true},
			{"other policy type", "organizations", "ListPolicies", &organizations.ListPoliciesInput{Filter: organizations.PolicyTypeServiceControlPolicy}, false},
		} {
			if err := w.authorize(ada, c.service, c.op, c.in); (err == nil) != c.want {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	})
}

func TestPermitChecksFurtherActions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada")
		do(w, root(home), w.iam.AttachUserPolicy, iamapi.AttachUserPolicyInput{UserName: "ada", PolicyArn: "arn:aws:iam::aws:policy/AmazonInspector2FullAccess_v2"})
		keys := map[string][]string{"organizations:ServicePrincipal": {"inspector2.amazonaws.com"}}
		permit := func(action string, resource arn.ARN, keys map[string][]string) error {
			return w.desk.Permit(t.Context(), w.call(ada), action, resource, keys)
		}
		w.must(permit("organizations:RegisterDelegatedAdministrator", "*", keys))
		w.must(permit("organizations:DescribeAccount", "arn:aws:organizations::111111111111:account/o-exampleorgid/222222222222", nil))
		w.must(permit("iam:CreateServiceLinkedRole", "*", map[string][]string{"iam:AWSServiceName": {"inspector2.amazonaws.com"}}))
		w.refused(permit("organizations:DeregisterDelegatedAdministrator", "*", keys), 403, "AccessDeniedException",
			"User: arn:aws:iam::111111111111:user/ada is not authorized to perform: organizations:DeregisterDelegatedAdministrator on resource: * because no identity-based policy allows the organizations:DeregisterDelegatedAdministrator action")
	})
}

// TestNoOperationGoesRound holds every operation of every service against
// three callers: one without policies may nothing but say who it is, one with
// a deny may not either, the administrator may everything.
func TestNoOperationGoesRound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nobody, administrator := w.user("nobody"), w.user("administrator", allow("*", "*"))
		denied := w.user("denied", allow("*", "*"), deny("*"))
		n := 0
		for _, ops := range [][]awsmodel.Operation{
			inspector2.Handlers{}.Operations(), inspectorscan.Handlers{}.Operations(), organizations.Handlers{}.Operations(),
			iamapi.Handlers{}.Operations(), stsapi.Handlers{}.Operations(), ecr.Handlers{}.Operations(), musterapi.Handlers{}.Operations(),
		} {
			for _, op := range ops {
				n++
				w.goesRound(&op, nobody, denied, administrator)
			}
		}
		if n < 300 {
			t.Errorf("only %d operations", n)
		}
	})
}

func (w *world) goesRound(op *awsmodel.Operation, nobody, denied, administrator arn.Principal) {
	w.t.Helper()
	service, name, ok := strings.Cut(op.Action(), ":")
	if !ok || service == "" || name == "" {
		w.t.Errorf("%s has no action", op.Name)
	}
	ask := func(p arn.Principal) error { return w.desk.Authorize(w.t.Context(), w.call(p), op, op.NewInput()) }
	if op.Action() == "sts:AssumeRoleWithWebIdentity" {
		// It is the token that counts there, not who signs.
		for _, p := range []arn.Principal{nobody, denied, administrator, {}} {
			w.refused(ask(p), 403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
		}
		return
	}
	free := op.Action() == "sts:GetCallerIdentity" || op.Action() == "sts:GetSessionToken"
	for _, p := range []arn.Principal{nobody, denied} {
		if err := ask(p); (err == nil) != free || !free && !strings.Contains(err.Error(), " is not authorized to perform: "+op.Action()+" on resource: ") {
			w.t.Errorf("%s for %s: %v", op.Action(), p.ARN, err)
		}
	}
	if ask(arn.Principal{}) == nil {
		w.t.Errorf("%s for nobody at all", op.Action())
	}
	missingRole, ruled := op.Action() == "sts:AssumeRole", op.Action() == "inspector2:GetMember"
	if err := ask(administrator); err != nil && !missingRole && !ruled {
		w.t.Errorf("%s for the administrator: %v", op.Action(), err)
	}
}

func TestSuspendedAccountsMayNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.store.Update(t.Context(), func(tx *store.Tx) error {
			return directory.SetState(t.Context(), tx, home, directory.Suspended, time.Time{})
		}))
		w.refused(w.authorize(root(home), "sts", "GetCallerIdentity", nil), 403, "AccessDenied", "The security token included in the request is invalid.")
	})
}

// BenchmarkLookupAuthorize is what every signed request costs beside its
// signature: finding the key and deciding, for a user with a managed policy.
func BenchmarkLookupAuthorize(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			w := newWorld(b, openEngine(b, engine))
			w.user("ada")
			do(w, root(home), w.iam.AttachUserPolicy, iamapi.AttachUserPolicyInput{UserName: "ada", PolicyArn: "arn:aws:iam::aws:policy/AmazonInspector2FullAccess_v2"})
			k := do(w, root(home), w.iam.CreateAccessKey, iamapi.CreateAccessKeyInput{UserName: new("ada")}).AccessKey
			op := &awsmodel.Operation{Service: "inspector2", Name: "ListFindings", Path: "/findings/list"}
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					p := w.signIn(k.AccessKeyId, "")
					if err := w.desk.Authorize(b.Context(), w.call(p), op, &inspector2.ListFindingsInput{}); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
