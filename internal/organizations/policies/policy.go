package policies

import (
	"context"
	"errors"
	"slices"
	"strings"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/organizations/delegation"
	"muster/internal/organizations/refusal"
	"muster/internal/orgpolicy"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/policies"
)

// held is a policy that an organization has: its own, or AWS's.
type held struct {
	policies.Policy
	managed bool
	// fixed policies cannot be detached.
	fixed bool
}

func own(p policies.Policy) held { return held{Policy: p} }

func managed(m organizations.Membership, p orgpolicy.Managed) held {
	return held{managed: true, fixed: p.Fixed, Policy: policies.Policy{
		Org: m.Org, ID: p.ID, Type: p.Type, Name: p.Name, Description: p.Description, Content: p.Content,
	}}
}

// lookup returns a policy of the organization. AWS's own come with all
// features.
func lookup(ctx context.Context, tx *store.Tx, m organizations.Membership, id string) (held, error) {
	if p, ok := orgpolicy.ManagedPolicy(id); ok && m.AllFeatures() {
		return managed(m, p), nil
	}
	p, err := policies.Lookup(ctx, tx, m.Org, id)
	return own(p), refusal.Missing(err, policyNotFound())
}

// lookupOwn is lookup for what changes a policy, which AWS's own never do.
func lookupOwn(ctx context.Context, tx *store.Tx, m organizations.Membership, id string) (held, error) {
	p, err := lookup(ctx, tx, m, id)
	if err == nil && p.managed {
		err = immutablePolicy()
	}
	return p, err
}

func summary(m organizations.Membership, p held) api.PolicySummary {
	o := directory.Organization{ID: m.Org, Management: m.Management}
	return api.PolicySummary{
		Id: new(p.ID), Arn: new(string(delegation.PolicyARN(o, p.Type, p.ID))),
		Name: new(p.Name), Description: new(p.Description), Type: api.PolicyType(p.Type), AwsManaged: new(p.managed),
	}
}

func output(m organizations.Membership, p held) *api.Policy {
	return &api.Policy{PolicySummary: new(summary(m, p)), Content: new(p.Content)}
}

// CreatePolicy makes a policy, which has no effect until it is attached.
func (s *Service) CreatePolicy(ctx context.Context, call *awsmodel.Call, in *api.CreatePolicyInput) (*api.CreatePolicyOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.CreatePolicyOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "CreatePolicy", in)
		if err != nil {
			return nil, err
		}
		p := policies.Policy{
			Org: m.Org, ID: organizations.NewID("p-"), Type: string(in.Type), Name: in.Name,
			Description: in.Description, Content: in.Content, UpdatedAt: call.Time,
		}
		if err := s.creatable(ctx, tx, m, p, in.Tags); err != nil {
			return nil, err
		}
		if err := policies.Insert(ctx, tx, p); err != nil {
			return nil, err
		}
		if err := s.desk.PutTags(ctx, tx, m.Org, p.ID, in.Tags); err != nil {
			return nil, err
		}
		return &api.CreatePolicyOutput{Policy: output(m, own(p))}, nil
	})
}

// creatable refuses what keeps a policy from being made.
func (s *Service) creatable(ctx context.Context, tx *store.Tx, m organizations.Membership, p policies.Policy, tags []api.Tag) error {
	if !m.AllFeatures() {
		return policyTypeNotAvailable()
	}
	if err := s.desk.CheckTags(tags); err != nil {
		return err
	}
	if err := s.checkContent(p.Type, p.Content); err != nil {
		return err
	}
	if err := nameFree(ctx, tx, p); err != nil {
		return err
	}
	n, err := policies.Count(ctx, tx, m.Org, p.Type)
	if err == nil && n >= s.mayHave(p.Type) {
		err = tooManyPolicies()
	}
	return err
}

// nameFree refuses a name that another policy of the type has.
func nameFree(ctx context.Context, tx *store.Tx, p policies.Policy) error {
	if aws, ok := orgpolicy.ManagedOfType(p.Type); ok && aws.Name == p.Name {
		return duplicatePolicy()
	}
	other, err := policies.Named(ctx, tx, p.Org, p.Type, p.Name)
	if errors.Is(err, store.ErrNotFound) || err == nil && other.ID == p.ID {
		return nil
	}
	if err == nil {
		err = duplicatePolicy()
	}
	return err
}

// UpdatePolicy changes what is given; where the policy is attached, a new
// content acts at once.
func (s *Service) UpdatePolicy(ctx context.Context, call *awsmodel.Call, in *api.UpdatePolicyInput) (*api.UpdatePolicyOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.UpdatePolicyOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "UpdatePolicy", in)
		if err != nil {
			return nil, err
		}
		p, err := lookupOwn(ctx, tx, m, in.PolicyId)
		if err != nil {
			return nil, err
		}
		if err := settled(ctx, tx, m.Org, p.Type); err != nil {
			return nil, err
		}
		before := p.Content
		if err := s.revise(ctx, tx, &p.Policy, in); err != nil {
			return nil, err
		}
		p.UpdatedAt = call.Time
		if err := policies.Update(ctx, tx, p.Policy); err != nil {
			return nil, err
		}
		if p.Content != before {
			err = s.tellTargets(ctx, tx, m, p, call)
		}
		return &api.UpdatePolicyOutput{Policy: output(m, p)}, err
	})
}

// revise checks and applies what an update gives.
func (s *Service) revise(ctx context.Context, tx *store.Tx, p *policies.Policy, in *api.UpdatePolicyInput) error {
	if in.Content != nil {
		if err := s.checkContent(p.Type, *in.Content); err != nil {
			return err
		}
		p.Content = *in.Content
	}
	if in.Description != nil {
		p.Description = *in.Description
	}
	if in.Name != nil {
		p.Name = *in.Name
	}
	return nameFree(ctx, tx, *p)
}

// manyTargets is how many targets of an updated policy are told of one by one;
// of more, the whole organization is.
const manyTargets = 20

// tellTargets tells that a policy's content is another one.
func (s *Service) tellTargets(ctx context.Context, tx *store.Tx, m organizations.Membership, p held, call *awsmodel.Call) error {
	list, err := policies.Targets(ctx, tx, m.Org, p.ID, "", manyTargets+1)
	if err != nil {
		return err
	}
	if len(list) > manyTargets {
		list = []string{m.Root}
	}
	for _, target := range list {
		if err := s.desk.PolicyChanged(ctx, tx, m.Org, p.Type, target, call.Time); err != nil {
			return err
		}
	}
	return nil
}

// DeletePolicy deletes a policy that is attached to nothing.
func (s *Service) DeletePolicy(ctx context.Context, call *awsmodel.Call, in *api.DeletePolicyInput) (*api.DeletePolicyOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.DeletePolicyOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "DeletePolicy", in)
		if err != nil {
			return nil, err
		}
		p, err := lookupOwn(ctx, tx, m, in.PolicyId)
		if err != nil {
			return nil, err
		}
		list, err := policies.Targets(ctx, tx, m.Org, p.ID, "", 1)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			return nil, policyInUse()
		}
		if err := directory.DeleteTags(ctx, tx, m.Org, p.ID); err != nil {
			return nil, err
		}
		return &api.DeletePolicyOutput{}, policies.Delete(ctx, tx, m.Org, p.ID)
	})
}

// DescribePolicy returns a policy with its content.
func (s *Service) DescribePolicy(ctx context.Context, call *awsmodel.Call, in *api.DescribePolicyInput) (*api.DescribePolicyOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.DescribePolicyOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "DescribePolicy", in)
		if err != nil {
			return nil, err
		}
		p, err := lookup(ctx, tx, m, in.PolicyId)
		if err != nil {
			return nil, err
		}
		return &api.DescribePolicyOutput{Policy: output(m, p)}, nil
	})
}

// ListPolicies lists the policies of a type by id.
func (s *Service) ListPolicies(ctx context.Context, call *awsmodel.Call, in *api.ListPoliciesInput) (*api.ListPoliciesOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListPoliciesOutput, error) {
		m, err := s.desk.Admit(ctx, tx, call, "ListPolicies", in)
		if err != nil {
			return nil, err
		}
		l, err := s.desk.OpenList(call, "ListPolicies", in.Filter, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		read, err := policies.OfType(ctx, tx, m.Org, string(in.Filter), l.After(), l.Ask())
		if err != nil {
			return nil, err
		}
		var aws []held
		if p, ok := orgpolicy.ManagedOfType(string(in.Filter)); ok && m.AllFeatures() {
			aws = append(aws, managed(m, p))
		}
		var out api.ListPoliciesOutput
		out.Policies, out.NextToken = page(m, l, read, aws)
		return &out, nil
	})
}

// page shows one page of the organization's own policies and AWS's by id.
func page(m organizations.Membership, l organizations.Listing, read []policies.Policy, aws []held) ([]api.PolicySummary, *string) {
	list := make([]held, 0, len(read)+1)
	for _, p := range read {
		list = append(list, own(p))
	}
	for _, p := range aws {
		if p.ID > l.After() {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b held) int { return strings.Compare(a.ID, b.ID) })
	return organizations.Cut(l, list, func(p held) string { return p.ID },
		func(p held) api.PolicySummary { return summary(m, p) })
}
