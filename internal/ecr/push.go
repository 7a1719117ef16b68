package ecr

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/ecr"
	"muster/internal/ecr/pass"
	"muster/internal/registry/hosted"
)

// partSize is what InitiateLayerUpload proposes, in bytes: in base64 it fits
// into a request.
const partSize = 5 << 20

// GetAuthorizationToken issues what `docker login` takes: it opens the caller's
// registry in the Region of the call for twelve hours, with the permissions
// that the caller has at each use.
func (s *Service) GetAuthorizationToken(_ context.Context, call *awsmodel.Call, in *api.GetAuthorizationTokenInput) (*api.GetAuthorizationTokenOutput, error) {
	at := s.endpoint(call)
	if at == nil || s.config.Passes == nil {
		return nil, &api.ServerException{Message: "It is not known under which address clients reach this registry."}
	}
	expires := call.Time.Add(pass.Life)
	password, err := s.config.Passes.Issue(pass.Pass{Principal: call.Principal, Region: call.Region, Expires: expires})
	if err != nil {
		return nil, err
	}
	data := api.AuthorizationData{
		AuthorizationToken: new(base64.StdEncoding.EncodeToString([]byte(pass.User + ":" + password))), ExpiresAt: when(expires), ProxyEndpoint: new(at.String()),
	}
	out := &api.GetAuthorizationTokenOutput{AuthorizationData: []api.AuthorizationData{data}}
	for range max(len(in.RegistryIds)-1, 0) { // One token, whatever registries are named, as AWS has it.
		out.AuthorizationData = append(out.AuthorizationData, data)
	}
	return out, nil
}

// hosted checks that a repository's images can be pushed here and names it.
func (s *Service) hosted(call *awsmodel.Call, registryID *string, name string) (hosted.Repository, error) {
	if err := own(call, registryID, name); err != nil {
		return hosted.Repository{}, err
	}
	return hosted.At(call.Account(), call.Region, name), nil
}

// refused puts an error of what is kept here into ECR's words.
func refused(at hosted.Repository, upload string, err error) error {
	switch {
	case errors.Is(err, hosted.ErrNoRepository):
		return &api.RepositoryNotFoundException{Message: fmt.Sprintf("The repository with name '%s' does not exist in the registry with id '%s'", at.Name, at.Account)}
	case errors.Is(err, hosted.ErrElsewhere):
		return &api.InvalidParameterException{Message: fmt.Sprintf("The images of repository '%s' are in another registry: push them there", at.Name)}
	case errors.Is(err, hosted.ErrNoUpload):
		return &api.UploadNotFoundException{Message: fmt.Sprintf("Upload with id '%s' does not exist in the repository with name '%s' in the registry with id '%s'", upload, at.Name, at.Account)}
	case errors.Is(err, hosted.ErrDigest):
		return &api.InvalidLayerException{Message: "The layer digest does not match the layer that was uploaded."}
	case errors.Is(err, hosted.ErrRoom):
		return &api.LimitExceededException{Message: err.Error()}
	case errors.Is(err, hosted.ErrImmutable):
		return &api.ImageTagAlreadyExistsException{Message: fmt.Sprintf("The image tag already exists in the '%s' repository and cannot be overwritten because the repository is immutable.", at.Name)}
	case errors.Is(err, hosted.ErrManifest):
		return &api.InvalidParameterException{Message: "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax' or unknown form: " + err.Error()}
	case errors.Is(err, hosted.ErrNoBlob):
		return &api.LayersNotFoundException{Message: "A layer that the image needs is not in the repository: " + err.Error()}
	case errors.Is(err, hosted.ErrNoManifest):
		return &api.ReferencedImagesNotFoundException{Message: "An image that the manifest list needs is not in the repository: " + err.Error()}
	}
	return err
}

// InitiateLayerUpload begins the upload of a layer.
func (s *Service) InitiateLayerUpload(ctx context.Context, call *awsmodel.Call, in *api.InitiateLayerUploadInput) (*api.InitiateLayerUploadOutput, error) {
	at, err := s.hosted(call, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	id, err := s.config.Hosted.Begin(ctx, at)
	if err != nil {
		return nil, refused(at, id, err)
	}
	return &api.InitiateLayerUploadOutput{UploadId: new(id), PartSize: new(int64(partSize))}, nil
}

// UploadLayerPart adds a part to an upload.
func (s *Service) UploadLayerPart(ctx context.Context, call *awsmodel.Call, in *api.UploadLayerPartInput) (*api.UploadLayerPartOutput, error) {
	at, err := s.hosted(call, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	part := func(last int64) error {
		return &api.InvalidLayerPartException{
			Message: "The layer part does not begin where the last one ended, or is not as long as it says.", RegistryId: new(string(at.Account)),
			RepositoryName: new(at.Name), UploadId: new(in.UploadId), LastValidByteReceived: new(last),
		}
	}
	if in.PartLastByte-in.PartFirstByte+1 != int64(len(in.LayerPartBlob)) {
		return nil, part(in.PartFirstByte - 1)
	}
	size, err := s.config.Hosted.Append(ctx, at, in.UploadId, in.PartFirstByte, bytes.NewReader(in.LayerPartBlob))
	if errors.Is(err, hosted.ErrRange) {
		return nil, part(size - 1)
	}
	if err != nil {
		return nil, refused(at, in.UploadId, err)
	}
	return &api.UploadLayerPartOutput{RegistryId: new(string(at.Account)), RepositoryName: new(at.Name), UploadId: new(in.UploadId), LastByteReceived: new(size - 1)}, nil
}

// CompleteLayerUpload makes an upload a layer.
func (s *Service) CompleteLayerUpload(ctx context.Context, call *awsmodel.Call, in *api.CompleteLayerUploadInput) (*api.CompleteLayerUploadOutput, error) {
	at, err := s.hosted(call, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if len(in.LayerDigests) != 1 {
		return nil, invalid("Invalid parameter at 'layerDigests' failed to satisfy constraint: 'one digest'")
	}
	digest := in.LayerDigests[0]
	if size, err := s.config.Hosted.Size(ctx, at, in.UploadId); err == nil && size == 0 {
		return nil, &api.EmptyUploadException{Message: "The upload has no layer parts."}
	}
	if err := s.config.Hosted.Complete(ctx, at, in.UploadId, digest); err != nil {
		return nil, refused(at, in.UploadId, err)
	}
	return &api.CompleteLayerUploadOutput{RegistryId: new(string(at.Account)), RepositoryName: new(at.Name), UploadId: new(in.UploadId), LayerDigest: new(digest)}, nil
}

// BatchCheckLayerAvailability tells which layers a repository has.
func (s *Service) BatchCheckLayerAvailability(ctx context.Context, call *awsmodel.Call, in *api.BatchCheckLayerAvailabilityInput) (*api.BatchCheckLayerAvailabilityOutput, error) {
	at, err := s.hosted(call, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	out := &api.BatchCheckLayerAvailabilityOutput{Layers: []api.Layer{}, Failures: []api.LayerFailure{}}
	for _, digest := range in.LayerDigests {
		if !digestForm.MatchString(digest) {
			out.Failures = append(out.Failures, api.LayerFailure{
				LayerDigest: new(digest), FailureCode: api.LayerFailureCodeInvalidLayerDigest, FailureReason: new("The layer digest is not of the form sha256:…"),
			})
			continue
		}
		layer := api.Layer{LayerDigest: new(digest), LayerAvailability: api.LayerAvailabilityUnavailable}
		b, err := s.config.Hosted.Blob(ctx, at, digest)
		switch {
		case err == nil:
			layer.LayerAvailability, layer.LayerSize, layer.MediaType = api.LayerAvailabilityAvailable, new(b.Size), new("application/vnd.docker.image.rootfs.diff.tar.gzip")
		case !errors.Is(err, hosted.ErrNoBlob):
			return nil, refused(at, "", err)
		}
		out.Layers = append(out.Layers, layer)
	}
	return out, nil
}

// PutImage stores a manifest whose layers are there.
func (s *Service) PutImage(ctx context.Context, call *awsmodel.Call, in *api.PutImageInput) (*api.PutImageOutput, error) {
	at, err := s.hosted(call, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	mediaType := value(in.ImageManifestMediaType)
	if mediaType == "" {
		var m struct {
			MediaType string `json:"mediaType"`
		}
		if err := json.Unmarshal([]byte(in.ImageManifest), &m); err != nil || m.MediaType == "" {
			return nil, invalid("Invalid parameter at 'ImageManifestMediaType' failed to satisfy constraint: 'must be given where the manifest does not say it'")
		}
		mediaType = m.MediaType
	}
	e, known, err := s.config.Hosted.PutManifest(ctx, at, value(in.ImageTag), value(in.ImageDigest), mediaType, []byte(in.ImageManifest))
	switch {
	case errors.Is(err, hosted.ErrDigest):
		return nil, &api.ImageDigestDoesNotMatchException{Message: "The digest of the manifest is not the one that was given."}
	case err != nil:
		return nil, refused(at, "", err)
	case known:
		return nil, &api.ImageAlreadyExistsException{Message: fmt.Sprintf("Image with digest '%s' and tag '%s' already exists in the repository with name '%s' in registry with id '%s'",
			e.Digest, value(in.ImageTag), at.Name, at.Account)}
	}
	return &api.PutImageOutput{Image: &api.Image{
		RegistryId: new(string(at.Account)), RepositoryName: new(at.Name), ImageManifest: new(e.Manifest), ImageManifestMediaType: new(e.MediaType),
		ImageId: &api.ImageIdentifier{ImageDigest: new(e.Digest), ImageTag: in.ImageTag},
	}}, nil
}

// GetDownloadURLForLayer returns a link that downloads a layer for an hour.
func (s *Service) GetDownloadURLForLayer(ctx context.Context, call *awsmodel.Call, in *api.GetDownloadUrlForLayerInput) (*api.GetDownloadUrlForLayerOutput, error) {
	at, err := s.hosted(call, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	where := s.endpoint(call)
	if where == nil || s.config.Passes == nil {
		return nil, &api.ServerException{Message: "It is not known under which address clients reach this registry."}
	}
	if _, err := s.config.Hosted.Blob(ctx, at, in.LayerDigest); errors.Is(err, hosted.ErrNoBlob) {
		return nil, &api.LayersNotFoundException{Message: fmt.Sprintf("The layer with digest '%s' is not in the repository '%s'", in.LayerDigest, at.Name)}
	} else if err != nil {
		return nil, refused(at, "", err)
	}
	link, err := s.config.Passes.IssueLink(pass.Link{Account: at.Account, Region: at.Region, Repository: at.Name, Digest: in.LayerDigest, Expires: call.Time.Add(pass.LinkLife)})
	if err != nil {
		return nil, err
	}
	u := *where
	u.Path, u.RawQuery = "/v2/"+at.Name+"/blobs/"+in.LayerDigest, url.Values{"link": {link}}.Encode()
	return &api.GetDownloadUrlForLayerOutput{DownloadUrl: new(u.String()), LayerDigest: new(in.LayerDigest)}, nil
}
