// Package ecr is the desk for the operations of Amazon ECR that users of
// Inspector call: repositories and images as the account's registry connections
// know them, how the registry is scanned, and what was found in an image.
//
// Images are in the registry behind a connection (package registry), or here
// (registry/hosted): then they are pushed by the operations of this desk or by
// the open interface of registries, with the token that it issues.
package ecr

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/ecr"
	"muster/internal/ecr/pass"
	"muster/internal/registry/hosted"
	"muster/internal/store"
	"muster/internal/store/registry"
)

// Images takes what changes about images and repositories. The scan desk
// implements it.
type Images interface {
	RepositorySeen(ctx context.Context, tx *store.Tx, r *registry.Repository, now time.Time) error
	RepositoryGone(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, name string, now time.Time) error
	ImageSeen(ctx context.Context, tx *store.Tx, e *registry.Entry, now time.Time) error
	// Rejudge asks for all resources of an account in a Region to be judged
	// anew.
	Rejudge(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, now time.Time) error
}

// Registry reaches the registries behind repositories.
type Registry interface {
	// DeleteImage deletes an image there and here.
	DeleteImage(ctx context.Context, k registry.Key) error
}

// Pager seals and opens page tokens. *pagetoken.Sealer is one.
type Pager interface {
	Seal(call *awsmodel.Call, op string, query any, cursor []byte) string
	Open(call *awsmodel.Call, op string, query any, token string) ([]byte, error)
}

// Config are the desk's parts.
type Config struct {
	Store    *store.Store
	Pages    Pager
	Images   Images
	Registry Registry
	// Activate switches Inspector's scanning of images on for the caller, as
	// enhanced scanning needs it.
	Activate func(ctx context.Context, call *awsmodel.Call) error
	// Hosted keeps images that are pushed here, Passes lets their owners in.
	Hosted *hosted.Service
	Passes *pass.Office
	// Endpoint is where callers reach this server; nil where that is not known,
	// or images cannot be pushed there.
	Endpoint func(call *awsmodel.Call) *url.URL
	// Now is the clock of the jobs; nil means time.Now.
	Now func() time.Time
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	config Config
	store  *store.Store
}

// New returns the desk.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c, c.Store}
}

// endpoint is where the caller reaches this server, nil where that is not known.
func (s *Service) endpoint(call *awsmodel.Call) *url.URL {
	if s.config.Endpoint == nil {
		return nil
	}
	return s.config.Endpoint(call)
}

// now is the time in UTC, as precise as it is stored.
func (s *Service) now() time.Time { return s.config.Now().UTC().Truncate(time.Microsecond) }

// Handlers lists the operations that the desk implements.
func (s *Service) Handlers() api.Handlers {
	return api.Handlers{
		BatchCheckLayerAvailability:             s.BatchCheckLayerAvailability,
		BatchDeleteImage:                        s.BatchDeleteImage,
		BatchGetImage:                           s.BatchGetImage,
		BatchGetRepositoryScanningConfiguration: s.BatchGetRepositoryScanningConfiguration,
		CompleteLayerUpload:                     s.CompleteLayerUpload,
		CreateRepository:                        s.CreateRepository,
		DeleteLifecyclePolicy:                   s.DeleteLifecyclePolicy,
		GetLifecyclePolicy:                      s.GetLifecyclePolicy,
		GetLifecyclePolicyPreview:               s.GetLifecyclePolicyPreview,
		PutLifecyclePolicy:                      s.PutLifecyclePolicy,
		StartLifecyclePolicyPreview:             s.StartLifecyclePolicyPreview,
		DeleteRepository:                        s.DeleteRepository,
		DeleteRepositoryPolicy:                  s.DeleteRepositoryPolicy,
		DescribeImages:                          s.DescribeImages,
		DescribeImageScanFindings:               s.DescribeImageScanFindings,
		DescribeRegistry:                        s.DescribeRegistry,
		DescribeRepositories:                    s.DescribeRepositories,
		GetAuthorizationToken:                   s.GetAuthorizationToken,
		GetDownloadUrlForLayer:                  s.GetDownloadURLForLayer,
		InitiateLayerUpload:                     s.InitiateLayerUpload,
		PutImage:                                s.PutImage,
		UploadLayerPart:                         s.UploadLayerPart,
		GetRegistryScanningConfiguration:        s.GetRegistryScanningConfiguration,
		GetRepositoryPolicy:                     s.GetRepositoryPolicy,
		ListImages:                              s.ListImages,
		ListTagsForResource:                     s.ListTagsForResource,
		PutImageScanningConfiguration:           s.PutImageScanningConfiguration,
		PutImageTagMutability:                   s.PutImageTagMutability,
		PutRegistryScanningConfiguration:        s.PutRegistryScanningConfiguration,
		SetRepositoryPolicy:                     s.SetRepositoryPolicy,
		StartImageScan:                          s.StartImageScan,
		TagResource:                             s.TagResource,
		UntagResource:                           s.UntagResource,
		UpdateImageStorageClass:                 s.UpdateImageStorageClass,
	}
}

// DescribeRegistry says whose registry it is; nothing is replicated.
func (s *Service) DescribeRegistry(_ context.Context, call *awsmodel.Call, _ *api.DescribeRegistryInput) (*api.DescribeRegistryOutput, error) {
	return &api.DescribeRegistryOutput{
		RegistryId: new(string(call.Account())), ReplicationConfiguration: &api.ReplicationConfiguration{Rules: []api.ReplicationRule{}},
	}, nil
}

// own refuses the registries of other accounts.
func own(call *awsmodel.Call, id *string, repository string) error {
	if id == nil || *id == string(call.Account()) {
		return nil
	}
	return noRepository(arn.AccountID(*id), repository)
}

func noRepository(registry arn.AccountID, name string) error {
	return &api.RepositoryNotFoundException{
		Message: fmt.Sprintf("The repository with name '%s' does not exist in the registry with id '%s'", name, registry),
	}
}

// repository returns a repository of the caller's.
func repository(ctx context.Context, tx *store.Tx, call *awsmodel.Call, id *string, name string) (registry.Repository, error) {
	if err := own(call, id, name); err != nil {
		return registry.Repository{}, err
	}
	r, err := registry.LookupRepository(ctx, tx, call.Account(), call.Region, name)
	if errors.Is(err, store.ErrNotFound) {
		err = noRepository(call.Account(), name)
	}
	return r, err
}

// edit changes a repository's settings.
func (s *Service) edit(ctx context.Context, call *awsmodel.Call, id *string, name string, fn func(r *registry.Repository) error) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		r, err := repository(ctx, tx, call, id, name)
		if err == nil {
			err = fn(&r)
		}
		if err != nil {
			return err
		}
		if err := registry.PutRepository(ctx, tx, r); err != nil {
			return err
		}
		return s.config.Images.RepositorySeen(ctx, tx, &r, call.Time)
	})
}

// place opens a page token into the cursor that the page before ended with.
func (s *Service) place(call *awsmodel.Call, op string, query any, token *string) (string, error) {
	if token == nil || *token == "" {
		return "", nil
	}
	cursor, err := s.config.Pages.Open(call, op, query, *token)
	if err != nil {
		return "", invalid("Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")
	}
	return string(cursor), nil
}

func (s *Service) token(call *awsmodel.Call, op string, query any, cursor string) *string {
	return new(s.config.Pages.Seal(call, op, query, []byte(cursor)))
}

// size is how many items a page has.
func size(asked *int32) int {
	if asked == nil {
		return 100
	}
	return min(max(int(*asked), 1), 1000)
}

func invalid(format string, args ...any) error {
	return &api.InvalidParameterException{Message: fmt.Sprintf(format, args...)}
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
