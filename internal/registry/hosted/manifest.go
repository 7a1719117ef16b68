package hosted

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"muster/internal/source/registry"
	"muster/internal/store"
	cellar "muster/internal/store/registry"
)

// maxConfig bounds the configuration of an image, in bytes.
const maxConfig = 8 << 20

// PutManifest stores a manifest under a tag, or by its digest where the tag is
// empty. Everything that it names has to be in the repository. The entry is as
// it is then; known says that the image had the tag before.
func (s *Service) PutManifest(ctx context.Context, at Repository, tag, digest, mediaType string, raw []byte) (e cellar.Entry, known bool, err error) {
	m, err := registry.ParseManifest(raw, mediaType)
	switch {
	case err != nil || mediaType == "":
		return e, false, fmt.Errorf("%w: %w", ErrManifest, errors.Join(err))
	case digest != "" && digest != m.Digest:
		return e, false, ErrDigest
	case tag != "" && !tagForm.MatchString(tag):
		return e, false, fmt.Errorf("%w: this is no tag", ErrManifest)
	}
	if err := s.configure(ctx, at, m); err != nil {
		return e, false, err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		e, known = cellar.Entry{}, false
		r, err := at.lookup(ctx, tx)
		if err != nil {
			return err
		}
		if r.Connection == "" {
			r.Connection, r.Remote = Connection, r.Name
			if err := cellar.PutRepository(ctx, tx, r); err != nil {
				return err
			}
		}
		before, err := tagged(ctx, tx, at, tag)
		if err != nil {
			return err
		}
		if known = before == m.Digest; before != "" && !known && immutable(&r, tag) {
			return ErrImmutable
		}
		if err := whole(ctx, tx, at, m); err != nil {
			return err
		}
		e, err = s.record(ctx, tx, at, m, tag)
		if err != nil || before == "" || known {
			return err
		}
		return s.retagged(ctx, tx, at, before)
	})
	return e, known, err
}

// configure reads the configuration of an image.
func (s *Service) configure(ctx context.Context, at Repository, m *registry.Manifest) error {
	if !m.Readable {
		return nil
	}
	b, err := s.Blob(ctx, at, m.Config)
	if err != nil {
		return err
	}
	config, err := v1.ParseConfigFile(io.LimitReader(b.Open(ctx), maxConfig))
	if err != nil {
		return fmt.Errorf("%w: its configuration: %w", ErrManifest, err)
	}
	m.Configured(config)
	return nil
}

func tagged(ctx context.Context, tx *store.Tx, at Repository, tag string) (string, error) {
	if tag == "" {
		return "", nil
	}
	digest, err := cellar.Tagged(ctx, tx, at.Account, at.Region, at.Name, tag)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return digest, err
}

// immutable reports whether a tag, once given, stays.
func immutable(r *cellar.Repository, tag string) bool {
	excluded := slices.ContainsFunc(r.Exclusions, func(pattern string) bool {
		ok, err := path.Match(pattern, tag)
		return ok && err == nil
	})
	switch r.Mutability {
	case "IMMUTABLE":
		return true
	case "IMMUTABLE_WITH_EXCLUSION":
		return !excluded
	case "MUTABLE_WITH_EXCLUSION":
		return excluded
	}
	return false
}

// whole refuses a manifest that names what the repository does not have.
func whole(ctx context.Context, tx *store.Tx, at Repository, m *registry.Manifest) error {
	blobs := slices.Clone(m.Layers)
	if m.Config != "" {
		blobs = append(blobs, m.Config)
	}
	for _, digest := range blobs {
		if _, err := cellar.BlobOf(ctx, tx, at.Owner, at.Name, digest); err != nil {
			return fmt.Errorf("%s: %w", digest, noBlob(err))
		}
	}
	for _, digest := range m.Manifests {
		_, err := cellar.Lookup(ctx, tx, cellar.Key{Account: at.Account, Region: at.Region, Repository: at.Name, Digest: digest})
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("%s: %w", digest, ErrNoManifest)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Describe notes in an entry what the manifest says, which was read without a
// problem, whoever keeps the image.
func Describe(e *cellar.Entry, m *registry.Manifest) {
	e.Kind = cellar.Image
	switch {
	case m.Index:
		e.Kind = cellar.Index
	case !m.Readable:
		e.Kind = cellar.Artifact
	}
	e.MediaType, e.ConfigType, e.Manifest, e.Size = m.MediaType, m.ConfigType, string(m.Raw), m.Size
	e.Details = cellar.Details{OS: m.OS, Architecture: m.Architecture, Author: m.Author}
	e.Problem = ""
}

// record stores an image as it was pushed, and asks for its scan.
func (s *Service) record(ctx context.Context, tx *store.Tx, at Repository, m *registry.Manifest, tag string) (cellar.Entry, error) {
	k := cellar.Key{Account: at.Account, Region: at.Region, Repository: at.Name, Digest: m.Digest}
	e, err := cellar.Lookup(ctx, tx, k)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return e, err
	}
	e.Key = k
	Describe(&e, m)
	e.PushedAt = s.now()
	if err := cellar.Put(ctx, tx, &e); err != nil {
		return e, err
	}
	if tag != "" {
		if err := cellar.Tag(ctx, tx, k, tag); err != nil {
			return e, err
		}
	}
	if e.Tags, err = cellar.TagsOf(ctx, tx, k); err != nil || m.Index {
		return e, err
	}
	return e, s.config.Images.ImageSeen(ctx, tx, &e, s.now())
}

// retagged tells of an image that lost a tag.
func (s *Service) retagged(ctx context.Context, tx *store.Tx, at Repository, digest string) error {
	e, err := cellar.Lookup(ctx, tx, cellar.Key{Account: at.Account, Region: at.Region, Repository: at.Name, Digest: digest})
	if errors.Is(err, store.ErrNotFound) || err == nil && e.Kind == cellar.Index {
		return nil
	}
	if err != nil {
		return err
	}
	return s.config.Images.ImageSeen(ctx, tx, &e, s.now())
}

// pulledAgain is how much later a pull has to be to be noted.
const pulledAgain = time.Minute

// Manifest returns an image by tag or digest, or ErrNoManifest. A pull is noted
// where somebody's it is.
func (s *Service) Manifest(ctx context.Context, at Repository, reference string, pull bool) (cellar.Entry, error) {
	e, err := store.Read(ctx, s.store, func(tx *store.Tx) (cellar.Entry, error) {
		if _, err := at.lookup(ctx, tx); err != nil {
			return cellar.Entry{}, err
		}
		return at.image(ctx, tx, reference)
	})
	if err != nil || !pull || s.now().Sub(e.PulledAt) < pulledAgain {
		return e, err
	}
	return e, s.store.Update(ctx, func(tx *store.Tx) error {
		now, err := at.image(ctx, tx, e.Digest)
		if errors.Is(err, ErrNoManifest) {
			return nil
		}
		if err != nil {
			return err
		}
		now.PulledAt = s.now()
		if err := cellar.Put(ctx, tx, &now); err != nil {
			return err
		}
		return s.config.Images.ImageActive(ctx, tx, &now, now.PulledAt)
	})
}

func (r Repository) image(ctx context.Context, tx *store.Tx, reference string) (cellar.Entry, error) {
	digest := reference
	if !digestForm.MatchString(reference) {
		var err error
		if digest, err = tagged(ctx, tx, r, reference); err != nil {
			return cellar.Entry{}, err
		}
	}
	e, err := cellar.Lookup(ctx, tx, cellar.Key{Account: r.Account, Region: r.Region, Repository: r.Name, Digest: digest})
	if errors.Is(err, store.ErrNotFound) {
		return e, ErrNoManifest
	}
	return e, err
}
