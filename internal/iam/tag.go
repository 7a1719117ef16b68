package iam

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/store"
	"muster/internal/store/identity"
)

func userOwner(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (identity.Owner, error) {
	u, err := user(ctx, tx, account, name)
	return u.Owner(), err
}

func roleOwner(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (identity.Owner, error) {
	r, err := role(ctx, tx, account, name)
	return r.Owner(), err
}

// TagUser sets tags of a user.
func (s *Service) TagUser(ctx context.Context, call *awsmodel.Call, in *api.TagUserInput) (*api.TagUserOutput, error) {
	return &api.TagUserOutput{}, s.desk.Tag(ctx, call, userOwner, in.UserName, in.Tags)
}

// UntagUser removes tags of a user.
func (s *Service) UntagUser(ctx context.Context, call *awsmodel.Call, in *api.UntagUserInput) (*api.UntagUserOutput, error) {
	return &api.UntagUserOutput{}, s.desk.Untag(ctx, call, userOwner, in.UserName, in.TagKeys)
}

// ListUserTags lists a user's tags.
func (s *Service) ListUserTags(ctx context.Context, call *awsmodel.Call, in *api.ListUserTagsInput) (*api.ListUserTagsOutput, error) {
	p, err := s.desk.NewPage(call, "ListUserTags", in.UserName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListUserTagsOutput{}
	out.Tags, out.IsTruncated, out.Marker, err = s.desk.ListTags(ctx, p, userOwner, in.UserName)
	return out, err
}

// TagRole sets tags of a role.
func (s *Service) TagRole(ctx context.Context, call *awsmodel.Call, in *api.TagRoleInput) (*api.TagRoleOutput, error) {
	return &api.TagRoleOutput{}, s.desk.Tag(ctx, call, roleOwner, in.RoleName, in.Tags)
}

// UntagRole removes tags of a role.
func (s *Service) UntagRole(ctx context.Context, call *awsmodel.Call, in *api.UntagRoleInput) (*api.UntagRoleOutput, error) {
	return &api.UntagRoleOutput{}, s.desk.Untag(ctx, call, roleOwner, in.RoleName, in.TagKeys)
}

// ListRoleTags lists a role's tags.
func (s *Service) ListRoleTags(ctx context.Context, call *awsmodel.Call, in *api.ListRoleTagsInput) (*api.ListRoleTagsOutput, error) {
	p, err := s.desk.NewPage(call, "ListRoleTags", in.RoleName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListRoleTagsOutput{}
	out.Tags, out.IsTruncated, out.Marker, err = s.desk.ListTags(ctx, p, roleOwner, in.RoleName)
	return out, err
}
