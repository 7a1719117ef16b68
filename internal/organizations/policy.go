package organizations

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// fullAccessID is the id of the service control policy that permits
// everything.
const fullAccessID = "p-FullAWSAccess"

// managed is a policy of AWS's own. It is attached to everything as long as
// its type is enabled.
type managed struct {
	id, name, description string
	policyType            api.PolicyType
	content               string
}

// managedPolicies are the policies that exist without being created, by id.
var managedPolicies = map[string]managed{
	fullAccessID: {
		id: fullAccessID, name: "FullAWSAccess", description: "Allows access to every operation",
		policyType: api.PolicyTypeServiceControlPolicy,
		content: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}`,
	},
}

func policyOutput(p managed) api.PolicySummary {
	return api.PolicySummary{
		Id: new(p.id), Arn: new("arn:aws:organizations::aws:policy/service_control_policy/" + p.id),
		Name: new(p.name), Description: new(p.description), Type: p.policyType, AwsManaged: new(true),
	}
}

// policiesOf lists the policies of a type that an organization has: those of
// AWS, with all features.
func policiesOf(m Membership, policyType api.PolicyType) []managed {
	var list []managed
	for _, p := range managedPolicies {
		if p.policyType == policyType && m.AllFeatures() {
			list = append(list, p)
		}
	}
	return list
}

func policyKey(p managed) string { return p.id }

// ListPolicies lists the policies of a type.
func (s *Service) ListPolicies(ctx context.Context, call *awsmodel.Call, in *api.ListPoliciesInput) (*api.ListPoliciesOutput, error) {
	return view(ctx, s, func(tx *store.Tx) (*api.ListPoliciesOutput, error) {
		m, err := s.admit(ctx, tx, call, "ListPolicies")
		if err != nil {
			return nil, err
		}
		l, err := s.list(call, "ListPolicies", in.Filter, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		var out api.ListPoliciesOutput
		out.Policies, out.NextToken = cut(l, policiesOf(m, in.Filter), policyKey, policyOutput)
		return &out, nil
	})
}

// DescribePolicy returns a policy with its content.
func (s *Service) DescribePolicy(ctx context.Context, call *awsmodel.Call, in *api.DescribePolicyInput) (*api.DescribePolicyOutput, error) {
	return view(ctx, s, func(tx *store.Tx) (*api.DescribePolicyOutput, error) {
		m, err := s.admit(ctx, tx, call, "DescribePolicy")
		if err != nil {
			return nil, err
		}
		p, ok := managedPolicies[in.PolicyId]
		if !ok || !m.AllFeatures() {
			return nil, policyNotFound()
		}
		return &api.DescribePolicyOutput{
			Policy: &api.Policy{PolicySummary: new(policyOutput(p)), Content: new(p.content)},
		}, nil
	})
}

// ListPoliciesForTarget lists the policies of a type that are attached to a
// root, unit or account itself.
func (s *Service) ListPoliciesForTarget(ctx context.Context, call *awsmodel.Call, in *api.ListPoliciesForTargetInput) (*api.ListPoliciesForTargetOutput, error) {
	return view(ctx, s, func(tx *store.Tx) (*api.ListPoliciesForTargetOutput, error) {
		m, err := s.admit(ctx, tx, call, "ListPoliciesForTarget")
		if err != nil {
			return nil, err
		}
		query := []string{in.TargetId, string(in.Filter)}
		l, err := s.list(call, "ListPoliciesForTarget", query, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		if err := targetExists(ctx, tx, m, in.TargetId); err != nil {
			return nil, err
		}
		var list []managed
		used, err := inUse(ctx, tx, m, in.Filter)
		if err != nil {
			return nil, err
		}
		if used {
			list = policiesOf(m, in.Filter)
		}
		var out api.ListPoliciesForTargetOutput
		out.Policies, out.NextToken = cut(l, list, policyKey, policyOutput)
		return &out, nil
	})
}

// inUse reports whether a policy type is enabled, so that its policies are
// attached.
func inUse(ctx context.Context, tx *store.Tx, m Membership, policyType api.PolicyType) (bool, error) {
	p, err := directory.LookupPolicyType(ctx, tx, m.Org, string(policyType))
	if err != nil {
		return false, missing(err, nil)
	}
	return p.Status == directory.PolicyTypeEnabled, nil
}

// ListTargetsForPolicy lists what a policy is attached to: accounts, then
// units, then the root, which is the order of their ids.
func (s *Service) ListTargetsForPolicy(ctx context.Context, call *awsmodel.Call, in *api.ListTargetsForPolicyInput) (*api.ListTargetsForPolicyOutput, error) {
	return view(ctx, s, func(tx *store.Tx) (*api.ListTargetsForPolicyOutput, error) {
		m, err := s.admit(ctx, tx, call, "ListTargetsForPolicy")
		if err != nil {
			return nil, err
		}
		l, err := s.list(call, "ListTargetsForPolicy", in.PolicyId, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		p, ok := managedPolicies[in.PolicyId]
		if !ok || !m.AllFeatures() {
			return nil, policyNotFound()
		}
		var read []api.PolicyTargetSummary
		used, err := inUse(ctx, tx, m, p.policyType)
		if err == nil && used {
			read, err = targets(ctx, tx, m, l)
		}
		if err != nil {
			return nil, err
		}
		var out api.ListTargetsForPolicyOutput
		out.Targets, out.NextToken = cut(l, read, func(t api.PolicyTargetSummary) string { return *t.TargetId },
			func(t api.PolicyTargetSummary) api.PolicyTargetSummary { return t })
		return &out, nil
	})
}

// targets reads one page of everything in an organization.
func targets(ctx context.Context, tx *store.Tx, m Membership, l listing) ([]api.PolicyTargetSummary, error) {
	var list []api.PolicyTargetSummary
	accounts, err := directory.Members(ctx, tx, m.Org, arn.AccountID(l.after), l.ask())
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		list = append(list, target(string(a.ID), accountARN(m.Management, m.Org, a.ID), a.Name, api.TargetTypeAccount))
	}
	units, err := directory.Units(ctx, tx, m.Org, l.after, l.ask())
	if err != nil {
		return nil, err
	}
	for _, u := range units {
		list = append(list, target(u.ID, unitARN(m, u.ID), u.Name, api.TargetTypeOrganizationalUnit))
	}
	if m.Root > l.after {
		list = append(list, target(m.Root, rootARN(m), rootName, api.TargetTypeRoot))
	}
	return list, nil
}

func target(id string, arn *string, name string, kind api.TargetType) api.PolicyTargetSummary {
	return api.PolicyTargetSummary{TargetId: new(id), Arn: arn, Name: new(name), Type: kind}
}
