package iam

import (
	"context"
	"fmt"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/identity"
)

// user finds a user or says so in IAM's words.
func user(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (identity.User, error) {
	u, err := identity.UserByName(ctx, tx, account, name)
	return u, desk.NoSuch(err, "The user with name %s cannot be found.", name)
}

// CreateUser creates a user.
func (s *Service) CreateUser(ctx context.Context, call *awsmodel.Call, in *api.CreateUserInput) (*api.CreateUserOutput, error) {
	if err := desk.CheckTags(in.Tags); err != nil {
		return nil, err
	}
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.CreateUserOutput, error) {
		u := identity.User{
			Account: call.Account(), Name: in.UserName, Path: desk.Value(in.Path, "/"), ID: newUniqueID(userPrefix),
			Boundary: desk.Value(in.PermissionsBoundary, ""), CreatedAt: call.Time,
		}
		if err := s.checkNewUser(ctx, tx, u); err != nil {
			return nil, err
		}
		if err := identity.InsertUser(ctx, tx, u); err != nil {
			return nil, err
		}
		if err := desk.PutTags(ctx, tx, u.Owner(), in.Tags); err != nil {
			return nil, err
		}
		out := userShape(u)
		out.Tags, out.PermissionsBoundary = in.Tags, desk.BoundaryShape(u.Boundary)
		return &api.CreateUserOutput{User: &out}, nil
	})
}

func (s *Service) checkNewUser(ctx context.Context, tx *store.Tx, u identity.User) error {
	_, err := identity.UserByName(ctx, tx, u.Account, u.Name)
	if err := desk.MustBeNew(err, "User with name %s already exists.", u.Name); err != nil {
		return err
	}
	n, err := identity.Count(ctx, tx, u.Account)
	if err != nil {
		return err
	}
	if n.Users >= maxUsers {
		return desk.Quota("UsersPerAccount", maxUsers)
	}
	return s.checkBoundary(ctx, tx, u.Account, u.Boundary)
}

// GetUser describes a user; without a name the one who asks.
func (s *Service) GetUser(ctx context.Context, call *awsmodel.Call, in *api.GetUserInput) (*api.GetUserOutput, error) {
	return view(ctx, s, func(tx *store.Tx) (*api.GetUserOutput, error) {
		u, err := s.subject(ctx, tx, call, in.UserName)
		if err != nil {
			return nil, err
		}
		if u.ID == "" {
			return &api.GetUserOutput{User: &api.User{
				Path: "/", UserId: string(u.Account), Arn: string(u.Account.Root()), CreateDate: desk.Seconds(u.CreatedAt),
			}}, nil
		}
		tags, err := identity.Tags(ctx, tx, u.Owner())
		if err != nil {
			return nil, err
		}
		out := userShape(u)
		out.Tags, out.PermissionsBoundary = desk.TagShapes(tags), desk.BoundaryShape(u.Boundary)
		return &api.GetUserOutput{User: &out}, nil
	})
}

// ListUsers lists users under a path prefix.
func (s *Service) ListUsers(ctx context.Context, call *awsmodel.Call, in *api.ListUsersInput) (*api.ListUsersOutput, error) {
	p, err := s.desk.NewPage(call, "ListUsers", desk.Value(in.PathPrefix, ""), in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, func(tx *store.Tx) (*api.ListUsersOutput, error) {
		users, err := identity.Users(ctx, tx, call.Account(), desk.Value(in.PathPrefix, ""), p.After, p.Fetch())
		if err != nil {
			return nil, err
		}
		out := &api.ListUsersOutput{Users: []api.User{}}
		users, out.IsTruncated, out.Marker = desk.Cut(&p, users, func(u identity.User) string { return identity.Key(u.Name) })
		for _, u := range users {
			out.Users = append(out.Users, userShape(u))
		}
		return out, nil
	})
}

// DeleteUser deletes a user that carries nothing any more.
func (s *Service) DeleteUser(ctx context.Context, call *awsmodel.Call, in *api.DeleteUserInput) (*api.DeleteUserOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.DeleteUserOutput, error) {
		u, err := user(ctx, tx, call.Account(), in.UserName)
		if err != nil {
			return nil, err
		}
		keys, err := identity.KeysOf(ctx, tx, u.Owner())
		if err != nil {
			return nil, err
		}
		if len(keys) > 0 {
			return nil, desk.Conflict("Cannot delete entity, must delete access keys first.")
		}
		if err := withoutLogin(ctx, tx, u); err != nil {
			return nil, err
		}
		groups, err := identity.GroupsOfUser(ctx, tx, u.Account, u.ID, "", 1)
		if err != nil {
			return nil, err
		}
		if len(groups) > 0 {
			return nil, desk.Conflict("Cannot delete entity, must remove user from all groups first.")
		}
		if err := desk.CheckBare(ctx, tx, u.Owner()); err != nil {
			return nil, err
		}
		return &api.DeleteUserOutput{}, identity.DeleteUser(ctx, tx, u)
	})
}

// withoutLogin refuses to delete a user that can still sign in to the console.
func withoutLogin(ctx context.Context, tx *store.Tx, u identity.User) error {
	_, err := identity.PasswordOf(ctx, tx, u.Account, u.ID)
	if err == nil {
		return desk.Conflict("Cannot delete entity, must delete login profile first.")
	}
	if err := desk.IgnoreMissing(err); err != nil {
		return err
	}
	devices, err := identity.MFADevicesOf(ctx, tx, u.Account, u.ID)
	if len(devices) > 0 {
		return desk.Conflict("Cannot delete entity, must delete MFA device first.")
	}
	return err
}

// subject is the user of a name; without a name the user who asks, which for
// the root user has no id.
func (s *Service) subject(ctx context.Context, tx *store.Tx, call *awsmodel.Call, name *string) (identity.User, error) {
	if name != nil {
		return user(ctx, tx, call.Account(), *name)
	}
	switch call.Principal.Kind {
	case arn.RootUser:
		a, err := accountOf(ctx, tx, call.Account())
		return identity.User{Account: a.ID, Path: "/", CreatedAt: a.CreatedAt}, err
	case arn.User:
		return identity.UserByID(ctx, tx, call.Account(), call.Principal.ID)
	}
	return identity.User{}, desk.InvalidRequest("Must specify userName when calling with non-User credentials")
}

func userShape(u identity.User) api.User {
	return api.User{Path: u.Path, UserName: u.Name, UserId: u.ID, Arn: string(u.ARN()), CreateDate: desk.Seconds(u.CreatedAt)}
}

func accountOf(ctx context.Context, tx *store.Tx, id arn.AccountID) (directory.Account, error) {
	a, err := directory.LookupAccount(ctx, tx, id)
	if err != nil {
		return a, fmt.Errorf("account %s: %w", id, err)
	}
	return a, nil
}
