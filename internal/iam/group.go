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

// group finds a group or says so in IAM's words.
func group(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (identity.Group, error) {
	g, err := identity.GroupByName(ctx, tx, account, name)
	return g, desk.NoSuch(err, "The group with name %s cannot be found.", name)
}

// CreateGroup creates a group.
func (s *Service) CreateGroup(ctx context.Context, call *awsmodel.Call, in *api.CreateGroupInput) (*api.CreateGroupOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.CreateGroupOutput, error) {
		_, err := identity.GroupByName(ctx, tx, call.Account(), in.GroupName)
		if err := desk.MustBeNew(err, "Group with name %s already exists.", in.GroupName); err != nil {
			return nil, err
		}
		n, err := identity.Count(ctx, tx, call.Account())
		if err != nil {
			return nil, err
		}
		if n.Groups >= maxGroups {
			return nil, desk.Quota("GroupsPerAccount", maxGroups)
		}
		g := identity.Group{
			Account: call.Account(), Name: in.GroupName, Path: desk.Value(in.Path, "/"), ID: newUniqueID(groupPrefix), CreatedAt: call.Time,
		}
		return &api.CreateGroupOutput{Group: new(groupShape(g))}, identity.InsertGroup(ctx, tx, g)
	})
}

// GetGroup describes a group and lists its users.
func (s *Service) GetGroup(ctx context.Context, call *awsmodel.Call, in *api.GetGroupInput) (*api.GetGroupOutput, error) {
	p, err := s.desk.NewPage(call, "GetGroup", in.GroupName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, func(tx *store.Tx) (*api.GetGroupOutput, error) {
		g, err := group(ctx, tx, call.Account(), in.GroupName)
		if err != nil {
			return nil, err
		}
		members, err := identity.GroupMembers(ctx, tx, g, p.After, p.Fetch())
		if err != nil {
			return nil, err
		}
		out := &api.GetGroupOutput{Group: new(groupShape(g)), Users: []api.User{}}
		members, out.IsTruncated, out.Marker = desk.Cut(&p, members, func(u identity.User) string { return identity.Key(u.Name) })
		for _, u := range members {
			out.Users = append(out.Users, userShape(u))
		}
		return out, nil
	})
}

// ListGroups lists groups under a path prefix.
func (s *Service) ListGroups(ctx context.Context, call *awsmodel.Call, in *api.ListGroupsInput) (*api.ListGroupsOutput, error) {
	p, err := s.desk.NewPage(call, "ListGroups", desk.Value(in.PathPrefix, ""), in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, func(tx *store.Tx) (*api.ListGroupsOutput, error) {
		groups, err := identity.Groups(ctx, tx, call.Account(), desk.Value(in.PathPrefix, ""), p.After, p.Fetch())
		out := &api.ListGroupsOutput{}
		out.Groups, out.IsTruncated, out.Marker = cutGroups(&p, groups)
		return out, err
	})
}

// ListGroupsForUser lists the groups of a user.
func (s *Service) ListGroupsForUser(ctx context.Context, call *awsmodel.Call, in *api.ListGroupsForUserInput) (*api.ListGroupsForUserOutput, error) {
	p, err := s.desk.NewPage(call, "ListGroupsForUser", in.UserName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, func(tx *store.Tx) (*api.ListGroupsForUserOutput, error) {
		u, err := user(ctx, tx, call.Account(), in.UserName)
		if err != nil {
			return nil, err
		}
		groups, err := identity.GroupsOfUser(ctx, tx, u.Account, u.ID, p.After, p.Fetch())
		out := &api.ListGroupsForUserOutput{}
		out.Groups, out.IsTruncated, out.Marker = cutGroups(&p, groups)
		return out, err
	})
}

func cutGroups(p *desk.Page, groups []identity.Group) (list []api.Group, more *bool, marker *string) {
	groups, more, marker = desk.Cut(p, groups, func(g identity.Group) string { return identity.Key(g.Name) })
	list = []api.Group{}
	for _, g := range groups {
		list = append(list, groupShape(g))
	}
	return list, more, marker
}

// DeleteGroup deletes a group without users and policies.
func (s *Service) DeleteGroup(ctx context.Context, call *awsmodel.Call, in *api.DeleteGroupInput) (*api.DeleteGroupOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.DeleteGroupOutput, error) {
		g, err := group(ctx, tx, call.Account(), in.GroupName)
		if err != nil {
			return nil, err
		}
		members, err := identity.GroupMembers(ctx, tx, g, "", 1)
		if err != nil {
			return nil, err
		}
		if len(members) > 0 {
			return nil, desk.Conflict("Cannot delete entity, must remove users from group first.")
		}
		if err := desk.CheckBare(ctx, tx, g.Owner()); err != nil {
			return nil, err
		}
		return &api.DeleteGroupOutput{}, identity.DeleteGroup(ctx, tx, g)
	})
}

// AddUserToGroup makes a user a member of a group.
func (s *Service) AddUserToGroup(ctx context.Context, call *awsmodel.Call, in *api.AddUserToGroupInput) (*api.AddUserToGroupOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.AddUserToGroupOutput, error) {
		g, u, err := groupAndUser(ctx, tx, call.Account(), in.GroupName, in.UserName)
		if err != nil {
			return nil, err
		}
		if err := identity.AddToGroup(ctx, tx, g, u.ID); err != nil {
			return nil, err
		}
		groups, err := identity.GroupsOfUser(ctx, tx, u.Account, u.ID, "", maxGroupsPerUser+1)
		if err == nil && len(groups) > maxGroupsPerUser {
			return nil, desk.Quota("GroupsPerUser", maxGroupsPerUser)
		}
		return &api.AddUserToGroupOutput{}, err
	})
}

// RemoveUserFromGroup ends a membership.
func (s *Service) RemoveUserFromGroup(ctx context.Context, call *awsmodel.Call, in *api.RemoveUserFromGroupInput) (*api.RemoveUserFromGroupOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.RemoveUserFromGroupOutput, error) {
		g, u, err := groupAndUser(ctx, tx, call.Account(), in.GroupName, in.UserName)
		if err != nil {
			return nil, err
		}
		err = identity.RemoveFromGroup(ctx, tx, g, u.ID)
		return &api.RemoveUserFromGroupOutput{}, desk.NoSuch(err, "User %s not in group %s", u.Name, g.Name)
	})
}

func groupAndUser(ctx context.Context, tx *store.Tx, account arn.AccountID, groupName, userName string) (identity.Group, identity.User, error) {
	g, err := group(ctx, tx, account, groupName)
	if err != nil {
		return g, identity.User{}, err
	}
	u, err := user(ctx, tx, account, userName)
	return g, u, err
}

func groupShape(g identity.Group) api.Group {
	return api.Group{Path: g.Path, GroupName: g.Name, GroupId: g.ID, Arn: string(g.ARN()), CreateDate: desk.Seconds(g.CreatedAt)}
}
