package ecr

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/ecr"
	"muster/internal/finding"
	"muster/internal/registry/hosted"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/registry"
)

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// find returns the image that an identifier names; a failure's code says why
// there is none.
func find(ctx context.Context, tx *store.Tx, r *registry.Repository, id api.ImageIdentifier) (registry.Entry, api.ImageFailureCode, error) {
	digest, tag := value(id.ImageDigest), value(id.ImageTag)
	switch {
	case digest == "" && tag == "":
		return registry.Entry{}, api.ImageFailureCodeMissingDigestAndTag, nil
	case digest != "" && !digestForm.MatchString(digest):
		return registry.Entry{}, api.ImageFailureCodeInvalidImageDigest, nil
	}
	if tag != "" {
		tagged, err := registry.Tagged(ctx, tx, r.Account, r.Region, r.Name, tag)
		if errors.Is(err, store.ErrNotFound) {
			return registry.Entry{}, api.ImageFailureCodeImageNotFound, nil
		}
		if err != nil {
			return registry.Entry{}, "", err
		}
		if digest != "" && digest != tagged {
			return registry.Entry{}, api.ImageFailureCodeImageTagDoesNotMatchDigest, nil
		}
		digest = tagged
	}
	e, err := registry.Lookup(ctx, tx, registry.Key{Account: r.Account, Region: r.Region, Repository: r.Name, Digest: digest})
	if errors.Is(err, store.ErrNotFound) {
		return e, api.ImageFailureCodeImageNotFound, nil
	}
	return e, "", err
}

// failure says in ECR's words why there is no such image.
func failure(id api.ImageIdentifier, code api.ImageFailureCode) api.ImageFailure {
	text := map[api.ImageFailureCode]string{
		api.ImageFailureCodeMissingDigestAndTag:        "Invalid request parameters: both tag and digest cannot be null",
		api.ImageFailureCodeInvalidImageDigest:         "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
		api.ImageFailureCodeImageNotFound:              "Requested image not found",
		api.ImageFailureCodeImageTagDoesNotMatchDigest: "Requested tag does not match the requested digest",
	}[code]
	return api.ImageFailure{ImageId: &id, FailureCode: code, FailureReason: new(text)}
}

// one is find for operations about a single image.
func one(ctx context.Context, tx *store.Tx, r *registry.Repository, id *api.ImageIdentifier) (registry.Entry, error) {
	e, code, err := find(ctx, tx, r, *id)
	switch {
	case err != nil || code == "":
		return e, err
	case code == api.ImageFailureCodeImageNotFound:
		return e, &api.ImageNotFoundException{Message: fmt.Sprintf(
			"The image with imageId %s does not exist within the repository with name '%s' in the registry with id '%s'", shown(id), r.Name, r.Account)}
	}
	return e, invalid("%s", *failure(*id, code).FailureReason)
}

// shown is an identifier as ECR writes it.
func shown(id *api.ImageIdentifier) string {
	part := func(s *string) string {
		if s == nil {
			return "null"
		}
		return *s
	}
	return fmt.Sprintf("{imageDigest:'%s', imageTag:'%s'}", part(id.ImageDigest), part(id.ImageTag))
}

// query is what a page token of an image list is bound to.
type query struct{ Repository, TagStatus, ImageStatus string }

// perStep is how many images are read at a time.
const perStep = 200

// walk hands the images of a repository on, by digest after the one given,
// until do says that it has enough.
func walk(ctx context.Context, tx *store.Tx, r *registry.Repository, after string, do func(*registry.Entry) (more bool)) error {
	for {
		page, err := registry.Page(ctx, tx, r.Account, r.Region, r.Name, after, perStep)
		if err != nil {
			return err
		}
		for i := range page {
			if after = page[i].Digest; !do(&page[i]) {
				return nil
			}
		}
		if len(page) < perStep {
			return nil
		}
	}
}

// ListImages lists the images of a repository: one entry per tag, and one for
// an image without tags.
func (s *Service) ListImages(ctx context.Context, call *awsmodel.Call, in *api.ListImagesInput) (*api.ListImagesOutput, error) {
	const op = "ListImages"
	var only filter
	if in.Filter != nil {
		only = filter{in.Filter.TagStatus, in.Filter.ImageStatus}
	}
	bound := query{in.RepositoryName, string(only.tags), string(only.status)}
	after, err := s.place(call, op, bound, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := size(in.MaxResults)
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListImagesOutput, error) {
		r, err := repository(ctx, tx, call, in.RegistryId, in.RepositoryName)
		if err != nil {
			return nil, err
		}
		out, last := &api.ListImagesOutput{ImageIds: []api.ImageIdentifier{}}, ""
		err = walk(ctx, tx, &r, after, func(e *registry.Entry) bool {
			if !only.meets(e) {
				return true
			}
			// A page may be longer by the tags of its last image.
			if len(out.ImageIds) >= limit {
				out.NextToken = s.token(call, op, bound, last)
				return false
			}
			last = e.Digest
			out.ImageIds = append(out.ImageIds, identifiers(e)...)
			return true
		})
		return out, err
	})
}

func identifiers(e *registry.Entry) (list []api.ImageIdentifier) {
	for _, t := range e.Tags {
		list = append(list, api.ImageIdentifier{ImageDigest: new(e.Digest), ImageTag: new(t)})
	}
	if list == nil {
		list = append(list, api.ImageIdentifier{ImageDigest: new(e.Digest)})
	}
	return list
}

// DescribeImages describes the images of a repository, or those that are
// named, with what a scan found.
func (s *Service) DescribeImages(ctx context.Context, call *awsmodel.Call, in *api.DescribeImagesInput) (*api.DescribeImagesOutput, error) {
	const op = "DescribeImages"
	var only filter
	if in.Filter != nil {
		only = filter{in.Filter.TagStatus, in.Filter.ImageStatus}
	}
	bound := query{in.RepositoryName, string(only.tags), string(only.status)}
	after, err := s.place(call, op, bound, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := size(in.MaxResults)
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.DescribeImagesOutput, error) {
		r, err := repository(ctx, tx, call, in.RegistryId, in.RepositoryName)
		if err != nil {
			return nil, err
		}
		out := &api.DescribeImagesOutput{ImageDetails: []api.ImageDetail{}}
		var list []registry.Entry
		if in.ImageIds != nil {
			list, err = theseImages(ctx, tx, &r, in.ImageIds)
		} else {
			err = walk(ctx, tx, &r, after, func(e *registry.Entry) bool {
				if !only.meets(e) {
					return true
				}
				if len(list) == limit {
					out.NextToken = s.token(call, op, bound, list[limit-1].Digest)
					return false
				}
				list = append(list, *e)
				return true
			})
		}
		for i := range list {
			if err != nil {
				break
			}
			var d api.ImageDetail
			d, err = detail(ctx, tx, &list[i])
			out.ImageDetails = append(out.ImageDetails, d)
		}
		return out, err
	})
}

func theseImages(ctx context.Context, tx *store.Tx, r *registry.Repository, ids []api.ImageIdentifier) (list []registry.Entry, err error) {
	for i := range ids {
		e, err := one(ctx, tx, r, &ids[i])
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

func detail(ctx context.Context, tx *store.Tx, e *registry.Entry) (api.ImageDetail, error) {
	d := api.ImageDetail{
		RegistryId: new(string(e.Account)), RepositoryName: new(e.Repository), ImageDigest: new(e.Digest), ImageTags: e.Tags,
		ImagePushedAt: when(e.PushedAt), ImageManifestMediaType: new(e.MediaType), ArtifactMediaType: optional(e.ConfigType),
		LastRecordedPullTime: when(e.PulledAt), ImageStatus: imageStatus(e), LastArchivedAt: when(e.ArchivedAt), LastActivatedAt: when(e.ActivatedAt),
	}
	if e.Kind != registry.Index {
		d.ImageSizeInBytes = new(e.Size)
	}
	r, err := catalog.LookupResource(ctx, tx, imagePlace(e))
	if errors.Is(err, store.ErrNotFound) || err == nil && !r.Covered {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	d.ImageScanStatus = scanStatus(&r)
	if r.ScannedAt.IsZero() {
		return d, nil
	}
	list, err := active(ctx, tx, &r)
	if err != nil {
		return d, err
	}
	d.ImageScanFindingsSummary = &api.ImageScanFindingsSummary{
		ImageScanCompletedAt: when(r.ScannedAt), VulnerabilitySourceUpdatedAt: when(r.ScannedAt), FindingSeverityCounts: counts(list),
	}
	return d, nil
}

func imagePlace(e *registry.Entry) catalog.Place {
	return catalog.Place{Account: e.Account, Region: e.Region, Type: finding.ContainerImage, ID: string(e.ARN())}
}

// BatchGetImage returns the manifests of images.
func (s *Service) BatchGetImage(ctx context.Context, call *awsmodel.Call, in *api.BatchGetImageInput) (*api.BatchGetImageOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.BatchGetImageOutput, error) {
		r, err := repository(ctx, tx, call, in.RegistryId, in.RepositoryName)
		if err != nil {
			return nil, err
		}
		out := &api.BatchGetImageOutput{Images: []api.Image{}, Failures: []api.ImageFailure{}}
		for _, id := range in.ImageIds {
			e, code, err := find(ctx, tx, &r, id)
			if err != nil {
				return nil, err
			}
			if code != "" {
				out.Failures = append(out.Failures, failure(id, code))
				continue
			}
			out.Images = append(out.Images, api.Image{
				RegistryId: new(string(r.Account)), RepositoryName: new(r.Name), ImageManifest: new(e.Manifest), ImageManifestMediaType: new(e.MediaType),
				ImageId: &api.ImageIdentifier{ImageDigest: new(e.Digest), ImageTag: id.ImageTag},
			})
		}
		return out, nil
	})
}

// BatchDeleteImage deletes images in their registry. Of one that is kept here
// a tag goes alone while it has others; elsewhere one that is named by a tag
// goes as a whole, because registries of the open interface delete by digest.
func (s *Service) BatchDeleteImage(ctx context.Context, call *awsmodel.Call, in *api.BatchDeleteImageInput) (*api.BatchDeleteImageOutput, error) {
	out := &api.BatchDeleteImageOutput{ImageIds: []api.ImageIdentifier{}, Failures: []api.ImageFailure{}}
	for _, id := range in.ImageIds {
		var e registry.Entry
		var code api.ImageFailureCode
		var here bool
		err := s.store.View(ctx, func(tx *store.Tx) error {
			r, err := repository(ctx, tx, call, in.RegistryId, in.RepositoryName)
			if err == nil {
				here = r.Connection == hosted.Connection
				e, code, err = find(ctx, tx, &r, id)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if code == "" && here && id.ImageDigest == nil && len(e.Tags) > 1 {
			if err := s.config.Hosted.Delete(ctx, hosted.At(e.Account, e.Region, e.Repository), *id.ImageTag); err != nil {
				return nil, err
			}
			out.ImageIds = append(out.ImageIds, api.ImageIdentifier{ImageDigest: new(e.Digest), ImageTag: id.ImageTag})
			continue
		}
		if code == "" {
			err = s.config.Registry.DeleteImage(ctx, e.Key)
		}
		switch {
		case code != "":
			out.Failures = append(out.Failures, failure(id, code))
		case err != nil:
			out.Failures = append(out.Failures, api.ImageFailure{ImageId: &id, FailureCode: api.ImageFailureCodeUpstreamUnavailable, FailureReason: new(err.Error())})
		default:
			out.ImageIds = append(out.ImageIds, identifiers(&e)...)
		}
	}
	return out, nil
}
