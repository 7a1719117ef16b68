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

// checkBoundary wants a policy that exists, or none.
func (s *Service) checkBoundary(ctx context.Context, tx *store.Tx, account arn.AccountID, boundary string) error {
	if boundary == "" || s.managed.Get(arn.ARN(boundary)) != nil {
		return nil
	}
	_, err := identity.PolicyByARN(ctx, tx, account, arn.ARN(boundary))
	return desk.NoSuch(err, "Scope ARN: %s does not exist or is not attachable.", boundary)
}

// PutUserPermissionsBoundary bounds what a user's policies can grant.
func (s *Service) PutUserPermissionsBoundary(ctx context.Context, call *awsmodel.Call, in *api.PutUserPermissionsBoundaryInput) (*api.PutUserPermissionsBoundaryOutput, error) {
	return &api.PutUserPermissionsBoundaryOutput{}, s.boundUser(ctx, call, in.UserName, in.PermissionsBoundary)
}

// DeleteUserPermissionsBoundary lifts a user's boundary.
func (s *Service) DeleteUserPermissionsBoundary(ctx context.Context, call *awsmodel.Call, in *api.DeleteUserPermissionsBoundaryInput) (*api.DeleteUserPermissionsBoundaryOutput, error) {
	return &api.DeleteUserPermissionsBoundaryOutput{}, s.boundUser(ctx, call, in.UserName, "")
}

// PutRolePermissionsBoundary bounds what a role's policies can grant.
func (s *Service) PutRolePermissionsBoundary(ctx context.Context, call *awsmodel.Call, in *api.PutRolePermissionsBoundaryInput) (*api.PutRolePermissionsBoundaryOutput, error) {
	return &api.PutRolePermissionsBoundaryOutput{}, s.boundRole(ctx, call, in.RoleName, in.PermissionsBoundary)
}

// DeleteRolePermissionsBoundary lifts a role's boundary.
func (s *Service) DeleteRolePermissionsBoundary(ctx context.Context, call *awsmodel.Call, in *api.DeleteRolePermissionsBoundaryInput) (*api.DeleteRolePermissionsBoundaryOutput, error) {
	return &api.DeleteRolePermissionsBoundaryOutput{}, s.boundRole(ctx, call, in.RoleName, "")
}

func (s *Service) boundUser(ctx context.Context, call *awsmodel.Call, name, boundary string) error {
	_, err := update(ctx, s, call.Account(), func(tx *store.Tx) (struct{}, error) {
		u, err := user(ctx, tx, call.Account(), name)
		if err != nil {
			return struct{}{}, err
		}
		if boundary == "" && u.Boundary == "" {
			return struct{}{}, desk.NoSuch(store.ErrNotFound, "The user with name %s does not have a permissions boundary.", name)
		}
		if err := s.checkBoundary(ctx, tx, call.Account(), boundary); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, identity.SetUserBoundary(ctx, tx, u, boundary)
	})
	return err
}

func (s *Service) boundRole(ctx context.Context, call *awsmodel.Call, name, boundary string) error {
	_, err := update(ctx, s, call.Account(), func(tx *store.Tx) (struct{}, error) {
		r, err := ownRole(ctx, tx, call.Account(), name)
		if err != nil {
			return struct{}{}, err
		}
		if boundary == "" && r.Boundary == "" {
			return struct{}{}, desk.NoSuch(store.ErrNotFound, "The role with name %s does not have a permissions boundary.", name)
		}
		if err := s.checkBoundary(ctx, tx, call.Account(), boundary); err != nil {
			return struct{}{}, err
		}
		r.Boundary = boundary
		return struct{}{}, identity.UpdateRole(ctx, tx, r)
	})
	return err
}
