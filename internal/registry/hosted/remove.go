package hosted

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/internal/source/registry"
	"muster/internal/store"
	cellar "muster/internal/store/registry"
	"muster/internal/worker"
)

// Delete deletes an image by digest with all of its tags, or a tag alone.
func (s *Service) Delete(ctx context.Context, at Repository, reference string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := at.lookup(ctx, tx); err != nil {
			return err
		}
		e, err := at.image(ctx, tx, reference)
		if err != nil {
			return err
		}
		if reference != e.Digest {
			if err := cellar.Untag(ctx, tx, at.Account, at.Region, at.Name, reference); err != nil {
				return err
			}
			return s.retagged(ctx, tx, at, e.Digest)
		}
		return s.Remove(ctx, tx, e.Key)
	})
}

// Remove deletes an image in a transaction; its findings close, and what only
// it needed goes later.
func (s *Service) Remove(ctx context.Context, tx *store.Tx, k cellar.Key) error {
	if err := cellar.Delete(ctx, tx, k); err != nil {
		return err
	}
	if err := askForSweep(ctx, tx, cellar.Owner{Account: k.Account, Region: k.Region}, s.now().Add(spared)); err != nil {
		return err
	}
	return s.config.Images.ImageGone(ctx, tx, k, s.now())
}

// Tags lists up to limit tags of a repository by name, after the one given.
func (s *Service) Tags(ctx context.Context, at Repository, after string, limit int) ([]string, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) ([]string, error) {
		if _, err := at.lookup(ctx, tx); err != nil {
			return nil, err
		}
		return cellar.TagNames(ctx, tx, at.Account, at.Region, at.Name, after, limit)
	})
}

func askForSweep(ctx context.Context, tx *store.Tx, at cellar.Owner, when time.Time) error {
	body, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: JobSweep, Key: string(at.Account) + "/" + string(at.Region), Account: string(at.Account), Region: string(at.Region), Payload: body, RunAt: when,
	})
}

// sweptAtOnce is how much one transaction looks at.
const sweptAtOnce = 200

// sweep is the handler of JobSweep.
func (s *Service) sweep(ctx context.Context, job store.Job) error {
	var at cellar.Owner
	if err := json.Unmarshal(job.Payload, &at); err != nil {
		return worker.Permanent(err)
	}
	for _, step := range []func(context.Context, *store.Tx, cellar.Owner) (more bool, err error){s.sweepUploads, s.sweepBlobs} {
		for more := true; more; {
			err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
				more, err = step(ctx, tx, at)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return s.sweepLinks(ctx, at)
}

// sweepUploads forgets uploads that nobody completed.
func (s *Service) sweepUploads(ctx context.Context, tx *store.Tx, at cellar.Owner) (more bool, err error) {
	list, err := cellar.UploadsBefore(ctx, tx, at, s.now().Add(-uploadsLive), 10)
	for _, u := range list {
		if err == nil {
			err = cellar.DropUpload(ctx, tx, at, u.ID, true)
		}
	}
	return len(list) == 10, err
}

// sweepBlobs deletes blobs that no repository has.
func (s *Service) sweepBlobs(ctx context.Context, tx *store.Tx, at cellar.Owner) (more bool, err error) {
	list, err := cellar.LooseBlobs(ctx, tx, at, 10)
	for _, b := range list {
		if err == nil {
			err = cellar.DropBlob(ctx, tx, at, b)
		}
	}
	return len(list) == 10, err
}

// sweepLinks takes blobs from repositories none of whose images need them, and
// then deletes those that no repository has.
func (s *Service) sweepLinks(ctx context.Context, at cellar.Owner) error {
	var last cellar.Link
	needed, of := map[string]bool{}, ""
	for more := true; more; {
		before := last
		err := s.store.Update(ctx, func(tx *store.Tx) error {
			last = before
			list, err := cellar.LinksBefore(ctx, tx, at, s.now().Add(-spared), last, sweptAtOnce)
			if err != nil {
				return err
			}
			of = "" // What images need is read in the transaction that acts on it.
			for _, l := range list {
				if of != l.Repository {
					if needed, err = need(ctx, tx, at, l.Repository); err != nil {
						return err
					}
					of = l.Repository
				}
				if !needed[l.Digest] {
					if err := cellar.UnlinkBlob(ctx, tx, at, l.Repository, l.Digest); err != nil {
						return err
					}
				}
				last = l
			}
			more = len(list) == sweptAtOnce
			return nil
		})
		if err != nil {
			return err
		}
	}
	for more := true; more; {
		err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
			more, err = s.sweepBlobs(ctx, tx, at)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// need are the blobs that the images of a repository name.
func need(ctx context.Context, tx *store.Tx, at cellar.Owner, repository string) (map[string]bool, error) {
	digests := map[string]bool{}
	for after := ""; ; {
		page, err := cellar.Page(ctx, tx, at.Account, at.Region, repository, after, sweptAtOnce)
		if err != nil {
			return nil, err
		}
		for i := range page {
			after = page[i].Digest
			m, err := registry.ParseManifest([]byte(page[i].Manifest), page[i].MediaType)
			if err != nil {
				return nil, fmt.Errorf("image %s: %w", page[i].Digest, err)
			}
			digests[m.Config] = true
			for _, l := range m.Layers {
				digests[l] = true
			}
		}
		if len(page) < sweptAtOnce {
			return digests, nil
		}
	}
}

// Missing reports whether an error says that something is not there.
func Missing(err error) bool {
	return errors.Is(err, ErrNoRepository) || errors.Is(err, ErrNoBlob) || errors.Is(err, ErrNoManifest) || errors.Is(err, ErrNoUpload)
}
