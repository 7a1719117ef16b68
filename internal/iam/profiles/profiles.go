// Package profiles is IAM's room for instance profiles, through which
// infrastructure code hands roles to instances. muster stores them; instances
// take no credentials from it.
package profiles

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// IAM's quotas for instance profiles.
const (
	// MaxProfiles is how many an account may have.
	MaxProfiles = 1000
	maxRoles    = 1 // per instance profile
)

// idPrefix begins the unique ids of instance profiles.
const idPrefix = "AIPA"

// Room answers the operations on instance profiles.
type Room struct{ desk *desk.Desk }

// New returns the room.
func New(d *desk.Desk) *Room { return &Room{d} }

// Handle adds the room's operations.
func (r *Room) Handle(h *api.Handlers) {
	h.CreateInstanceProfile = r.CreateInstanceProfile
	h.GetInstanceProfile = r.GetInstanceProfile
	h.ListInstanceProfiles = r.ListInstanceProfiles
	h.ListInstanceProfilesForRole = r.ListInstanceProfilesForRole
	h.AddRoleToInstanceProfile = r.AddRoleToInstanceProfile
	h.RemoveRoleFromInstanceProfile = r.RemoveRoleFromInstanceProfile
	h.DeleteInstanceProfile = r.DeleteInstanceProfile
	h.TagInstanceProfile = r.TagInstanceProfile
	h.UntagInstanceProfile = r.UntagInstanceProfile
	h.ListInstanceProfileTags = r.ListInstanceProfileTags
}

// profile finds an instance profile or says so in IAM's words.
func profile(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (identity.InstanceProfile, error) {
	p, err := identity.ProfileByName(ctx, tx, account, name)
	return p, desk.NoSuch(err, "Instance Profile %s cannot be found.", name)
}

func owner(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (identity.Owner, error) {
	p, err := profile(ctx, tx, account, name)
	return p.Owner(), err
}

func role(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (identity.Role, error) {
	r, err := identity.RoleByName(ctx, tx, account, name)
	return r, desk.NoSuch(err, "The role with name %s cannot be found.", name)
}

// CreateInstanceProfile creates an instance profile without a role.
func (r *Room) CreateInstanceProfile(ctx context.Context, call *awsmodel.Call, in *api.CreateInstanceProfileInput) (*api.CreateInstanceProfileOutput, error) {
	if err := desk.CheckTags(in.Tags); err != nil {
		return nil, err
	}
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.CreateInstanceProfileOutput, error) {
		_, err := identity.ProfileByName(ctx, tx, call.Account(), in.InstanceProfileName)
		if err := desk.MustBeNew(err, "Instance Profile %s already exists.", in.InstanceProfileName); err != nil {
			return nil, err
		}
		all, err := identity.Profiles(ctx, tx, call.Account(), "", "", MaxProfiles)
		if err != nil {
			return nil, err
		}
		if len(all) >= MaxProfiles {
			return nil, desk.Quota("InstanceProfilesPerAccount", MaxProfiles)
		}
		p := identity.InstanceProfile{
			Account: call.Account(), Name: in.InstanceProfileName, Path: desk.Value(in.Path, "/"),
			ID: desk.NewUniqueID(idPrefix), CreatedAt: call.Time,
		}
		if err := identity.InsertProfile(ctx, tx, p); err != nil {
			return nil, err
		}
		if err := desk.PutTags(ctx, tx, p.Owner(), in.Tags); err != nil {
			return nil, err
		}
		out, err := Shape(ctx, tx, p)
		out.Tags = in.Tags
		return &api.CreateInstanceProfileOutput{InstanceProfile: &out}, err
	})
}

// Shape is an instance profile as IAM lists it, without its tags.
func Shape(ctx context.Context, tx *store.Tx, p identity.InstanceProfile) (api.InstanceProfile, error) {
	out := api.InstanceProfile{
		Path: p.Path, InstanceProfileName: p.Name, InstanceProfileId: p.ID, Arn: string(p.ARN()),
		CreateDate: desk.Seconds(p.CreatedAt), Roles: []api.Role{},
	}
	if p.Role == "" {
		return out, nil
	}
	role, err := identity.RoleByID(ctx, tx, p.Account, p.Role)
	out.Roles = append(out.Roles, desk.RoleShape(role))
	return out, err
}

// Shapes lists instance profiles.
func Shapes(ctx context.Context, tx *store.Tx, list []identity.InstanceProfile) ([]api.InstanceProfile, error) {
	out := []api.InstanceProfile{}
	for _, p := range list {
		shape, err := Shape(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		out = append(out, shape)
	}
	return out, nil
}

// GetInstanceProfile describes an instance profile.
func (r *Room) GetInstanceProfile(ctx context.Context, call *awsmodel.Call, in *api.GetInstanceProfileInput) (*api.GetInstanceProfileOutput, error) {
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.GetInstanceProfileOutput, error) {
		p, err := profile(ctx, tx, call.Account(), in.InstanceProfileName)
		if err != nil {
			return nil, err
		}
		tags, err := identity.Tags(ctx, tx, p.Owner())
		if err != nil {
			return nil, err
		}
		out, err := Shape(ctx, tx, p)
		out.Tags = desk.AllTagShapes(tags)
		return &api.GetInstanceProfileOutput{InstanceProfile: &out}, err
	})
}

func name(p identity.InstanceProfile) string { return identity.Key(p.Name) }

// ListInstanceProfiles lists instance profiles under a path prefix.
func (r *Room) ListInstanceProfiles(ctx context.Context, call *awsmodel.Call, in *api.ListInstanceProfilesInput) (*api.ListInstanceProfilesOutput, error) {
	prefix := desk.Value(in.PathPrefix, "")
	p, err := r.desk.NewPage(call, "ListInstanceProfiles", prefix, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.ListInstanceProfilesOutput, error) {
		list, err := identity.Profiles(ctx, tx, call.Account(), prefix, p.After, p.Fetch())
		if err != nil {
			return nil, err
		}
		out := &api.ListInstanceProfilesOutput{}
		list, out.IsTruncated, out.Marker = desk.Cut(&p, list, name)
		out.InstanceProfiles, err = Shapes(ctx, tx, list)
		return out, err
	})
}

// ListInstanceProfilesForRole lists the instance profiles that hand out a role.
func (r *Room) ListInstanceProfilesForRole(ctx context.Context, call *awsmodel.Call, in *api.ListInstanceProfilesForRoleInput) (*api.ListInstanceProfilesForRoleOutput, error) {
	p, err := r.desk.NewPage(call, "ListInstanceProfilesForRole", in.RoleName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.ListInstanceProfilesForRoleOutput, error) {
		role, err := role(ctx, tx, call.Account(), in.RoleName)
		if err != nil {
			return nil, err
		}
		list, err := identity.ProfilesOfRole(ctx, tx, role.Account, role.ID, p.After, p.Fetch())
		if err != nil {
			return nil, err
		}
		out := &api.ListInstanceProfilesForRoleOutput{}
		list, out.IsTruncated, out.Marker = desk.Cut(&p, list, name)
		out.InstanceProfiles, err = Shapes(ctx, tx, list)
		return out, err
	})
}
