package iam

import (
	"context"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// UpdateUser gives a user another name or path. All it carries stays with it.
func (s *Service) UpdateUser(ctx context.Context, call *awsmodel.Call, in *api.UpdateUserInput) (*api.UpdateUserOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.UpdateUserOutput, error) {
		u, err := user(ctx, tx, call.Account(), in.UserName)
		if err != nil {
			return nil, err
		}
		name := desk.Value(in.NewUserName, u.Name)
		if identity.Key(name) != identity.Key(u.Name) {
			_, err := identity.UserByName(ctx, tx, u.Account, name)
			if err := desk.MustBeNew(err, "User with name %s already exists.", name); err != nil {
				return nil, err
			}
		}
		return &api.UpdateUserOutput{}, identity.RenameUser(ctx, tx, u, name, desk.Value(in.NewPath, u.Path))
	})
}

// UpdateGroup gives a group another name or path. All it carries stays with it.
func (s *Service) UpdateGroup(ctx context.Context, call *awsmodel.Call, in *api.UpdateGroupInput) (*api.UpdateGroupOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.UpdateGroupOutput, error) {
		g, err := group(ctx, tx, call.Account(), in.GroupName)
		if err != nil {
			return nil, err
		}
		name := desk.Value(in.NewGroupName, g.Name)
		if identity.Key(name) != identity.Key(g.Name) {
			_, err := identity.GroupByName(ctx, tx, g.Account, name)
			if err := desk.MustBeNew(err, "Group with name %s already exists.", name); err != nil {
				return nil, err
			}
		}
		return &api.UpdateGroupOutput{}, identity.RenameGroup(ctx, tx, g, name, desk.Value(in.NewPath, g.Path))
	})
}
