package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/internal/registry/hosted"
	"muster/internal/source/guard"
	"muster/internal/source/registry"
	"muster/internal/store"
	cellar "muster/internal/store/registry"
	"muster/internal/worker"
)

// lookWithin bounds the requests of one look.
const lookWithin = 2 * time.Minute

// look is the handler of JobLook: it asks the registry for a manifest and
// records what it says, or that it is gone.
func (s *Service) look(ctx context.Context, job store.Job) error {
	var l look
	if err := json.Unmarshal(job.Payload, &l); err != nil {
		return worker.Permanent(err)
	}
	c, ok, err := s.connection(ctx, l.Connection)
	if err != nil || !ok {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	client, err := s.client(&c)
	if err != nil {
		return worker.Permanent(err)
	}
	m, err := client.Manifest(ctx, l.Repository, l.Reference)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return s.store.Update(ctx, func(tx *store.Tx) error { return s.missing(ctx, tx, &c, &l) })
	case err != nil:
		return s.failed(ctx, &c, err)
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if c, err = cellar.LookupConnection(ctx, tx, c.Account, c.Region, c.ID); errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.record(ctx, tx, &c, &l, m)
	})
}

// failed notes that a visit failed, and says whether to try again.
func (s *Service) failed(ctx context.Context, c *cellar.Connection, cause error) error {
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		return cellar.Visited(ctx, tx, c, cellar.Failing, tell(cause), s.now())
	})
	if err != nil {
		return err
	}
	if errors.Is(cause, guard.ErrRefused) || errors.Is(cause, registry.ErrDenied) {
		return worker.Permanent(cause)
	}
	return cause
}

// missing records that what was looked for is not in the registry.
func (s *Service) missing(ctx context.Context, tx *store.Tx, c *cellar.Connection, l *look) error {
	r, err := cellar.LookupRepository(ctx, tx, c.Account, c.Region, c.Prefix+l.Repository)
	if errors.Is(err, store.ErrNotFound) || err == nil && r.Connection != c.ID {
		return nil
	}
	if err != nil {
		return err
	}
	if digestForm.MatchString(l.Reference) {
		return s.remove(ctx, tx, cellar.Key{Account: c.Account, Region: c.Region, Repository: r.Name, Digest: l.Reference})
	}
	return s.untag(ctx, tx, &r, l.Reference)
}

// remove forgets a manifest; its findings close.
func (s *Service) remove(ctx context.Context, tx *store.Tx, k cellar.Key) error {
	if err := cellar.Delete(ctx, tx, k); err != nil {
		return err
	}
	return s.config.Images.ImageGone(ctx, tx, k, s.now())
}

// untag removes a tag from what has it.
func (s *Service) untag(ctx context.Context, tx *store.Tx, r *cellar.Repository, tag string) error {
	digest, err := cellar.Tagged(ctx, tx, r.Account, r.Region, r.Name, tag)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = cellar.Untag(ctx, tx, r.Account, r.Region, r.Name, tag)
	}
	if err != nil {
		return err
	}
	return s.refresh(ctx, tx, cellar.Key{Account: r.Account, Region: r.Region, Repository: r.Name, Digest: digest})
}

// refresh tells of an image whose tags changed.
func (s *Service) refresh(ctx context.Context, tx *store.Tx, k cellar.Key) error {
	e, err := cellar.Lookup(ctx, tx, k)
	if errors.Is(err, store.ErrNotFound) || err == nil && e.Kind == cellar.Index {
		return nil
	}
	if err != nil {
		return err
	}
	return s.config.Images.ImageSeen(ctx, tx, &e, s.now())
}

// record stores what the registry said of a manifest.
func (s *Service) record(ctx context.Context, tx *store.Tx, c *cellar.Connection, l *look, m *registry.Manifest) error {
	if c.State != cellar.Working || s.now().Sub(c.CheckedAt) > time.Minute {
		if err := cellar.Visited(ctx, tx, c, cellar.Working, "", s.now()); err != nil {
			return err
		}
	}
	r, err := s.repository(ctx, tx, c, l.Repository)
	if err != nil {
		return err
	}
	e, err := entry(ctx, tx, cellar.Key{Account: c.Account, Region: c.Region, Repository: r.Name, Digest: m.Digest}, l, m)
	if err != nil {
		return err
	}
	if err := cellar.Put(ctx, tx, e); err != nil {
		return err
	}
	if err := s.tag(ctx, tx, e, l); err != nil {
		return err
	}
	if m.Index {
		return askForChildren(ctx, tx, l, m)
	}
	if e.Tags, err = cellar.TagsOf(ctx, tx, e.Key); err != nil {
		return err
	}
	return s.config.Images.ImageSeen(ctx, tx, e, s.now())
}

// entry is a manifest with what was known of it.
func entry(ctx context.Context, tx *store.Tx, k cellar.Key, l *look, m *registry.Manifest) (*cellar.Entry, error) {
	e, err := cellar.Lookup(ctx, tx, k)
	fresh := errors.Is(err, store.ErrNotFound)
	if err != nil && !fresh {
		return nil, err
	}
	e.Key = k
	hosted.Describe(&e, m)
	if fresh || l.Push && l.At.After(e.PushedAt) {
		e.PushedAt = l.At
	}
	return &e, nil
}

// errElsewhere says that a repository's name is taken.
var errElsewhere = errors.New("is of another registry connection: give one of them a prefix")

// repository returns the account's repository for one of a registry, which it
// makes, or adopts where nobody has pushed to it yet.
func (s *Service) repository(ctx context.Context, tx *store.Tx, c *cellar.Connection, remote string) (cellar.Repository, error) {
	r, err := cellar.LookupRepository(ctx, tx, c.Account, c.Region, c.Prefix+remote)
	switch {
	case errors.Is(err, store.ErrNotFound):
		r = cellar.Repository{Account: c.Account, Region: c.Region, Name: c.Prefix + remote, CreatedAt: s.now()}
	case err != nil:
		return r, err
	case r.Connection == c.ID:
		return r, nil
	case r.Connection != "":
		return r, worker.Permanent(fmt.Errorf("repository %s %w", r.Name, errElsewhere))
	}
	if len(r.Name) < 2 || len(r.Name) > 256 {
		return r, worker.Permanent(fmt.Errorf("repository %s: names have 2 to 256 characters", r.Name))
	}
	r.Connection, r.Remote = c.ID, remote
	if err := cellar.PutRepository(ctx, tx, r); err != nil {
		return r, err
	}
	return r, s.config.Images.RepositorySeen(ctx, tx, &r, s.now())
}

// tag points the tag of a push at its manifest; the one that had it loses it.
func (s *Service) tag(ctx context.Context, tx *store.Tx, e *cellar.Entry, l *look) error {
	tag := l.Tag
	if tag == "" && !digestForm.MatchString(l.Reference) {
		tag = l.Reference
	}
	if tag == "" {
		return nil
	}
	before, err := cellar.Tagged(ctx, tx, e.Account, e.Region, e.Repository, tag)
	if err != nil && !errors.Is(err, store.ErrNotFound) || before == e.Digest {
		return err
	}
	if err := cellar.Tag(ctx, tx, e.Key, tag); err != nil || before == "" {
		return err
	}
	k := e.Key
	k.Digest = before
	return s.refresh(ctx, tx, k)
}

// askForChildren asks for the images that an index leads to.
func askForChildren(ctx context.Context, tx *store.Tx, l *look, m *registry.Manifest) error {
	var jobs []store.Job
	for _, digest := range m.Children {
		if !digestForm.MatchString(digest) || digest == m.Digest {
			continue
		}
		job, err := look{Connection: l.Connection, Repository: l.Repository, Reference: digest, At: l.At, Push: l.Push}.job()
		if err != nil {
			return err
		}
		jobs = append(jobs, job)
	}
	return tx.EnqueueAll(ctx, distinct(jobs))
}

// DeleteImage deletes a manifest in its registry, and then here.
func (s *Service) DeleteImage(ctx context.Context, k cellar.Key) error {
	var r cellar.Repository
	var c cellar.Connection
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		if r, err = cellar.LookupRepository(ctx, tx, k.Account, k.Region, k.Repository); err == nil && r.Connection != hosted.Connection {
			c, err = cellar.LookupConnection(ctx, tx, k.Account, k.Region, r.Connection)
		}
		return err
	})
	if err != nil {
		return err
	}
	if r.Connection == hosted.Connection {
		return s.store.Update(ctx, func(tx *store.Tx) error { return s.config.Hosted.Remove(ctx, tx, k) })
	}
	client, err := s.client(&c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, testWithin)
	defer cancel()
	if err := client.Delete(ctx, r.Remote, k.Digest); err != nil && !errors.Is(err, registry.ErrNotFound) {
		return errors.New(tell(err))
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return s.remove(ctx, tx, k) })
}
