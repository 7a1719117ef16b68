package ecr

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/ecr"
	"muster/internal/registry/eligible"
	"muster/internal/store"
	"muster/internal/store/registry"
)

// maxTags is how many tags a repository has.
const maxTags = 50

// newTags adds tags to those that there are.
func newTags(before map[string]string, added []api.Tag) (map[string]string, error) {
	tags := maps.Clone(before)
	if tags == nil {
		tags = map[string]string{}
	}
	for _, t := range added {
		switch {
		case t.Key == "" || len([]rune(t.Key)) > 128 || len([]rune(t.Value)) > 256:
			return nil, &api.InvalidTagParameterException{Message: "Invalid parameter at 'tags' failed to satisfy constraint: 'Tag keys have 1 to 128 characters, values at most 256'"}
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return nil, &api.InvalidTagParameterException{Message: "Invalid parameter at 'tags' failed to satisfy constraint: 'Tag keys must not begin with aws:'"}
		}
		tags[t.Key] = t.Value
	}
	if len(tags) > maxTags {
		return nil, &api.TooManyTagsException{Message: fmt.Sprintf("The repository has %d tags, more than the allowed %d", len(tags), maxTags)}
	}
	return tags, nil
}

// nameOf is the repository that an ARN of the caller's registry names.
func nameOf(call *awsmodel.Call, resource string) (string, error) {
	p, err := arn.Parse(arn.ARN(resource))
	name, ok := strings.CutPrefix(p.Resource, "repository/")
	if err != nil || !ok || p.Service != "ecr" || name == "" {
		return "", invalid("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
	}
	if p.Account != call.Account() || p.Region != call.Region {
		return "", noRepository(p.Account, name)
	}
	return name, nil
}

// TagResource adds tags to a repository.
func (s *Service) TagResource(ctx context.Context, call *awsmodel.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	name, err := nameOf(call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	err = s.edit(ctx, call, nil, name, func(r *registry.Repository) (err error) {
		r.Tags, err = newTags(r.Tags, in.Tags)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from a repository.
func (s *Service) UntagResource(ctx context.Context, call *awsmodel.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	name, err := nameOf(call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	err = s.edit(ctx, call, nil, name, func(r *registry.Repository) error {
		for _, k := range in.TagKeys {
			delete(r.Tags, k)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource lists a repository's tags by key.
func (s *Service) ListTagsForResource(ctx context.Context, call *awsmodel.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	name, err := nameOf(call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	r, err := s.read(ctx, call, nil, name)
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{Tags: []api.Tag{}}
	for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
		out.Tags = append(out.Tags, api.Tag{Key: k, Value: r.Tags[k]})
	}
	return out, nil
}

func (s *Service) read(ctx context.Context, call *awsmodel.Call, id *string, name string) (registry.Repository, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (registry.Repository, error) { return repository(ctx, tx, call, id, name) })
}

// SetRepositoryPolicy sets who may use a repository.
func (s *Service) SetRepositoryPolicy(ctx context.Context, call *awsmodel.Call, in *api.SetRepositoryPolicyInput) (*api.SetRepositoryPolicyOutput, error) {
	if _, err := eligible.ParsePolicy(in.PolicyText); err != nil {
		return nil, invalid("Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'")
	}
	err := s.editPolicy(ctx, call, in.RegistryId, in.RepositoryName, func(r *registry.Repository) error {
		r.Policy = in.PolicyText
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.SetRepositoryPolicyOutput{RegistryId: new(string(call.Account())), RepositoryName: new(in.RepositoryName), PolicyText: new(in.PolicyText)}, nil
}

// editPolicy changes a repository's policy. Where that lets Inspector in or
// keeps it out, its images are judged anew.
func (s *Service) editPolicy(ctx context.Context, call *awsmodel.Call, id *string, name string, fn func(r *registry.Repository) error) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		r, err := repository(ctx, tx, call, id, name)
		if err != nil {
			return err
		}
		before := eligible.KeptOut(&r)
		if err := fn(&r); err != nil {
			return err
		}
		if err := registry.PutRepository(ctx, tx, r); err != nil || eligible.KeptOut(&r) == before {
			return err
		}
		return s.config.Images.Rejudge(ctx, tx, r.Account, r.Region, call.Time)
	})
}

func noPolicy(call *awsmodel.Call, name string) error {
	return &api.RepositoryPolicyNotFoundException{
		Message: fmt.Sprintf("Repository policy does not exist for the repository with name '%s' in the registry with id '%s'", name, call.Account()),
	}
}

// GetRepositoryPolicy returns a repository's policy.
func (s *Service) GetRepositoryPolicy(ctx context.Context, call *awsmodel.Call, in *api.GetRepositoryPolicyInput) (*api.GetRepositoryPolicyOutput, error) {
	r, err := s.read(ctx, call, in.RegistryId, in.RepositoryName)
	if err == nil && r.Policy == "" {
		err = noPolicy(call, r.Name)
	}
	if err != nil {
		return nil, err
	}
	return &api.GetRepositoryPolicyOutput{RegistryId: new(string(r.Account)), RepositoryName: new(r.Name), PolicyText: new(r.Policy)}, nil
}

// DeleteRepositoryPolicy removes it.
func (s *Service) DeleteRepositoryPolicy(ctx context.Context, call *awsmodel.Call, in *api.DeleteRepositoryPolicyInput) (*api.DeleteRepositoryPolicyOutput, error) {
	var was string
	err := s.editPolicy(ctx, call, in.RegistryId, in.RepositoryName, func(r *registry.Repository) error {
		if r.Policy == "" {
			return noPolicy(call, r.Name)
		}
		was, r.Policy = r.Policy, ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRepositoryPolicyOutput{RegistryId: new(string(call.Account())), RepositoryName: new(in.RepositoryName), PolicyText: new(was)}, nil
}
