package profiles

import (
	"context"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// AddRoleToInstanceProfile gives an instance profile its role.
func (r *Room) AddRoleToInstanceProfile(ctx context.Context, call *awsmodel.Call, in *api.AddRoleToInstanceProfileInput) (*api.AddRoleToInstanceProfileOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.AddRoleToInstanceProfileOutput, error) {
		p, err := profile(ctx, tx, call.Account(), in.InstanceProfileName)
		if err != nil {
			return nil, err
		}
		role, err := role(ctx, tx, call.Account(), in.RoleName)
		if err != nil {
			return nil, err
		}
		if role.Service != "" {
			return nil, desk.Protected(role.Name)
		}
		if p.Role != "" {
			return nil, desk.Quota("InstanceSessionsPerInstanceProfile", maxRoles)
		}
		return &api.AddRoleToInstanceProfileOutput{}, identity.SetProfileRole(ctx, tx, p, role.ID)
	})
}

// RemoveRoleFromInstanceProfile takes an instance profile's role.
func (r *Room) RemoveRoleFromInstanceProfile(ctx context.Context, call *awsmodel.Call, in *api.RemoveRoleFromInstanceProfileInput) (*api.RemoveRoleFromInstanceProfileOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.RemoveRoleFromInstanceProfileOutput, error) {
		p, err := profile(ctx, tx, call.Account(), in.InstanceProfileName)
		if err != nil {
			return nil, err
		}
		role, err := role(ctx, tx, call.Account(), in.RoleName)
		if err != nil {
			return nil, err
		}
		if p.Role != role.ID {
			return nil, desk.NoSuch(store.ErrNotFound, "The role with name %s cannot be found in instance profile %s.", role.Name, p.Name)
		}
		return &api.RemoveRoleFromInstanceProfileOutput{}, identity.SetProfileRole(ctx, tx, p, "")
	})
}

// DeleteInstanceProfile deletes an instance profile without a role.
func (r *Room) DeleteInstanceProfile(ctx context.Context, call *awsmodel.Call, in *api.DeleteInstanceProfileInput) (*api.DeleteInstanceProfileOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.DeleteInstanceProfileOutput, error) {
		p, err := profile(ctx, tx, call.Account(), in.InstanceProfileName)
		if err != nil {
			return nil, err
		}
		if p.Role != "" {
			return nil, desk.Conflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		return &api.DeleteInstanceProfileOutput{}, identity.DeleteProfile(ctx, tx, p)
	})
}

// TagInstanceProfile sets tags of an instance profile.
func (r *Room) TagInstanceProfile(ctx context.Context, call *awsmodel.Call, in *api.TagInstanceProfileInput) (*api.TagInstanceProfileOutput, error) {
	return &api.TagInstanceProfileOutput{}, r.desk.Tag(ctx, call, owner, in.InstanceProfileName, in.Tags)
}

// UntagInstanceProfile removes tags of an instance profile.
func (r *Room) UntagInstanceProfile(ctx context.Context, call *awsmodel.Call, in *api.UntagInstanceProfileInput) (*api.UntagInstanceProfileOutput, error) {
	return &api.UntagInstanceProfileOutput{}, r.desk.Untag(ctx, call, owner, in.InstanceProfileName, in.TagKeys)
}

// ListInstanceProfileTags lists an instance profile's tags.
func (r *Room) ListInstanceProfileTags(ctx context.Context, call *awsmodel.Call, in *api.ListInstanceProfileTagsInput) (*api.ListInstanceProfileTagsOutput, error) {
	p, err := r.desk.NewPage(call, "ListInstanceProfileTags", in.InstanceProfileName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListInstanceProfileTagsOutput{}
	out.Tags, out.IsTruncated, out.Marker, err = r.desk.ListTags(ctx, p, owner, in.InstanceProfileName)
	return out, err
}
