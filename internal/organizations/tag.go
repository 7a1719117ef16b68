package organizations

import (
	"context"
	"strings"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/refusal"
	"muster/internal/orgpolicy"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/handshakes"
	"muster/internal/store/policies"
)

// TagResource sets tags of a root, unit, account, policy, resource policy or
// transfer of responsibility.
func (s *Service) TagResource(ctx context.Context, call *awsmodel.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.TagResourceOutput, error) {
		m, err := s.Admit(ctx, tx, call, "TagResource", in)
		if err != nil {
			return nil, err
		}
		if err := taggable(ctx, tx, m, in.ResourceId); err != nil {
			return nil, err
		}
		if err := s.checkTags(in.Tags); err != nil {
			return nil, err
		}
		return &api.TagResourceOutput{}, s.PutTags(ctx, tx, m.Org, in.ResourceId, in.Tags)
	})
}

// UntagResource deletes tags; keys that are not there are no error.
func (s *Service) UntagResource(ctx context.Context, call *awsmodel.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.UntagResourceOutput, error) {
		m, err := s.Admit(ctx, tx, call, "UntagResource", in)
		if err != nil {
			return nil, err
		}
		if err := taggable(ctx, tx, m, in.ResourceId); err != nil {
			return nil, err
		}
		for _, key := range in.TagKeys {
			if isSystemTag(key) {
				return nil, systemTag()
			}
			if err := directory.DeleteTag(ctx, tx, m.Org, in.ResourceId, key); err != nil {
				return nil, err
			}
		}
		return &api.UntagResourceOutput{}, nil
	})
}

// ListTagsForResource lists the tags of a resource by key, all on one page.
func (s *Service) ListTagsForResource(ctx context.Context, call *awsmodel.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListTagsForResourceOutput, error) {
		m, err := s.Admit(ctx, tx, call, "ListTagsForResource", in)
		if err != nil {
			return nil, err
		}
		if _, err := s.list(call, "ListTagsForResource", in.ResourceId, in.NextToken, nil); err != nil {
			return nil, err
		}
		if err := taggable(ctx, tx, m, in.ResourceId); err != nil {
			return nil, err
		}
		list, err := directory.Tags(ctx, tx, m.Org, in.ResourceId)
		if err != nil {
			return nil, err
		}
		out := make([]api.Tag, 0, len(list))
		for _, t := range list {
			out = append(out, api.Tag{Key: t.Key, Value: t.Value})
		}
		return &api.ListTagsForResourceOutput{Tags: out}, nil
	})
}

// taggable refuses what the organization has not. AWS's own policies exist but
// take no tags.
func taggable(ctx context.Context, tx *store.Tx, m Membership, id string) error {
	switch {
	case strings.HasPrefix(id, "p-"):
		if _, ok := orgpolicy.ManagedPolicy(id); ok && m.AllFeatures() {
			return refusal.TargetNotSupported()
		}
		_, err := policies.Lookup(ctx, tx, m.Org, id)
		return refusal.Missing(err, refusal.TargetNotFound())
	case strings.HasPrefix(id, "rp-"):
		p, err := policies.LookupResourcePolicy(ctx, tx, m.Org)
		if err == nil && p.ID != id {
			err = store.ErrNotFound
		}
		return refusal.Missing(err, refusal.TargetNotFound())
	case strings.HasPrefix(id, "rt-"):
		t, err := handshakes.LookupTransfer(ctx, tx, id)
		if err == nil && t.TargetOrg != m.Org {
			err = store.ErrNotFound
		}
		return refusal.Missing(err, refusal.TargetNotFound())
	}
	return TargetExists(ctx, tx, m, id)
}

// TargetExists refuses what is not a root, unit or account of the
// organization.
func TargetExists(ctx context.Context, tx *store.Tx, m Membership, id string) error {
	if id == m.Root {
		return nil
	}
	_, err := parentOf(ctx, tx, m.Org, id)
	return refusal.Missing(err, refusal.TargetNotFound())
}

func isSystemTag(key string) bool { return strings.HasPrefix(strings.ToLower(key), "aws:") }

// checkTags checks the tags of one request by themselves.
func (s *Service) checkTags(tags []api.Tag) error {
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		if isSystemTag(t.Key) {
			return systemTag()
		}
		if seen[t.Key] {
			return duplicateTagKey()
		}
		seen[t.Key] = true
	}
	if len(tags) > s.limits.Tags {
		return tooManyTags()
	}
	return nil
}

// PutTags sets checked tags, as long as the resource has not too many then.
func (s *Service) PutTags(ctx context.Context, tx *store.Tx, org OrganizationID, resource string, tags []api.Tag) error {
	for _, t := range tags {
		if err := directory.PutTag(ctx, tx, org, resource, directory.Tag(t)); err != nil {
			return err
		}
	}
	now, err := directory.Tags(ctx, tx, org, resource)
	if err != nil {
		return err
	}
	if len(now) > s.limits.Tags {
		return tooManyTags()
	}
	return nil
}
