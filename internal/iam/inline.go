package iam

import (
	"context"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// PutUserPolicy stores an inline policy of a user.
func (s *Service) PutUserPolicy(ctx context.Context, call *awsmodel.Call, in *api.PutUserPolicyInput) (*api.PutUserPolicyOutput, error) {
	return &api.PutUserPolicyOutput{}, s.putInline(ctx, call, userHolder, in.UserName, in.PolicyName, in.PolicyDocument)
}

// PutGroupPolicy stores an inline policy of a group.
func (s *Service) PutGroupPolicy(ctx context.Context, call *awsmodel.Call, in *api.PutGroupPolicyInput) (*api.PutGroupPolicyOutput, error) {
	return &api.PutGroupPolicyOutput{}, s.putInline(ctx, call, groupHolder, in.GroupName, in.PolicyName, in.PolicyDocument)
}

// PutRolePolicy stores an inline policy of a role.
func (s *Service) PutRolePolicy(ctx context.Context, call *awsmodel.Call, in *api.PutRolePolicyInput) (*api.PutRolePolicyOutput, error) {
	return &api.PutRolePolicyOutput{}, s.putInline(ctx, call, roleHolder, in.RoleName, in.PolicyName, in.PolicyDocument)
}

func (s *Service) putInline(ctx context.Context, call *awsmodel.Call, find holderFinder, holderName, name, document string) error {
	if _, err := desk.ParsePolicy(document, policy.Identity); err != nil {
		return err
	}
	_, err := update(ctx, s, call.Account(), func(tx *store.Tx) (struct{}, error) {
		h, err := find.find(ctx, tx, call.Account(), holderName)
		if err != nil {
			return struct{}{}, err
		}
		others, err := identity.InlineSize(ctx, tx, h.Owner, name)
		if err != nil {
			return struct{}{}, err
		}
		if others+desk.PolicySize(document) > h.maxInline {
			return struct{}{}, tooLarge(h)
		}
		return struct{}{}, identity.PutInline(ctx, tx, h.Owner, name, document)
	})
	return err
}

// GetUserPolicy returns an inline policy of a user.
func (s *Service) GetUserPolicy(ctx context.Context, call *awsmodel.Call, in *api.GetUserPolicyInput) (*api.GetUserPolicyOutput, error) {
	name, document, err := s.getInline(ctx, call, userHolder, in.UserName, in.PolicyName)
	return &api.GetUserPolicyOutput{UserName: name, PolicyName: in.PolicyName, PolicyDocument: document}, err
}

// GetGroupPolicy returns an inline policy of a group.
func (s *Service) GetGroupPolicy(ctx context.Context, call *awsmodel.Call, in *api.GetGroupPolicyInput) (*api.GetGroupPolicyOutput, error) {
	name, document, err := s.getInline(ctx, call, groupHolder, in.GroupName, in.PolicyName)
	return &api.GetGroupPolicyOutput{GroupName: name, PolicyName: in.PolicyName, PolicyDocument: document}, err
}

// GetRolePolicy returns an inline policy of a role.
func (s *Service) GetRolePolicy(ctx context.Context, call *awsmodel.Call, in *api.GetRolePolicyInput) (*api.GetRolePolicyOutput, error) {
	name, document, err := s.getInline(ctx, call, roleHolder, in.RoleName, in.PolicyName)
	return &api.GetRolePolicyOutput{RoleName: name, PolicyName: in.PolicyName, PolicyDocument: document}, err
}

func (s *Service) getInline(ctx context.Context, call *awsmodel.Call, find holderFinder, holderName, name string) (stored, document string, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		h, err := find(ctx, tx, call.Account(), holderName)
		if err != nil {
			return err
		}
		text, err := identity.Inline(ctx, tx, h.Owner, name)
		stored, document = h.name, desk.Encoded(text)
		return desk.NoSuch(err, "The %s policy with name %s cannot be found.", h.kind, name)
	})
	return stored, document, err
}

// ListUserPolicies lists the names of a user's inline policies.
func (s *Service) ListUserPolicies(ctx context.Context, call *awsmodel.Call, in *api.ListUserPoliciesInput) (*api.ListUserPoliciesOutput, error) {
	p, err := s.desk.NewPage(call, "ListUserPolicies", in.UserName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListUserPoliciesOutput{}
	out.PolicyNames, out.IsTruncated, out.Marker, err = s.listInline(ctx, p, userHolder, in.UserName)
	return out, err
}

// ListGroupPolicies lists the names of a group's inline policies.
func (s *Service) ListGroupPolicies(ctx context.Context, call *awsmodel.Call, in *api.ListGroupPoliciesInput) (*api.ListGroupPoliciesOutput, error) {
	p, err := s.desk.NewPage(call, "ListGroupPolicies", in.GroupName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListGroupPoliciesOutput{}
	out.PolicyNames, out.IsTruncated, out.Marker, err = s.listInline(ctx, p, groupHolder, in.GroupName)
	return out, err
}

// ListRolePolicies lists the names of a role's inline policies.
func (s *Service) ListRolePolicies(ctx context.Context, call *awsmodel.Call, in *api.ListRolePoliciesInput) (*api.ListRolePoliciesOutput, error) {
	p, err := s.desk.NewPage(call, "ListRolePolicies", in.RoleName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListRolePoliciesOutput{}
	out.PolicyNames, out.IsTruncated, out.Marker, err = s.listInline(ctx, p, roleHolder, in.RoleName)
	return out, err
}

func (s *Service) listInline(ctx context.Context, p desk.Page, find holderFinder, holderName string) (names []string, more *bool, marker *string, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		h, err := find(ctx, tx, p.Call.Account(), holderName)
		if err != nil {
			return err
		}
		names, err = identity.InlineNames(ctx, tx, h.Owner, p.After, p.Fetch())
		return err
	})
	names, more, marker = desk.Cut(&p, append([]string{}, names...), func(name string) string { return name })
	return names, more, marker, err
}

// DeleteUserPolicy removes an inline policy of a user.
func (s *Service) DeleteUserPolicy(ctx context.Context, call *awsmodel.Call, in *api.DeleteUserPolicyInput) (*api.DeleteUserPolicyOutput, error) {
	return &api.DeleteUserPolicyOutput{}, s.deleteInline(ctx, call, userHolder, in.UserName, in.PolicyName)
}

// DeleteGroupPolicy removes an inline policy of a group.
func (s *Service) DeleteGroupPolicy(ctx context.Context, call *awsmodel.Call, in *api.DeleteGroupPolicyInput) (*api.DeleteGroupPolicyOutput, error) {
	return &api.DeleteGroupPolicyOutput{}, s.deleteInline(ctx, call, groupHolder, in.GroupName, in.PolicyName)
}

// DeleteRolePolicy removes an inline policy of a role.
func (s *Service) DeleteRolePolicy(ctx context.Context, call *awsmodel.Call, in *api.DeleteRolePolicyInput) (*api.DeleteRolePolicyOutput, error) {
	return &api.DeleteRolePolicyOutput{}, s.deleteInline(ctx, call, roleHolder, in.RoleName, in.PolicyName)
}

func (s *Service) deleteInline(ctx context.Context, call *awsmodel.Call, find holderFinder, holderName, name string) error {
	_, err := update(ctx, s, call.Account(), func(tx *store.Tx) (struct{}, error) {
		h, err := find.find(ctx, tx, call.Account(), holderName)
		if err != nil {
			return struct{}{}, err
		}
		err = identity.DeleteInline(ctx, tx, h.Owner, name)
		return struct{}{}, desk.NoSuch(err, "The %s policy with name %s cannot be found.", h.kind, name)
	})
	return err
}
