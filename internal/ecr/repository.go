package ecr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/ecr"
	"muster/internal/registry/hosted"
	"muster/internal/store"
	"muster/internal/store/registry"
)

// CreateRepository makes a repository. Images come by pushes to this server, or
// when a registry connection of the account has one of that name.
func (s *Service) CreateRepository(ctx context.Context, call *awsmodel.Call, in *api.CreateRepositoryInput) (*api.CreateRepositoryOutput, error) {
	if in.RegistryId != nil && *in.RegistryId != string(call.Account()) {
		return nil, invalid("Invalid parameter at 'registryId' failed to satisfy constraint: 'Repositories are created in the registry of the caller'")
	}
	tags, err := newTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	r := registry.Repository{Account: call.Account(), Region: call.Region, Name: in.RepositoryName, CreatedAt: call.Time}
	r.Tags, r.Mutability, r.Exclusions = tags, string(in.ImageTagMutability), exclusions(in.ImageTagMutabilityExclusionFilters)
	if c := in.ImageScanningConfiguration; c != nil {
		r.ScanOnPush = c.ScanOnPush != nil && *c.ScanOnPush
	}
	if c := in.EncryptionConfiguration; c != nil {
		r.Encryption, r.Key = string(c.EncryptionType), value(c.KmsKey)
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		_, err := registry.LookupRepository(ctx, tx, r.Account, r.Region, r.Name)
		if err == nil {
			return &api.RepositoryAlreadyExistsException{
				Message: fmt.Sprintf("The repository with name '%s' already exists in the registry with id '%s'", r.Name, r.Account),
			}
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := registry.PutRepository(ctx, tx, r); err != nil {
			return err
		}
		return s.config.Images.RepositorySeen(ctx, tx, &r, call.Time)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateRepositoryOutput{Repository: show(&r, s.hosts(call)[""])}, nil
}

func exclusions(list []api.ImageTagMutabilityExclusionFilter) (patterns []string) {
	for _, f := range list {
		patterns = append(patterns, f.Filter)
	}
	return patterns
}

// show is a repository as callers see it. host is where its images are, ""
// while there is no connection.
func show(r *registry.Repository, host string) *api.Repository {
	uri := fmt.Sprintf("%s.dkr.ecr.%s.amazonaws.com/%s", r.Account, r.Region, r.Name)
	if host != "" {
		uri = host + "/" + cmp.Or(r.Remote, r.Name)
	}
	out := &api.Repository{
		RepositoryArn: new(string(r.ARN())), RegistryId: new(string(r.Account)), RepositoryName: new(r.Name), RepositoryUri: new(uri),
		CreatedAt: when(r.CreatedAt), ImageTagMutability: mutability(r.Mutability),
		ImageScanningConfiguration: &api.ImageScanningConfiguration{ScanOnPush: new(r.ScanOnPush)},
		EncryptionConfiguration:    &api.EncryptionConfiguration{EncryptionType: api.EncryptionTypeAes256, KmsKey: optional(r.Key)},
	}
	if r.Encryption != "" {
		out.EncryptionConfiguration.EncryptionType = api.EncryptionType(r.Encryption)
	}
	out.ImageTagMutabilityExclusionFilters = showExclusions(r.Exclusions)
	return out
}

func mutability(word string) api.ImageTagMutability {
	if word == "" {
		return api.ImageTagMutabilityMutable
	}
	return api.ImageTagMutability(word)
}

func showExclusions(patterns []string) (list []api.ImageTagMutabilityExclusionFilter) {
	for _, p := range patterns {
		list = append(list, api.ImageTagMutabilityExclusionFilter{FilterType: api.ImageTagMutabilityExclusionFilterTypeWildcard, Filter: p})
	}
	return list
}

// hosts finds where repositories are, asking once per connection.
type hosts map[string]string

// hosts begins with what is kept here.
func (s *Service) hosts(call *awsmodel.Call) hosts {
	here := ""
	if u := s.endpoint(call); u != nil {
		here = u.Host
	}
	return hosts{"": here, hosted.Connection: here}
}

func (h hosts) of(ctx context.Context, tx *store.Tx, r *registry.Repository) (string, error) {
	if host, ok := h[r.Connection]; ok {
		return host, nil
	}
	c, err := registry.LookupConnection(ctx, tx, r.Account, r.Region, r.Connection)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	if u, err := url.Parse(c.URL); err == nil {
		h[r.Connection] = u.Host
	}
	return h[r.Connection], nil
}

// DescribeRepositories lists repositories by name, or those that are named.
func (s *Service) DescribeRepositories(ctx context.Context, call *awsmodel.Call, in *api.DescribeRepositoriesInput) (*api.DescribeRepositoriesOutput, error) {
	const op = "DescribeRepositories"
	after, err := s.place(call, op, nil, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := size(in.MaxResults)
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.DescribeRepositoriesOutput, error) {
		list, err := named(ctx, tx, call, in)
		if err == nil && in.RepositoryNames == nil {
			if err = own(call, in.RegistryId, ""); err == nil {
				list, err = registry.Repositories(ctx, tx, call.Account(), call.Region, after, limit+1)
			}
		}
		if err != nil {
			return nil, err
		}
		out, at := &api.DescribeRepositoriesOutput{Repositories: []api.Repository{}}, s.hosts(call)
		if in.RepositoryNames == nil && len(list) > limit {
			list = list[:limit]
			out.NextToken = s.token(call, op, nil, list[limit-1].Name)
		}
		for i := range list {
			host, err := at.of(ctx, tx, &list[i])
			if err != nil {
				return nil, err
			}
			out.Repositories = append(out.Repositories, *show(&list[i], host))
		}
		return out, nil
	})
}

func named(ctx context.Context, tx *store.Tx, call *awsmodel.Call, in *api.DescribeRepositoriesInput) (list []registry.Repository, err error) {
	for _, name := range in.RepositoryNames {
		r, err := repository(ctx, tx, call, in.RegistryId, name)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// maxForced is how many images a repository may have that is deleted by force.
const maxForced = 1000

// DeleteRepository deletes an empty repository, or by force one with images,
// which are deleted in their registry first.
func (s *Service) DeleteRepository(ctx context.Context, call *awsmodel.Call, in *api.DeleteRepositoryInput) (*api.DeleteRepositoryOutput, error) {
	force := in.Force != nil && *in.Force
	images, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]registry.Entry, error) {
		r, err := repository(ctx, tx, call, in.RegistryId, in.RepositoryName)
		if err != nil {
			return nil, err
		}
		return registry.Page(ctx, tx, r.Account, r.Region, r.Name, "", maxForced+1)
	})
	if err != nil {
		return nil, err
	}
	if force && len(images) > maxForced {
		return nil, &api.ServerException{Message: fmt.Sprintf("The repository has more than %d images; delete them with BatchDeleteImage first.", maxForced)}
	}
	for i := range images {
		if !force {
			break
		}
		if err := s.config.Registry.DeleteImage(ctx, images[i].Key); err != nil {
			return nil, &api.ServerException{Message: "The registry did not delete image " + images[i].Digest + ": " + err.Error()}
		}
	}
	var out *api.DeleteRepositoryOutput
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		r, err := repository(ctx, tx, call, in.RegistryId, in.RepositoryName)
		if err != nil {
			return err
		}
		left, err := registry.Page(ctx, tx, r.Account, r.Region, r.Name, "", 1)
		if err == nil && len(left) > 0 {
			err = &api.RepositoryNotEmptyException{
				Message: fmt.Sprintf("The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", r.Name, r.Account),
			}
		}
		if err != nil {
			return err
		}
		host, err := s.hosts(call).of(ctx, tx, &r)
		if err != nil {
			return err
		}
		out = &api.DeleteRepositoryOutput{Repository: show(&r, host)}
		if err := registry.DeleteRepository(ctx, tx, r.Account, r.Region, r.Name); err != nil {
			return err
		}
		return s.config.Images.RepositoryGone(ctx, tx, r.Account, r.Region, r.Name, call.Time)
	})
	return out, err
}

// PutImageScanningConfiguration sets what basic scanning would do; enhanced
// scanning goes by the registry's rules.
func (s *Service) PutImageScanningConfiguration(ctx context.Context, call *awsmodel.Call, in *api.PutImageScanningConfigurationInput) (*api.PutImageScanningConfigurationOutput, error) {
	on := in.ImageScanningConfiguration.ScanOnPush != nil && *in.ImageScanningConfiguration.ScanOnPush
	err := s.edit(ctx, call, in.RegistryId, in.RepositoryName, func(r *registry.Repository) error {
		r.ScanOnPush = on
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutImageScanningConfigurationOutput{
		RegistryId: new(string(call.Account())), RepositoryName: new(in.RepositoryName), ImageScanningConfiguration: &api.ImageScanningConfiguration{ScanOnPush: new(on)},
	}, nil
}

// PutImageTagMutability notes whether tags may move. The registry behind the
// repository decides whether they do.
func (s *Service) PutImageTagMutability(ctx context.Context, call *awsmodel.Call, in *api.PutImageTagMutabilityInput) (*api.PutImageTagMutabilityOutput, error) {
	patterns := exclusions(in.ImageTagMutabilityExclusionFilters)
	err := s.edit(ctx, call, in.RegistryId, in.RepositoryName, func(r *registry.Repository) error {
		r.Mutability, r.Exclusions = string(in.ImageTagMutability), patterns
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutImageTagMutabilityOutput{
		RegistryId: new(string(call.Account())), RepositoryName: new(in.RepositoryName), ImageTagMutability: in.ImageTagMutability,
		ImageTagMutabilityExclusionFilters: showExclusions(patterns),
	}, nil
}
