// Package tagging answers for the tags of Inspector's resources. A resource
// keeps its own tags; this package knows how resources are called, what tags
// may be, and which holder to ask.
package tagging

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/store"
	"muster/internal/store/filters"
)

// Most is how many tags a resource may have.
const Most = 50

// Holder keeps the tags of one kind of resource. A resource that is not there,
// or whose ARN is another one, is store.ErrNotFound.
type Holder interface {
	Tags(ctx context.Context, tx *store.Tx, name Name) (map[string]string, error)
	SetTags(ctx context.Context, tx *store.Tx, name Name, tags map[string]string) error
}

// Service is this part of the desk. It is safe for concurrent use.
type Service struct {
	store   *store.Store
	holders map[Kind]Holder
}

// New returns it, with the holders of kinds beside filters. A kind without a
// holder has no resources.
func New(s *store.Store, holders map[Kind]Holder) *Service {
	all := map[Kind]Holder{Filter: filterTags{}}
	maps.Copy(all, holders)
	return &Service{s, all}
}

// AddHandlers adds the operations that this part implements.
func (s *Service) AddHandlers(h *inspector2.Handlers) {
	h.TagResource = s.TagResource
	h.UntagResource = s.UntagResource
	h.ListTagsForResource = s.ListTagsForResource
}

// TagResource adds tags to a resource of the caller's account and Region.
func (s *Service) TagResource(ctx context.Context, call *awsmodel.Call, in *inspector2.TagResourceInput) (*inspector2.TagResourceOutput, error) {
	err := s.change(ctx, call, in.ResourceArn, func(tags map[string]string) error {
		maps.Copy(tags, in.Tags)
		return Check(tags)
	})
	return &inspector2.TagResourceOutput{}, err
}

// UntagResource removes tags; those that are not there do not matter.
func (s *Service) UntagResource(ctx context.Context, call *awsmodel.Call, in *inspector2.UntagResourceInput) (*inspector2.UntagResourceOutput, error) {
	err := s.change(ctx, call, in.ResourceArn, func(tags map[string]string) error {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return nil
	})
	return &inspector2.UntagResourceOutput{}, err
}

// ListTagsForResource returns a resource's tags.
func (s *Service) ListTagsForResource(ctx context.Context, call *awsmodel.Call, in *inspector2.ListTagsForResourceInput) (*inspector2.ListTagsForResourceOutput, error) {
	out := &inspector2.ListTagsForResourceOutput{}
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		_, out.Tags, err = s.tags(ctx, tx, call, in.ResourceArn)
		return err
	})
	return out, err
}

// Of returns the tags of a resource by its ARN, for whoever decides by them;
// nil when there is no such resource.
func (s *Service) Of(ctx context.Context, resource arn.ARN) (map[string]string, error) {
	name, ok := Parse(resource)
	if !ok || s.holders[name.Kind] == nil {
		return nil, nil
	}
	var tags map[string]string
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		tags, err = s.holders[name.Kind].Tags(ctx, tx, name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return tags, err
}

// change stores what edit makes of a resource's tags.
func (s *Service) change(ctx context.Context, call *awsmodel.Call, resource string, edit func(map[string]string) error) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		name, tags, err := s.tags(ctx, tx, call, resource)
		if err != nil {
			return err
		}
		if err := edit(tags); err != nil {
			return err
		}
		return s.holders[name.Kind].SetTags(ctx, tx, name, tags)
	})
}

// tags finds a resource of the caller; the map is never nil. Nobody learns
// about resources of other accounts.
func (s *Service) tags(ctx context.Context, tx *store.Tx, call *awsmodel.Call, resource string) (Name, map[string]string, error) {
	name, ok := Parse(arn.ARN(resource))
	if !ok {
		return name, nil, &inspector2.ValidationException{
			Message: resource + " is not the ARN of a resource that can have tags.", Reason: inspector2.ValidationExceptionReasonOther,
		}
	}
	missing := &inspector2.ResourceNotFoundException{Message: "The resource " + resource + " does not exist."}
	holder := s.holders[name.Kind]
	if holder == nil || name.Account != call.Account() || name.Region != call.Region {
		return name, nil, missing
	}
	tags, err := holder.Tags(ctx, tx, name)
	if errors.Is(err, store.ErrNotFound) {
		return name, nil, missing
	}
	if tags == nil {
		tags = map[string]string{}
	}
	return name, tags, err
}

// Check returns a BadRequestException for tags that a resource may not have:
// too many, or reserved keys.
func Check(tags map[string]string) error {
	if len(tags) > Most {
		return bad("A resource has at most %d tags.", Most)
	}
	for key := range tags {
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return bad("Tag keys that begin with aws: are reserved for system use: %s", key)
		}
	}
	return nil
}

func bad(format string, args ...any) error {
	return &inspector2.BadRequestException{Message: fmt.Sprintf(format, args...)}
}

// filters holds the tags of filters.
type filterTags struct{}

func (filterTags) Tags(ctx context.Context, tx *store.Tx, name Name) (map[string]string, error) {
	f, err := filters.Lookup(ctx, tx, name.Account, name.Region, name.ID)
	if err == nil && f.Owner != name.Owner {
		err = store.ErrNotFound
	}
	return f.Tags, err
}

func (filterTags) SetTags(ctx context.Context, tx *store.Tx, name Name, tags map[string]string) error {
	return filters.SetTags(ctx, tx, name.Account, name.Region, name.ID, tags)
}
