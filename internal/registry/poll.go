package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"muster/internal/source/registry"
	"muster/internal/store"
	cellar "muster/internal/store/registry"
	"muster/internal/worker"
)

// Bounds of one poll.
const (
	maxRepositories = 10_000
	maxTags         = 10_000
	entriesAtOnce   = 500
	pollWithin      = 2 * time.Hour
)

// poll is the handler of JobPoll: it looks through a registry for what is new
// and what is gone, and asks for the next time.
func (s *Service) poll(ctx context.Context, job store.Job) error {
	var ref connectionRef
	if err := json.Unmarshal(job.Payload, &ref); err != nil {
		return worker.Permanent(err)
	}
	c, ok, err := s.connection(ctx, ref)
	if err != nil || !ok {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, pollWithin)
	defer cancel()
	state, message := cellar.Working, ""
	cause := s.walk(bounded, &c)
	if cause != nil {
		state, message = cellar.Failing, tell(cause)
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if c, err = cellar.LookupConnection(ctx, tx, ref.Account, ref.Region, ref.ID); err != nil {
			return ignore(err, store.ErrNotFound)
		}
		if err := cellar.Visited(ctx, tx, &c, state, message, s.now()); err != nil || c.PollEvery == 0 {
			return err
		}
		return askToPoll(ctx, tx, &c, s.now().Add(c.PollEvery))
	})
	if err != nil || c.PollEvery > 0 {
		return err // the next poll tries again
	}
	if errors.Is(cause, registry.ErrDenied) {
		return nil // until somebody changes the connection
	}
	return cause
}

func ignore(err, what error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}

// walk looks through the repositories of a registry.
func (s *Service) walk(ctx context.Context, c *cellar.Connection) error {
	client, err := s.client(c)
	if err != nil {
		return err
	}
	names, more := c.Repositories, false
	if len(names) == 0 {
		if names, more, err = client.Repositories(ctx, maxRepositories); err != nil {
			return err
		}
	}
	for _, n := range names {
		if len(n) > 256 || !repositoryForm.MatchString(n) {
			continue
		}
		if err := s.pollRepository(ctx, c, client, n); err != nil {
			return fmt.Errorf("repository %s: %w", n, err)
		}
	}
	if more || len(c.Repositories) > 0 {
		return nil // others may be there
	}
	return s.pollVanished(ctx, c, client, names)
}

// pollVanished looks at repositories that the catalogue does not list any
// more.
func (s *Service) pollVanished(ctx context.Context, c *cellar.Connection, client *registry.Client, listed []string) error {
	here := map[string]bool{}
	for _, n := range listed {
		here[n] = true
	}
	for after := ""; ; {
		page, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]cellar.Repository, error) {
			return cellar.RepositoriesAt(ctx, tx, c.Account, c.Region, c.ID, after, entriesAtOnce)
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, r := range page {
			if after = r.Name; !here[r.Remote] {
				if err := s.pollRepository(ctx, c, client, r.Remote); err != nil {
					return err
				}
			}
		}
	}
}

// pollRepository compares a repository with what is known of it.
func (s *Service) pollRepository(ctx context.Context, c *cellar.Connection, client *registry.Client, name string) error {
	tags, more, err := client.Tags(ctx, name, maxTags)
	if err := ignore(err, registry.ErrNotFound); err != nil {
		return err
	}
	tags = slices.DeleteFunc(tags, func(t string) bool { return !tagForm.MatchString(t) })
	known, err := s.known(ctx, c, name)
	if err != nil {
		return err
	}
	for _, tag := range tags {
		if err := s.pollTag(ctx, c, client, name, tag, known); err != nil {
			return err
		}
	}
	if more {
		return nil
	}
	return s.pollRest(ctx, c, client, name, tags, known)
}

// known are the manifests of a repository by digest.
func (s *Service) known(ctx context.Context, c *cellar.Connection, name string) (map[string]*cellar.Entry, error) {
	all := map[string]*cellar.Entry{}
	for after := ""; ; {
		page, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]cellar.Entry, error) {
			return cellar.Page(ctx, tx, c.Account, c.Region, c.Prefix+name, after, entriesAtOnce)
		})
		if err != nil || len(page) == 0 {
			return all, err
		}
		for i := range page {
			after = page[i].Digest
			page[i].Manifest = "" // not needed, and long
			all[after] = &page[i]
		}
	}
}

// pollTag asks for a look at what a tag leads to, unless that is known.
func (s *Service) pollTag(ctx context.Context, c *cellar.Connection, client *registry.Client, name, tag string, known map[string]*cellar.Entry) error {
	digest, err := client.Digest(ctx, name, tag)
	if err != nil {
		return ignore(err, registry.ErrNotFound)
	}
	if !digestForm.MatchString(digest) {
		return nil
	}
	if e := known[digest]; e != nil && e.Problem == "" && slices.Contains(e.Tags, tag) {
		return nil
	}
	job, err := look{Connection: refOf(c), Repository: name, Reference: digest, Tag: tag, At: s.now()}.job()
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.Enqueue(ctx, job) })
}

// pollRest looks at what no tag of the registry leads to: tags that are gone,
// and manifests without one.
func (s *Service) pollRest(ctx context.Context, c *cellar.Connection, client *registry.Client, name string, tags []string, known map[string]*cellar.Entry) error {
	there := map[string]bool{}
	for _, t := range tags {
		there[t] = true
	}
	r := &cellar.Repository{Account: c.Account, Region: c.Region, Name: c.Prefix + name}
	for digest, e := range known {
		tagged := false
		for _, t := range e.Tags {
			if there[t] {
				tagged = true
				continue
			}
			if err := s.store.Update(ctx, func(tx *store.Tx) error { return s.untag(ctx, tx, r, t) }); err != nil {
				return err
			}
		}
		if tagged {
			continue
		}
		_, err := client.Digest(ctx, name, digest)
		if errors.Is(err, registry.ErrNotFound) {
			err = s.store.Update(ctx, func(tx *store.Tx) error { return s.remove(ctx, tx, e.Key) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forget is the handler of JobForget: the repositories of a connection that is
// no more go, with their images.
func (s *Service) forget(ctx context.Context, job store.Job) error {
	var ref connectionRef
	if err := json.Unmarshal(job.Payload, &ref); err != nil {
		return worker.Permanent(err)
	}
	for {
		done := false
		err := s.store.Update(ctx, func(tx *store.Tx) error {
			list, err := cellar.RepositoriesAt(ctx, tx, ref.Account, ref.Region, ref.ID, "", 1)
			done = len(list) == 0
			if err != nil || done {
				return err
			}
			_, err = s.Empty(ctx, tx, &list[0])
			return err
		})
		if err != nil || done {
			return err
		}
	}
}

// emptyAtOnce is how many images one transaction removes.
const emptyAtOnce = 200

// Empty removes images of a repository, and the repository itself when it has
// none left; done is true then.
func (s *Service) Empty(ctx context.Context, tx *store.Tx, r *cellar.Repository) (done bool, err error) {
	list, err := cellar.Page(ctx, tx, r.Account, r.Region, r.Name, "", emptyAtOnce)
	if err != nil {
		return false, err
	}
	for i := range list {
		if err := s.remove(ctx, tx, list[i].Key); err != nil {
			return false, err
		}
	}
	if len(list) == emptyAtOnce {
		return false, nil
	}
	if err := cellar.DeleteRepository(ctx, tx, r.Account, r.Region, r.Name); err != nil {
		return false, err
	}
	return true, s.config.Images.RepositoryGone(ctx, tx, r.Account, r.Region, r.Name, s.now())
}
