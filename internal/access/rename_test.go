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
