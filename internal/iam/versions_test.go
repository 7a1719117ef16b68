package iam_test

import (
	"strings"
	"testing"

	"muster/internal/arn"
	api "muster/internal/awsmodel/iam"
	"muster/internal/policy"
)

// only allows one action.
func only(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"*"}]}`
}

func TestPolicyVersions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := *do(w, w.CreatePolicy, api.CreatePolicyInput{PolicyName: "P", PolicyDocument: only("iam:GetUser")}).Policy.Arn
		for _, action := range []string{"iam:GetRole", "iam:GetGroup", "iam:GetPolicy"} {
			do(w, w.CreatePolicyVersion, api.CreatePolicyVersionInput{PolicyArn: p, PolicyDocument: only(action)})
		}
		v := do(w, w.CreatePolicyVersion, api.CreatePolicyVersionInput{PolicyArn: p, PolicyDocument: only("iam:ListUsers"), SetAsDefault: new(true)}).PolicyVersion
		if *v.VersionId != "v5" || !*v.IsDefaultVersion || v.Document != nil {
			t.Errorf("created %+v", v)
		}
		refuse(w, w.CreatePolicyVersion, api.CreatePolicyVersionInput{PolicyArn: p, PolicyDocument: allowAll}, "LimitExceeded",
			"A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
		refuse(w, w.CreatePolicyVersion, api.CreatePolicyVersionInput{PolicyArn: p, PolicyDocument: "{"}, "MalformedPolicyDocument", "Syntax errors in policy.")
		refuse(w, w.DeletePolicyVersion, api.DeletePolicyVersionInput{PolicyArn: p, VersionId: "v5"}, "DeleteConflict", "Cannot delete the default version of a policy.")
		refuse(w, w.DeletePolicy, api.DeletePolicyInput{PolicyArn: p}, "DeleteConflict",
			"This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		do(w, w.DeletePolicyVersion, api.DeletePolicyVersionInput{PolicyArn: p, VersionId: "v2"})
		for _, id := range []string{"v2", "v05", "v99", "v"} {
			refuse(w, w.SetDefaultPolicyVersion, api.SetDefaultPolicyVersionInput{PolicyArn: p, VersionId: id},
				"NoSuchEntity", "Policy "+p+" version "+id+" does not exist or is not attachable.")
		}
		if v := do(w, w.CreatePolicyVersion, api.CreatePolicyVersionInput{PolicyArn: p, PolicyDocument: allowAll}).PolicyVersion; *v.VersionId != "v6" || *v.IsDefaultVersion {
			t.Errorf("numbers are given twice: %+v", v)
		}
		var got []string
		in := api.ListPolicyVersionsInput{PolicyArn: p, MaxItems: new(int32(2))}
		for more := true; more; {
			out := do(w, w.ListPolicyVersions, in)
			for _, v := range out.Versions {
				got = append(got, *v.VersionId)
			}
			in.Marker, more = out.Marker, *out.IsTruncated
		}
		if strings.Join(got, " ") != "v6 v5 v4 v3 v1" {
			t.Errorf("versions %v", got)
		}
		do(w, w.SetDefaultPolicyVersion, api.SetDefaultPolicyVersionInput{PolicyArn: p, VersionId: "v1"})
		if got := do(w, w.GetPolicy, api.GetPolicyInput{PolicyArn: p}).Policy; *got.DefaultVersionId != "v1" {
			t.Errorf("default is %s", *got.DefaultVersionId)
		}
		if v := do(w, w.GetPolicyVersion, api.GetPolicyVersionInput{PolicyArn: p, VersionId: "v5"}).PolicyVersion; *v.IsDefaultVersion || !strings.Contains(*v.Document, "ListUsers") {
			t.Errorf("v5 is %+v", v)
		}
		for _, id := range []string{"v3", "v4", "v5", "v6"} {
			do(w, w.DeletePolicyVersion, api.DeletePolicyVersionInput{PolicyArn: p, VersionId: id})
		}
		do(w, w.DeletePolicy, api.DeletePolicyInput{PolicyArn: p})
		if v := do(w, w.ListPolicyVersions, api.ListPolicyVersionsInput{PolicyArn: admin}).Versions; len(v) != 1 || *v[0].VersionId != "v1" {
			t.Errorf("AWS's versions %+v", v)
		}
		do(w, w.CreatePolicy, api.CreatePolicyInput{PolicyName: "P", PolicyDocument: allowAll})
		if v := do(w, w.ListPolicyVersions, api.ListPolicyVersionsInput{PolicyArn: p}).Versions; len(v) != 1 {
			t.Errorf("a new policy inherits %+v", v)
		}
	})
}

// TestTheDefaultVersionDecides changes the default under a role that carries
// the policy.
func TestTheDefaultVersionDecides(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := *do(w, w.CreatePolicy, api.CreatePolicyInput{PolicyName: "P", PolicyDocument: only("iam:GetUser")}).Policy.Arn
		u := do(w, w.CreateUser, api.CreateUserInput{UserName: "ada"}).User
		do(w, w.AttachUserPolicy, api.AttachUserPolicyInput{UserName: "ada", PolicyArn: p})
		ada := arn.Principal{Kind: arn.User, Account: account, ARN: arn.ARN(u.Arn), ID: u.UserId}
		may := func(action string) bool {
			b, err := w.keys.Bearer(t.Context(), ada)
			if err != nil {
				t.Fatal(err)
			}
			return b.Policies.Evaluate(policy.Request{Principal: ada, Action: action, Resource: "*", Context: b.Context}).Allowed
		}
		do(w, w.CreatePolicyVersion, api.CreatePolicyVersionInput{PolicyArn: p, PolicyDocument: only("iam:GetRole")})
		if !may("iam:GetUser") || may("iam:GetRole") {
			t.Error("a version counts that is not the default")
		}
		do(w, w.SetDefaultPolicyVersion, api.SetDefaultPolicyVersionInput{PolicyArn: p, VersionId: "v2"})
		if may("iam:GetUser") || !may("iam:GetRole") {
			t.Error("the new default does not count")
		}
	})
}

func TestPolicyTags(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := *do(w, w.CreatePolicy, api.CreatePolicyInput{PolicyName: "P", PolicyDocument: allowAll, Tags: []api.Tag{{Key: "a", Value: "1"}}}).Policy.Arn
		do(w, w.TagPolicy, api.TagPolicyInput{PolicyArn: p, Tags: []api.Tag{{Key: "b", Value: "2"}, {Key: "A", Value: "3"}}})
		out := do(w, w.ListPolicyTags, api.ListPolicyTagsInput{PolicyArn: p, MaxItems: new(int32(1))})
		if len(out.Tags) != 1 || out.Tags[0] != (api.Tag{Key: "A", Value: "3"}) || !*out.IsTruncated {
			t.Errorf("tags %+v", out)
		}
		do(w, w.UntagPolicy, api.UntagPolicyInput{PolicyArn: p, TagKeys: []string{"a"}})
		out = do(w, w.ListPolicyTags, api.ListPolicyTagsInput{PolicyArn: p})
		if len(out.Tags) != 1 || out.Tags[0].Key != "b" {
			t.Errorf("tags %+v", out)
		}
		refuse(w, w.TagPolicy, api.TagPolicyInput{PolicyArn: admin, Tags: []api.Tag{{Key: "b"}}}, "AccessDenied", "Policy "+admin+" is managed by AWS and cannot be changed.")
		refuse(w, w.TagPolicy, api.TagPolicyInput{PolicyArn: p + "x", Tags: []api.Tag{{Key: "b"}}}, "NoSuchEntity", "Policy "+p+"x was not found.")
		if out := do(w, w.ListPolicyTags, api.ListPolicyTagsInput{PolicyArn: admin}); len(out.Tags) != 0 {
			t.Errorf("AWS's tags %+v", out)
		}
		refuse(w, w.ListPolicyTags, api.ListPolicyTagsInput{PolicyArn: p + "x"}, "NoSuchEntity", "Policy "+p+"x was not found.")
		var many []api.Tag
		for i := range 50 {
			many = append(many, api.Tag{Key: strings.Repeat("k", i+1)})
		}
		refuse(w, w.TagPolicy, api.TagPolicyInput{PolicyArn: p, Tags: many}, "LimitExceeded", "Cannot exceed quota for TagsPerResource: 50")
	})
}
