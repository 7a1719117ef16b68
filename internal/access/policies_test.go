package access_test

import (
	"testing"

	"muster/internal/arn"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/policies"
)

// TestPoliciesOfOrganizationsAreResources: identity policies can speak of a
// policy by its ARN and by its type, and of what it is attached to.
func TestPoliciesOfOrganizationsAreResources(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.store.Update(t.Context(), func(tx *store.Tx) error {
			return policies.Insert(t.Context(), tx, policies.Policy{
				Org: "o-exampleorgid", ID: "p-inspector1", Type: "INSPECTOR_POLICY", Name: "n", Content: "{}", UpdatedAt: w.now,
			})
		}))
		byType := w.user("bytype", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"organizations:*","Resource":"*","Condition":{"StringEquals":{"organizations:PolicyType":"INSPECTOR_POLICY"}}}}`)
		byARN := w.user("byarn", allow("organizations:*", "arn:aws:organizations::111111111111:policy/*/inspector_policy/*"))
		both := w.user("both", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"organizations:*","Resource":["arn:aws:organizations::111111111111:policy/o-exampleorgid/inspector_policy/p-inspector1","arn:aws:organizations::111111111111:account/*"]}}`)
		const inspector, full, away = "p-inspector1", "p-FullAWSAccess", "222222222222"
		for _, c := range []struct {
			op      string
			in      any
			allowed []arn.Principal
		}{
			{"DescribePolicy", &api.DescribePolicyInput{PolicyId: inspector}, []arn.Principal{byType, byARN, both}},
			{"DescribePolicy", &api.DescribePolicyInput{PolicyId: full}, nil},
			{"DescribePolicy", &api.DescribePolicyInput{PolicyId: "p-nosuchpolicy"}, nil},
			{"AttachPolicy", &api.AttachPolicyInput{PolicyId: inspector, TargetId: away}, []arn.Principal{byType, both}},
			{"AttachPolicy", &api.AttachPolicyInput{PolicyId: inspector, TargetId: "r-abcd"}, []arn.Principal{byType}},
			{"CreatePolicy", &api.CreatePolicyInput{Type: "INSPECTOR_POLICY", Content: "{}"}, []arn.Principal{byType, byARN}},
			{"CreatePolicy", &api.CreatePolicyInput{Type: "TAG_POLICY", Content: "{}"}, nil},
			{"ListPolicies", &api.ListPoliciesInput{Filter: "INSPECTOR_POLICY"}, []arn.Principal{byType}},
			{"PutResourcePolicy", &api.PutResourcePolicyInput{Content: "{}"}, nil},
		} {
			for _, p := range []arn.Principal{byType, byARN, both} {
				want := false
				for _, q := range c.allowed {
					want = want || q.ARN == p.ARN
				}
				if err := w.authorize(p, "organizations", c.op, c.in); (err == nil) != want {
					t.Errorf("%s %+v as %s: %v", c.op, c.in, p.ARN, err)
				}
			}
		}
	})
}

// TestServicesInTheirOwnRolesObeyNoControls: a service-linked role is beyond
// service control policies.
func TestServicesInTheirOwnRolesObeyNoControls(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		deny, err := policy.Parse(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, policy.Control)
		w.must(err)
		w.controls = [][]*policy.Document{{deny}}
		in := &api.DescribePolicyInput{PolicyId: "p-FullAWSAccess"}
		user := root(home)
		w.refused(w.authorize(user, "organizations", "DescribePolicy", in), 400, "AccessDeniedException",
			"User: arn:aws:iam::111111111111:root is not authorized to perform: organizations:DescribePolicy on resource: arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess with an explicit deny in a service control policy")
		user.RoleARN = "arn:aws:iam::111111111111:role/aws-service-role/inspector2.amazonaws.com/AWSServiceRoleForAmazonInspector2"
		w.must(w.authorize(user, "organizations", "DescribePolicy", in))
	})
}
