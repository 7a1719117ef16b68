package inspector

import (
	"context"
	"slices"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/iam"
	"muster/internal/inspector/relation"
	"muster/internal/organizations"
	"muster/internal/store"
)

// Some operations work on other services in the caller's name, and need the
// caller's permission for what they do there (section 7.2 of the
// specification).

// further is an action of another service and the resource it is done to.
type further struct {
	action   string
	resource arn.ARN
}

// permitDelegation checks what EnableDelegatedAdminAccount needs beside itself.
func (s *Service) permitDelegation(ctx context.Context, call *awsmodel.Call, in *inspector2.EnableDelegatedAdminAccountInput) error {
	return s.permitFurther(ctx, call, "EnableDelegatedAdminAccount", in, func(caller relation.Standing) []further {
		account := organizationsARN(caller, "account", in.DelegatedAdminAccountId)
		return []further{
			{"organizations:EnableAWSServiceAccess", "*"},
			{"organizations:RegisterDelegatedAdministrator", account},
			{"organizations:ListDelegatedAdministrators", "*"},
			{"organizations:ListAWSServiceAccessForOrganization", "*"},
			{"organizations:DescribeOrganizationalUnit", organizationsARN(caller, "ou", "ou-*")},
			{"organizations:DescribeAccount", account},
			{"organizations:DescribeOrganization", "*"},
		}
	})
}

// permitRemoval checks what DisableDelegatedAdminAccount needs beside itself.
func (s *Service) permitRemoval(ctx context.Context, call *awsmodel.Call, in *inspector2.DisableDelegatedAdminAccountInput) error {
	return s.permitFurther(ctx, call, "DisableDelegatedAdminAccount", in, func(caller relation.Standing) []further {
		account := organizationsARN(caller, "account", in.DelegatedAdminAccountId)
		return []further{{"organizations:DeregisterDelegatedAdministrator", account}}
	})
}

// organizationsARN names something in the caller's organization.
func organizationsARN(caller relation.Standing, kind, id string) arn.ARN {
	return arn.New("organizations", "", caller.Management, kind+"/"+string(caller.Organization)+"/"+id)
}

// permitFurther checks actions of Organizations on Inspector's behalf. The
// standing is asked first: a wrong role is the better explanation.
func (s *Service) permitFurther(ctx context.Context, call *awsmodel.Call, op string, in any, needs func(relation.Standing) []further) error {
	if s.config.Access == nil {
		return nil
	}
	var standing relation.Standing
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		standing, err = s.admit(ctx, tx, call, op, in)
		return err
	})
	if err != nil {
		return err
	}
	keys := map[string][]string{"organizations:ServicePrincipal": {organizations.InspectorPrincipal}}
	for _, f := range needs(standing) {
		if err := s.config.Access.Permit(ctx, call, f.action, f.resource, keys); err != nil {
			return err
		}
	}
	return nil
}

// permitRoles checks that a caller whose own account lacks a role may create
// it. In its members the delegated administrator needs no permission.
func (s *Service) permitRoles(ctx context.Context, call *awsmodel.Call, ids []string) error {
	if s.config.Access == nil || len(ids) > 0 && !slices.Contains(ids, string(call.Account())) {
		return nil
	}
	for _, principal := range []string{organizations.InspectorPrincipal, agentlessPrincipal} {
		if err := s.permitRole(ctx, call, principal); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) permitRole(ctx context.Context, call *awsmodel.Call, principal string) error {
	var has bool
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		has, err = iam.HasServiceLinkedRole(ctx, tx, call.Account(), principal)
		return err
	})
	if err != nil || has {
		return err
	}
	role, _ := iam.ServiceLinkedRoleARN(call.Account(), principal) // of a service that iam knows
	err = s.config.Access.Permit(ctx, call, "iam:CreateServiceLinkedRole", role, map[string][]string{"iam:AWSServiceName": {principal}})
	if isRefusal(err) {
		return denied("Invoking account is not authorized to perform iam:CreateServiceLinkedRole")
	}
	return err
}
