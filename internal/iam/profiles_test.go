package iam_test

import (
	"strings"
	"testing"

	api "muster/internal/awsmodel/iam"
)

func TestInstanceProfiles(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		do(w, w.CreateRole, api.CreateRoleInput{RoleName: "Web", AssumeRolePolicyDocument: trustMe})
		p := do(w, w.CreateInstanceProfile, api.CreateInstanceProfileInput{InstanceProfileName: "web", Path: new("/app/"), Tags: []api.Tag{{Key: "a", Value: "1"}}}).InstanceProfile
		if p.Arn != "arn:aws:iam::111111111111:instance-profile/app/web" || !strings.HasPrefix(p.InstanceProfileId, "AIPA") || p.Roles == nil || len(p.Tags) != 1 {
			t.Errorf("created %+v", p)
		}
		refuse(w, w.CreateInstanceProfile, api.CreateInstanceProfileInput{InstanceProfileName: "WEB"}, "EntityAlreadyExists", "Instance Profile WEB already exists.")
		add := api.AddRoleToInstanceProfileInput{InstanceProfileName: "web", RoleName: "Web"}
		do(w, w.AddRoleToInstanceProfile, add)
		refuse(w, w.AddRoleToInstanceProfile, add, "LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
		if got := do(w, w.GetInstanceProfile, api.GetInstanceProfileInput{InstanceProfileName: "Web"}).InstanceProfile; len(got.Roles) != 1 || got.Roles[0].RoleName != "Web" || len(got.Tags) != 1 {
			t.Errorf("got %+v", got)
		}
		refuse(w, w.DeleteInstanceProfile, api.DeleteInstanceProfileInput{InstanceProfileName: "web"}, "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
		refuse(w, w.DeleteRole, api.DeleteRoleInput{RoleName: "Web"}, "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
		for _, name := range []string{"b", "C", "a"} {
			do(w, w.CreateInstanceProfile, api.CreateInstanceProfileInput{InstanceProfileName: name})
			do(w, w.AddRoleToInstanceProfile, api.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: "Web"})
		}
		page := do(w, w.ListInstanceProfiles, api.ListInstanceProfilesInput{MaxItems: new(int32(3))})
		rest := do(w, w.ListInstanceProfiles, api.ListInstanceProfilesInput{Marker: page.Marker})
		if len(page.InstanceProfiles) != 3 || !*page.IsTruncated || len(rest.InstanceProfiles) != 1 || rest.InstanceProfiles[0].InstanceProfileName != "web" {
			t.Errorf("pages %+v %+v", page, rest)
		}
		if of := do(w, w.ListInstanceProfilesForRole, api.ListInstanceProfilesForRoleInput{RoleName: "Web"}).InstanceProfiles; len(of) != 4 {
			t.Errorf("profiles of the role %+v", of)
		}
		if under := do(w, w.ListInstanceProfiles, api.ListInstanceProfilesInput{PathPrefix: new("/app/")}).InstanceProfiles; len(under) != 1 {
			t.Errorf("profiles under /app/ %+v", under)
		}
		remove := api.RemoveRoleFromInstanceProfileInput{InstanceProfileName: "web", RoleName: "Web"}
		do(w, w.RemoveRoleFromInstanceProfile, remove)
		refuse(w, w.RemoveRoleFromInstanceProfile, remove, "NoSuchEntity", "The role with name Web cannot be found in instance profile web.")
		do(w, w.TagInstanceProfile, api.TagInstanceProfileInput{InstanceProfileName: "web", Tags: []api.Tag{{Key: "b", Value: "2"}}})
		do(w, w.UntagInstanceProfile, api.UntagInstanceProfileInput{InstanceProfileName: "web", TagKeys: []string{"A"}})
		if tags := do(w, w.ListInstanceProfileTags, api.ListInstanceProfileTagsInput{InstanceProfileName: "web"}).Tags; len(tags) != 1 || tags[0].Key != "b" {
			t.Errorf("tags %+v", tags)
		}
		do(w, w.DeleteInstanceProfile, api.DeleteInstanceProfileInput{InstanceProfileName: "web"})
		refuse(w, w.GetInstanceProfile, api.GetInstanceProfileInput{InstanceProfileName: "web"}, "NoSuchEntity", "Instance Profile web cannot be found.")
		refuse(w, w.ListInstanceProfilesForRole, api.ListInstanceProfilesForRoleInput{RoleName: "none"}, "NoSuchEntity", "The role with name none cannot be found.")
		do(w, w.CreateServiceLinkedRole, api.CreateServiceLinkedRoleInput{AWSServiceName: inspectorPrincipal})
		do(w, w.RemoveRoleFromInstanceProfile, api.RemoveRoleFromInstanceProfileInput{InstanceProfileName: "a", RoleName: "Web"})
		refuse(w, w.AddRoleToInstanceProfile, api.AddRoleToInstanceProfileInput{InstanceProfileName: "a", RoleName: inspectorRole}, "UnmodifiableEntity", protectedText)
	})
}
