package iam

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// AttachUserPolicy attaches a managed policy to a user.
func (s *Service) AttachUserPolicy(ctx context.Context, call *awsmodel.Call, in *api.AttachUserPolicyInput) (*api.AttachUserPolicyOutput, error) {
	return &api.AttachUserPolicyOutput{}, s.attach(ctx, call, userHolder, in.UserName, arn.ARN(in.PolicyArn))
}

// AttachGroupPolicy attaches a managed policy to a group.
func (s *Service) AttachGroupPolicy(ctx context.Context, call *awsmodel.Call, in *api.AttachGroupPolicyInput) (*api.AttachGroupPolicyOutput, error) {
	return &api.AttachGroupPolicyOutput{}, s.attach(ctx, call, groupHolder, in.GroupName, arn.ARN(in.PolicyArn))
}

// AttachRolePolicy attaches a managed policy to a role.
func (s *Service) AttachRolePolicy(ctx context.Context, call *awsmodel.Call, in *api.AttachRolePolicyInput) (*api.AttachRolePolicyOutput, error) {
	return &api.AttachRolePolicyOutput{}, s.attach(ctx, call, roleHolder, in.RoleName, arn.ARN(in.PolicyArn))
}

func (s *Service) attach(ctx context.Context, call *awsmodel.Call, find holderFinder, holderName string, policy arn.ARN) error {
	_, err := update(ctx, s, call.Account(), func(tx *store.Tx) (struct{}, error) {
		h, err := find.find(ctx, tx, call.Account(), holderName)
		if err != nil {
			return struct{}{}, err
		}
		if err := s.attachable(ctx, tx, call.Account(), policy); err != nil {
			return struct{}{}, err
		}
		if err := identity.Attach(ctx, tx, h.Owner, policy); err != nil {
			return struct{}{}, err
		}
		attached, err := identity.Attached(ctx, tx, h.Owner, "", maxAttachedPolicies+1)
		if err == nil && len(attached) > maxAttachedPolicies {
			err = desk.Quota(h.quotaName, maxAttachedPolicies)
		}
		return struct{}{}, err
	})
	return err
}

// attachable wants a policy that exists and that customers may attach.
func (s *Service) attachable(ctx context.Context, tx *store.Tx, account arn.AccountID, policy arn.ARN) error {
	if _, err := arn.Parse(policy); err != nil {
		return desk.Invalid("ARN %s is not valid.", policy)
	}
	if p := s.managed.Get(policy); p != nil {
		if !p.Attachable() {
			return &api.PolicyNotAttachableException{Message: "Cannot attach a Service Role Policy to a Customer Role."}
		}
		return nil
	}
	_, err := identity.PolicyByARN(ctx, tx, account, policy)
	return desk.NoSuch(err, "Policy %s does not exist or is not attachable.", policy)
}

// DetachUserPolicy takes a managed policy from a user.
func (s *Service) DetachUserPolicy(ctx context.Context, call *awsmodel.Call, in *api.DetachUserPolicyInput) (*api.DetachUserPolicyOutput, error) {
	return &api.DetachUserPolicyOutput{}, s.detach(ctx, call, userHolder, in.UserName, arn.ARN(in.PolicyArn))
}

// DetachGroupPolicy takes a managed policy from a group.
func (s *Service) DetachGroupPolicy(ctx context.Context, call *awsmodel.Call, in *api.DetachGroupPolicyInput) (*api.DetachGroupPolicyOutput, error) {
	return &api.DetachGroupPolicyOutput{}, s.detach(ctx, call, groupHolder, in.GroupName, arn.ARN(in.PolicyArn))
}

// DetachRolePolicy takes a managed policy from a role.
func (s *Service) DetachRolePolicy(ctx context.Context, call *awsmodel.Call, in *api.DetachRolePolicyInput) (*api.DetachRolePolicyOutput, error) {
	return &api.DetachRolePolicyOutput{}, s.detach(ctx, call, roleHolder, in.RoleName, arn.ARN(in.PolicyArn))
}

func (s *Service) detach(ctx context.Context, call *awsmodel.Call, find holderFinder, holderName string, policy arn.ARN) error {
	_, err := update(ctx, s, call.Account(), func(tx *store.Tx) (struct{}, error) {
		h, err := find.find(ctx, tx, call.Account(), holderName)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, desk.NoSuch(identity.Detach(ctx, tx, h.Owner, policy), "Policy %s was not found.", policy)
	})
	return err
}

// ListAttachedUserPolicies lists the managed policies of a user.
func (s *Service) ListAttachedUserPolicies(ctx context.Context, call *awsmodel.Call, in *api.ListAttachedUserPoliciesInput) (*api.ListAttachedUserPoliciesOutput, error) {
	p, err := s.desk.NewPage(call, "ListAttachedUserPolicies", []string{in.UserName, desk.Value(in.PathPrefix, "")}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListAttachedUserPoliciesOutput{}
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = s.listAttached(ctx, p, userHolder, in.UserName, in.PathPrefix)
	return out, err
}

// ListAttachedGroupPolicies lists the managed policies of a group.
func (s *Service) ListAttachedGroupPolicies(ctx context.Context, call *awsmodel.Call, in *api.ListAttachedGroupPoliciesInput) (*api.ListAttachedGroupPoliciesOutput, error) {
	p, err := s.desk.NewPage(call, "ListAttachedGroupPolicies", []string{in.GroupName, desk.Value(in.PathPrefix, "")}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListAttachedGroupPoliciesOutput{}
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = s.listAttached(ctx, p, groupHolder, in.GroupName, in.PathPrefix)
	return out, err
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (s *Service) ListAttachedRolePolicies(ctx context.Context, call *awsmodel.Call, in *api.ListAttachedRolePoliciesInput) (*api.ListAttachedRolePoliciesOutput, error) {
	p, err := s.desk.NewPage(call, "ListAttachedRolePolicies", []string{in.RoleName, desk.Value(in.PathPrefix, "")}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListAttachedRolePoliciesOutput{}
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = s.listAttached(ctx, p, roleHolder, in.RoleName, in.PathPrefix)
	return out, err
}

func (s *Service) listAttached(ctx context.Context, p desk.Page, find holderFinder, holderName string, pathPrefix *string) (list []api.AttachedPolicy, more *bool, marker *string, err error) {
	all := []api.AttachedPolicy{}
	err = s.store.View(ctx, func(tx *store.Tx) error {
		h, err := find(ctx, tx, p.Call.Account(), holderName)
		if err != nil {
			return err
		}
		attached, err := identity.Attached(ctx, tx, h.Owner, "", maxAttachedPolicies+1)
		for _, a := range attached {
			if path, name := desk.PathAndName(a); desk.UnderPath(path, pathPrefix) {
				all = append(all, api.AttachedPolicy{PolicyName: &name, PolicyArn: new(string(a))})
			}
		}
		return err
	})
	list, more, marker = desk.Slice(&p, all)
	return list, more, marker, err
}
