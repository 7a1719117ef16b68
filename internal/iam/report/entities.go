package report

import (
	"context"

	"muster/internal/arn"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/iam/profiles"
	"muster/internal/store"
	"muster/internal/store/identity"
)

func users(ctx context.Context, tx *store.Tx, account arn.AccountID, after string, limit int, out *api.GetAccountAuthorizationDetailsOutput) ([]string, error) {
	list, err := identity.Users(ctx, tx, account, "", after, limit)
	var shown []string
	for _, u := range list {
		if err != nil {
			return nil, err
		}
		var detail api.UserDetail
		detail, err = userDetail(ctx, tx, u)
		out.UserDetailList = append(out.UserDetailList, detail)
		shown = append(shown, identity.Key(u.Name))
	}
	return shown, err
}

func userDetail(ctx context.Context, tx *store.Tx, u identity.User) (api.UserDetail, error) {
	d := api.UserDetail{
		Path: &u.Path, UserName: &u.Name, UserId: &u.ID, Arn: new(string(u.ARN())), CreateDate: new(desk.Seconds(u.CreatedAt)),
		GroupList: []string{}, PermissionsBoundary: desk.BoundaryShape(u.Boundary),
	}
	groups, err := identity.GroupsOfUser(ctx, tx, u.Account, u.ID, "", everything)
	if err != nil {
		return d, err
	}
	for _, g := range groups {
		d.GroupList = append(d.GroupList, g.Name)
	}
	tags, err := identity.Tags(ctx, tx, u.Owner())
	if err != nil {
		return d, err
	}
	d.Tags = desk.TagShapes(tags)
	d.UserPolicyList, d.AttachedManagedPolicies, err = carried(ctx, tx, u.Owner())
	return d, err
}

func groups(ctx context.Context, tx *store.Tx, account arn.AccountID, after string, limit int, out *api.GetAccountAuthorizationDetailsOutput) ([]string, error) {
	list, err := identity.Groups(ctx, tx, account, "", after, limit)
	var shown []string
	for _, g := range list {
		if err != nil {
			return nil, err
		}
		d := api.GroupDetail{
			Path: new(g.Path), GroupName: new(g.Name), GroupId: new(g.ID), Arn: new(string(g.ARN())), CreateDate: new(desk.Seconds(g.CreatedAt)),
		}
		d.GroupPolicyList, d.AttachedManagedPolicies, err = carried(ctx, tx, g.Owner())
		out.GroupDetailList = append(out.GroupDetailList, d)
		shown = append(shown, identity.Key(g.Name))
	}
	return shown, err
}

func (r *Room) roles(ctx context.Context, tx *store.Tx, account arn.AccountID, after string, limit int, out *api.GetAccountAuthorizationDetailsOutput) ([]string, error) {
	list, err := identity.Roles(ctx, tx, account, "", after, limit)
	var shown []string
	for _, role := range list {
		if err != nil {
			return nil, err
		}
		var detail api.RoleDetail
		detail, err = roleDetail(ctx, tx, r.desk.LastUse(role))
		out.RoleDetailList = append(out.RoleDetailList, detail)
		shown = append(shown, identity.Key(role.Name))
	}
	return shown, err
}

func roleDetail(ctx context.Context, tx *store.Tx, r identity.Role) (api.RoleDetail, error) {
	d := api.RoleDetail{
		Path: &r.Path, RoleName: &r.Name, RoleId: &r.ID, Arn: new(string(r.ARN())), CreateDate: new(desk.Seconds(r.CreatedAt)),
		AssumeRolePolicyDocument: new(desk.Encoded(r.Trust)), PermissionsBoundary: desk.BoundaryShape(r.Boundary),
		RoleLastUsed: desk.LastUsedShape(r),
	}
	list, err := identity.ProfilesOfRole(ctx, tx, r.Account, r.ID, "", everything)
	if err != nil {
		return d, err
	}
	if d.InstanceProfileList, err = profiles.Shapes(ctx, tx, list); err != nil {
		return d, err
	}
	tags, err := identity.Tags(ctx, tx, r.Owner())
	if err != nil {
		return d, err
	}
	d.Tags = desk.TagShapes(tags)
	d.RolePolicyList, d.AttachedManagedPolicies, err = carried(ctx, tx, r.Owner())
	return d, err
}
