package access_test

import (
	"testing"

	iamapi "muster/internal/awsmodel/iam"
)

// TestRenamingNeedsBothNames wants permission on what an entity is and on what
// it becomes.
func TestRenamingNeedsBothNames(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada", allow("iam:UpdateUser", "arn:aws:iam::111111111111:user/dev/*"))
		do(w, root(home), w.iam.CreateUser, iamapi.CreateUserInput{UserName: "bob", Path: new("/dev/")})
		w.must(w.authorize(ada, "iam", "UpdateUser", &iamapi.UpdateUserInput{UserName: "bob", NewUserName: new("rob")}))
		w.must(w.authorize(ada, "iam", "UpdateUser", &iamapi.UpdateUserInput{UserName: "bob", NewPath: new("/dev/x/")}))
		for name, in := range map[string]*iamapi.UpdateUserInput{
			"out of the path":  {UserName: "bob", NewPath: new("/ops/")},
			"into the path":    {UserName: "ada", NewPath: new("/dev/")},
			"outside the path": {UserName: "ada", NewUserName: new("eve")},
		} {
			if w.authorize(ada, "iam", "UpdateUser", in) == nil {
				t.Errorf("%s: allowed", name)
			}
		}
	})
}

// TestInstanceProfilesAreJudgedByThemselves wants the profile, not the role that
// goes into it, to be the resource.
func TestInstanceProfilesAreJudgedByThemselves(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.user("ada", allow("iam:*", "arn:aws:iam::111111111111:instance-profile/web*"))
		w.role(home, "R", trust(string(home)))
		w.must(w.authorize(ada, "iam", "CreateInstanceProfile", &iamapi.CreateInstanceProfileInput{InstanceProfileName: "web"}))
		w.must(w.authorize(ada, "iam", "AddRoleToInstanceProfile", &iamapi.AddRoleToInstanceProfileInput{InstanceProfileName: "web", RoleName: "R"}))
		if w.authorize(ada, "iam", "CreateInstanceProfile", &iamapi.CreateInstanceProfileInput{InstanceProfileName: "other"}) == nil {
			t.Error("another profile is allowed")
		}
		simulate := &iamapi.SimulatePrincipalPolicyInput{PolicySourceArn: "arn:aws:iam::111111111111:role/R"}
		if w.authorize(ada, "iam", "SimulatePrincipalPolicy", simulate) == nil {
			t.Error("anyone's policies may be simulated")
		}
	})
}

// TestProvidersAreJudgedByThemselves wants the identity provider, made or still
// to be made, to be the resource, with its tags.
func TestProvidersAreJudgedByThemselves(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		create := w.iam.Handlers().CreateOpenIDConnectProvider
		for name, tag := range map[string]string{"https://mine.example.com": "ada", "https://other.example.com": "bob"} {
			do(w, root(home), create, iamapi.CreateOpenIDConnectProviderInput{Url: name, Tags: []iamapi.Tag{{Key: "owner", Value: tag}}})
		}
		ada := w.user("ada", `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"iam:Create*","Resource":["arn:aws:iam::111111111111:oidc-provider/new.example.com/*","arn:aws:iam::111111111111:saml-provider/corp"]},
			{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/owner":"ada"}}}]}`)
		of := func(name string) string { return "arn:aws:iam::111111111111:oidc-provider/" + name }
		w.must(w.authorize(ada, "iam", "CreateOpenIDConnectProvider", &iamapi.CreateOpenIDConnectProviderInput{Url: "https://new.example.com/a?b"}))
		w.must(w.authorize(ada, "iam", "CreateSAMLProvider", &iamapi.CreateSAMLProviderInput{Name: "corp"}))
		w.must(w.authorize(ada, "iam", "GetOpenIDConnectProvider", &iamapi.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: of("mine.example.com")}))
		for op, in := range map[string]any{
			"CreateOpenIDConnectProvider": &iamapi.CreateOpenIDConnectProviderInput{Url: "https://else.example.com/a"},
			"CreateSAMLProvider":          &iamapi.CreateSAMLProviderInput{Name: "other"},
			"GetOpenIDConnectProvider":    &iamapi.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: of("other.example.com")},
			"DeleteOpenIDConnectProvider": &iamapi.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: of("gone.example.com")},
			"DeleteSAMLProvider":          &iamapi.DeleteSAMLProviderInput{SAMLProviderArn: "not an ARN at all"},
		} {
			if w.authorize(ada, "iam", op, in) == nil {
				t.Errorf("%s is allowed", op)
			}
		}
	})
}
