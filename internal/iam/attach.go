package iam

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/managed"
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
			err = quota(h.quotaName, maxAttachedPolicies)
		}
		return struct{}{}, err
	})
	return err
}

// attachable wants a policy that exists and that customers may attach.
func (s *Service) attachable(ctx context.Context, tx *store.Tx, account arn.AccountID, policy arn.ARN) error {
	if _, err := arn.Parse(policy); err != nil {
		return invalid("ARN %s is not valid.", policy)
	}
	if p := s.managed.Get(policy); p != nil {
		if !p.Attachable() {
			return &api.PolicyNotAttachableException{Message: "Cannot attach a Service Role Policy to a Customer Role."}
		}
		return nil
	}
	_, err := identity.PolicyByARN(ctx, tx, account, policy)
	return noSuch(err, "Policy %s does not exist or is not attachable.", policy)
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
		return struct{}{}, noSuch(identity.Detach(ctx, tx, h.Owner, policy), "Policy %s was not found.", policy)
	})
	return err
}

// ListAttachedUserPolicies lists the managed policies of a user.
func (s *Service) ListAttachedUserPolicies(ctx context.Context, call *awsmodel.Call, in *api.ListAttachedUserPoliciesInput) (*api.ListAttachedUserPoliciesOutput, error) {
	p, err := s.newPage(call, "ListAttachedUserPolicies", []string{in.UserName, value(in.PathPrefix, "")}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListAttachedUserPoliciesOutput{}
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = s.listAttached(ctx, p, userHolder, in.UserName, in.PathPrefix)
	return out, err
}

// ListAttachedGroupPolicies lists the managed policies of a group.
func (s *Service) ListAttachedGroupPolicies(ctx context.Context, call *awsmodel.Call, in *api.ListAttachedGroupPoliciesInput) (*api.ListAttachedGroupPoliciesOutput, error) {
	p, err := s.newPage(call, "ListAttachedGroupPolicies", []string{in.GroupName, value(in.PathPrefix, "")}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListAttachedGroupPoliciesOutput{}
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = s.listAttached(ctx, p, groupHolder, in.GroupName, in.PathPrefix)
	return out, err
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (s *Service) ListAttachedRolePolicies(ctx context.Context, call *awsmodel.Call, in *api.ListAttachedRolePoliciesInput) (*api.ListAttachedRolePoliciesOutput, error) {
	p, err := s.newPage(call, "ListAttachedRolePolicies", []string{in.RoleName, value(in.PathPrefix, "")}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListAttachedRolePoliciesOutput{}
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = s.listAttached(ctx, p, roleHolder, in.RoleName, in.PathPrefix)
	return out, err
}

func (s *Service) listAttached(ctx context.Context, p page, find holderFinder, holderName string, pathPrefix *string) (list []api.AttachedPolicy, more *bool, marker *string, err error) {
	all := []api.AttachedPolicy{}
	err = s.store.View(ctx, func(tx *store.Tx) error {
		h, err := find(ctx, tx, p.call.Account(), holderName)
		if err != nil {
			return err
		}
		attached, err := identity.Attached(ctx, tx, h.Owner, "", maxAttachedPolicies+1)
		for _, a := range attached {
			if path, name := pathAndName(a); underPath(path, pathPrefix) {
				all = append(all, api.AttachedPolicy{PolicyName: &name, PolicyArn: new(string(a))})
			}
		}
		return err
	})
	list, more, marker = slice(&p, all)
	return list, more, marker, err
}

// ListEntitiesForPolicy lists who carries a managed policy, or is bound by it.
func (s *Service) ListEntitiesForPolicy(ctx context.Context, call *awsmodel.Call, in *api.ListEntitiesForPolicyInput) (*api.ListEntitiesForPolicyOutput, error) {
	p, err := s.newPage(call, "ListEntitiesForPolicy",
		[]string{in.PolicyArn, string(in.EntityFilter), value(in.PathPrefix, ""), string(in.PolicyUsageFilter)}, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	var found []identity.Entity
	err = s.store.View(ctx, func(tx *store.Tx) error {
		if err := s.policyExists(ctx, tx, call.Account(), arn.ARN(in.PolicyArn)); err != nil {
			return err
		}
		found, err = identity.Entities(ctx, tx, call.Account(), arn.ARN(in.PolicyArn), in.PolicyUsageFilter == api.PolicyUsageTypePermissionsBoundary)
		return err
	})
	if err != nil {
		return nil, err
	}
	var wanted []identity.Entity
	for _, e := range found {
		if (in.EntityFilter == "" || string(in.EntityFilter) == e.Kind) && underPath(e.Path, in.PathPrefix) {
			wanted = append(wanted, e)
		}
	}
	out := &api.ListEntitiesForPolicyOutput{PolicyGroups: []api.PolicyGroup{}, PolicyUsers: []api.PolicyUser{}, PolicyRoles: []api.PolicyRole{}}
	wanted, out.IsTruncated, out.Marker = slice(&p, wanted)
	for _, e := range wanted {
		switch e.Kind {
		case "User":
			out.PolicyUsers = append(out.PolicyUsers, api.PolicyUser{UserName: new(e.Name), UserId: new(e.ID)})
		case "Group":
			out.PolicyGroups = append(out.PolicyGroups, api.PolicyGroup{GroupName: new(e.Name), GroupId: new(e.ID)})
		case "Role":
			out.PolicyRoles = append(out.PolicyRoles, api.PolicyRole{RoleName: new(e.Name), RoleId: new(e.ID)})
		}
	}
	return out, nil
}

// policyExists wants a managed policy of AWS or the account.
func (s *Service) policyExists(ctx context.Context, tx *store.Tx, account arn.AccountID, policy arn.ARN) error {
	if managed.IsManaged(policy) && s.managed.Get(policy) != nil {
		return nil
	}
	_, err := identity.PolicyByARN(ctx, tx, account, policy)
	return noSuch(err, "Policy %s was not found.", policy)
}
