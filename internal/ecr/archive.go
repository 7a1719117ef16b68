package ecr

import (
	"context"
	"fmt"
	"time"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/ecr"
	"muster/internal/store"
	"muster/internal/store/registry"
)

// UpdateImageStorageClass archives an image, which is then not scanned, or
// takes it out of the archive, which counts as a push. The registry behind the
// repository keeps it where it is.
func (s *Service) UpdateImageStorageClass(ctx context.Context, call *awsmodel.Call, in *api.UpdateImageStorageClassInput) (*api.UpdateImageStorageClassOutput, error) {
	var out *api.UpdateImageStorageClassOutput
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		r, err := repository(ctx, tx, call, in.RegistryId, in.RepositoryName)
		if err != nil {
			return err
		}
		e, err := one(ctx, tx, &r, in.ImageId)
		if err != nil {
			return err
		}
		if err := archive(&e, in.TargetStorageClass, call.Time); err != nil {
			return err
		}
		if err := registry.Put(ctx, tx, &e); err != nil {
			return err
		}
		out = &api.UpdateImageStorageClassOutput{
			RegistryId: new(string(r.Account)), RepositoryName: new(r.Name), ImageStatus: imageStatus(&e),
			ImageId: &api.ImageIdentifier{ImageDigest: new(e.Digest), ImageTag: in.ImageId.ImageTag},
		}
		if e.Kind == registry.Index {
			return nil
		}
		return s.config.Images.ImageSeen(ctx, tx, &e, call.Time)
	})
	return out, err
}

func archive(e *registry.Entry, class api.TargetStorageClass, now time.Time) error {
	archived := !e.ArchivedAt.IsZero()
	if wanted := class == api.TargetStorageClassArchive; wanted == archived {
		return &api.ImageStorageClassUpdateNotSupportedException{Message: fmt.Sprintf("The image %s is in the storage class %s already", e.Digest, class)}
	}
	if archived {
		e.ArchivedAt, e.ActivatedAt = time.Time{}, now
	} else {
		e.ArchivedAt = now
	}
	return nil
}

func imageStatus(e *registry.Entry) api.ImageStatus {
	if e.ArchivedAt.IsZero() {
		return api.ImageStatusActive
	}
	return api.ImageStatusArchived
}

// filter is what a list of images is narrowed by.
type filter struct {
	tags   api.TagStatus
	status api.ImageStatusFilter
}

// meets reports whether an image meets a filter; one that does not speak of the
// archive leaves out what is there.
func (f filter) meets(e *registry.Entry) bool {
	switch f.status {
	case api.ImageStatusFilterAny:
	case api.ImageStatusFilterArchived:
		if e.ArchivedAt.IsZero() {
			return false
		}
	case api.ImageStatusFilterActivating:
		return false // it takes no time here
	default:
		if !e.ArchivedAt.IsZero() {
			return false
		}
	}
	return f.tags == "" || f.tags == api.TagStatusAny || (f.tags == api.TagStatusTagged) == (len(e.Tags) > 0)
}
