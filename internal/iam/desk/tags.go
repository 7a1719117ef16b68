package desk

import (
	"context"
	"crypto/rand"
	"encoding/base32"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// MaxTags bounds the tags of a user, role, policy, instance profile or provider.
const MaxTags = 50

// OwnerFinder finds by name who carries tags or policies.
type OwnerFinder func(context.Context, *store.Tx, arn.AccountID, string) (identity.Owner, error)

// Tag sets tags of what find finds.
func (d *Desk) Tag(ctx context.Context, call *awsmodel.Call, find OwnerFinder, name string, tags []api.Tag) error {
	if err := CheckTags(tags); err != nil {
		return err
	}
	_, err := Update(ctx, d, call.Account(), func(tx *store.Tx) (struct{}, error) {
		o, err := find(ctx, tx, call.Account(), name)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, PutTags(ctx, tx, o, tags)
	})
	return err
}

// PutTags sets tags within the quota.
func PutTags(ctx context.Context, tx *store.Tx, o identity.Owner, tags []api.Tag) error {
	if len(tags) == 0 {
		return nil
	}
	for _, t := range tags {
		if err := identity.PutTag(ctx, tx, o, identity.Tag{Name: t.Key, Value: t.Value}); err != nil {
			return err
		}
	}
	all, err := identity.Tags(ctx, tx, o)
	if err == nil && len(all) > MaxTags {
		return Quota("TagsPerResource", MaxTags)
	}
	return err
}

// Untag removes tags of what find finds.
func (d *Desk) Untag(ctx context.Context, call *awsmodel.Call, find OwnerFinder, name string, keys []string) error {
	_, err := Update(ctx, d, call.Account(), func(tx *store.Tx) (struct{}, error) {
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

// ListTags lists a page of the tags of what find finds.
func (d *Desk) ListTags(ctx context.Context, p Page, find OwnerFinder, name string) (tags []api.Tag, more *bool, marker *string, err error) {
	all, err := View(ctx, d, func(tx *store.Tx) ([]identity.Tag, error) {
		o, err := find(ctx, tx, p.Call.Account(), name)
		if err != nil {
			return nil, err
		}
		return identity.Tags(ctx, tx, o)
	})
	if err != nil {
		return nil, nil, nil, err
	}
	tags, more, marker = Slice(&p, append([]api.Tag{}, TagShapes(all)...))
	return tags, more, marker, nil
}

// TagShapes returns nil for no tags: IAM leaves the member out then.
func TagShapes(tags []identity.Tag) []api.Tag {
	var out []api.Tag
	for _, t := range tags {
		out = append(out, api.Tag{Key: t.Name, Value: t.Value})
	}
	return out
}

// AllTagShapes are tags as a description shows them that also says that there
// are none: of everything but users and roles.
func AllTagShapes(tags []identity.Tag) []api.Tag {
	return append([]api.Tag{}, TagShapes(tags)...)
}

// NewUniqueID makes a unique id of 21 characters, such as AIDA….
func NewUniqueID(prefix string) string {
	b := make([]byte, 11)
	_, _ = rand.Read(b) // never fails
	return prefix + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)[:17]
}
