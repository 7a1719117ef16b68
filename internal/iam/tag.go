package iam

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// ownerFinder finds who carries tags or policies by name.
type ownerFinder func(context.Context, *store.Tx, arn.AccountID, string) (identity.Owner, error)

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
	return &api.TagUserOutput{}, s.tag(ctx, call, userOwner, in.UserName, in.Tags)
}

// UntagUser removes tags of a user.
func (s *Service) UntagUser(ctx context.Context, call *awsmodel.Call, in *api.UntagUserInput) (*api.UntagUserOutput, error) {
	return &api.UntagUserOutput{}, s.untag(ctx, call, userOwner, in.UserName, in.TagKeys)
}

// ListUserTags lists a user's tags.
func (s *Service) ListUserTags(ctx context.Context, call *awsmodel.Call, in *api.ListUserTagsInput) (*api.ListUserTagsOutput, error) {
	p, err := s.newPage(call, "ListUserTags", in.UserName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListUserTagsOutput{}
	out.Tags, out.IsTruncated, out.Marker, err = s.listTags(ctx, p, userOwner, in.UserName)
	return out, err
}

// TagRole sets tags of a role.
func (s *Service) TagRole(ctx context.Context, call *awsmodel.Call, in *api.TagRoleInput) (*api.TagRoleOutput, error) {
	return &api.TagRoleOutput{}, s.tag(ctx, call, roleOwner, in.RoleName, in.Tags)
}

// UntagRole removes tags of a role.
func (s *Service) UntagRole(ctx context.Context, call *awsmodel.Call, in *api.UntagRoleInput) (*api.UntagRoleOutput, error) {
	return &api.UntagRoleOutput{}, s.untag(ctx, call, roleOwner, in.RoleName, in.TagKeys)
}

// ListRoleTags lists a role's tags.
func (s *Service) ListRoleTags(ctx context.Context, call *awsmodel.Call, in *api.ListRoleTagsInput) (*api.ListRoleTagsOutput, error) {
	p, err := s.newPage(call, "ListRoleTags", in.RoleName, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &api.ListRoleTagsOutput{}
	out.Tags, out.IsTruncated, out.Marker, err = s.listTags(ctx, p, roleOwner, in.RoleName)
	return out, err
}

func (s *Service) tag(ctx context.Context, call *awsmodel.Call, find ownerFinder, name string, tags []api.Tag) error {
	if err := checkTags(tags); err != nil {
		return err
	}
	_, err := update(ctx, s, call.Account(), func(tx *store.Tx) (struct{}, error) {
		o, err := find(ctx, tx, call.Account(), name)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, putTags(ctx, tx, o, tags)
	})
	return err
}

// putTags sets tags within the quota.
func putTags(ctx context.Context, tx *store.Tx, o identity.Owner, tags []api.Tag) error {
	if len(tags) == 0 {
		return nil
	}
	for _, t := range tags {
		if err := identity.PutTag(ctx, tx, o, identity.Tag{Name: t.Key, Value: t.Value}); err != nil {
			return err
		}
	}
	all, err := identity.Tags(ctx, tx, o)
	if err == nil && len(all) > maxTags {
		return quota("TagsPerResource", maxTags)
	}
	return err
}

func (s *Service) untag(ctx context.Context, call *awsmodel.Call, find ownerFinder, name string, keys []string) error {
	_, err := update(ctx, s, call.Account(), func(tx *store.Tx) (struct{}, error) {
		o, err := find(ctx, tx, call.Account(), name)
		for _, key := range keys {
			if err == nil {
				err = identity.DeleteTag(ctx, tx, o, key)
			}
		}
		return struct{}{}, err
	})
	return err
}

func (s *Service) listTags(ctx context.Context, p page, find ownerFinder, name string) (tags []api.Tag, more *bool, marker *string, err error) {
	all, err := view(ctx, s, func(tx *store.Tx) ([]identity.Tag, error) {
		o, err := find(ctx, tx, p.call.Account(), name)
		if err != nil {
			return nil, err
		}
		return identity.Tags(ctx, tx, o)
	})
	if err != nil {
		return nil, nil, nil, err
	}
	tags, more, marker = slice(&p, append([]api.Tag{}, tagShapes(all)...))
	return tags, more, marker, nil
}

// tagShapes returns nil for no tags: IAM leaves the member out then.
func tagShapes(tags []identity.Tag) []api.Tag {
	var out []api.Tag
	for _, t := range tags {
		out = append(out, api.Tag{Key: t.Name, Value: t.Value})
	}
	return out
}
