package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/internal/inventory"
	"muster/internal/registry/hosted"
	"muster/internal/scanner"
	"muster/internal/source/guard"
	"muster/internal/source/image"
	"muster/internal/source/layers"
	"muster/internal/source/registry"
	"muster/internal/store"
	cellar "muster/internal/store/registry"
	"muster/internal/worker"
)

// readWithin bounds the reading of one image.
const readWithin = 30 * time.Minute

// The reasons, in Inspector's words, why an image could not be read.
const (
	denied   = "ACCESS_DENIED"
	internal = "INTERNAL_ERROR"
)

// read is the handler of eligible.JobRead: it reads what an image contains.
func (s *Service) read(ctx context.Context, job store.Job) error {
	var k cellar.Key
	if err := json.Unmarshal(job.Payload, &k); err != nil {
		return worker.Permanent(err)
	}
	p, err := store.Read(ctx, s.store, func(tx *store.Tx) (*pull, error) { return s.prepare(ctx, tx, k) })
	if err != nil || p == nil {
		return err
	}
	if p.hash == "" {
		inv, err := s.content(ctx, p)
		if err != nil {
			return s.unread(ctx, p, err)
		}
		p.inventory, p.hash = inv, inv.Hash()
	}
	return s.store.UpdateInLane(ctx, store.Catalog, func(tx *store.Tx) error {
		e, err := cellar.Lookup(ctx, tx, k)
		if errors.Is(err, store.ErrNotFound) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return err
		}
		if e.Problem != "" {
			e.Problem = ""
			if err := cellar.Put(ctx, tx, &e); err != nil {
				return err
			}
		}
		return s.config.Images.ImageRead(ctx, tx, &e, p.inventory, p.hash, s.now())
	})
}

// pull is an image that is to be read.
type pull struct {
	entry      cellar.Entry
	remote     string
	connection cellar.Connection
	// hash is of known content; inventory is nil then.
	hash      string
	inventory *inventory.Inventory
}

// prepare is nil for an image that is not wanted any more.
func (s *Service) prepare(ctx context.Context, tx *store.Tx, k cellar.Key) (*pull, error) {
	e, err := cellar.Lookup(ctx, tx, k)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	wanted, err := s.config.Images.Wanted(ctx, tx, &e, s.now())
	if err != nil || !wanted {
		return nil, err
	}
	p := &pull{entry: e}
	if p.hash, err = s.config.Images.ContentOf(ctx, tx, &e); err != nil || p.hash != "" {
		return p, err
	}
	r, err := cellar.LookupRepository(ctx, tx, k.Account, k.Region, k.Repository)
	if err != nil {
		return nil, err
	}
	p.remote = r.Remote
	if r.Connection == hosted.Connection {
		p.connection = cellar.Connection{Account: k.Account, Region: k.Region, ID: hosted.Connection}
		return p, nil
	}
	p.connection, err = cellar.LookupConnection(ctx, tx, k.Account, k.Region, r.Connection)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return p, err
}

// content pulls an image and reads what is installed in it.
func (s *Service) content(ctx context.Context, p *pull) (*inventory.Inventory, error) {
	client, err := s.client(&p.connection)
	if err != nil {
		return nil, err
	}
	inv, err := scanner.Inventory(ctx, scanner.Target{Kind: scanner.Image, Name: client.Reference(p.remote, p.entry.Digest)}, scanner.Options{
		Longest:  readWithin,
		Registry: client.Source(), Layers: s.config.Layers, LayersMax: s.config.LayersMax, Temp: s.config.Temp,
	})
	if err != nil {
		return nil, registry.Problem(err)
	}
	if wrong := inv.Violations(inventory.DefaultLimits(), 1); len(wrong) > 0 {
		return nil, fmt.Errorf("%w: %s", image.ErrFormat, wrong[0])
	}
	return &inv, nil
}

// unread notes why an image could not be read. What may be better the next
// time is tried again.
func (s *Service) unread(ctx context.Context, p *pull, cause error) error {
	if errors.Is(cause, registry.ErrNotFound) && s.deleted(ctx, p) {
		return s.store.Update(ctx, func(tx *store.Tx) error { return s.remove(ctx, tx, p.entry.Key) })
	}
	reason, permanent := internal, errors.Is(cause, image.ErrFormat) || errors.Is(cause, scanner.ErrTooLong) || errors.Is(cause, layers.ErrTooLarge) || errors.Is(cause, guard.ErrRefused) || errors.Is(cause, registry.ErrNotFound)
	if errors.Is(cause, registry.ErrDenied) {
		reason, permanent = denied, true
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		e, err := cellar.Lookup(ctx, tx, p.entry.Key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		e.Problem = reason
		if err := cellar.Put(ctx, tx, &e); err != nil {
			return err
		}
		return s.config.Images.ImageSeen(ctx, tx, &e, s.now())
	})
	if err != nil {
		return err
	}
	if permanent {
		return nil // the coverage says so; a push or a poll tries again
	}
	return cause
}

// deleted tells an image that is gone from one that lacks a layer.
func (s *Service) deleted(ctx context.Context, p *pull) bool {
	client, err := s.client(&p.connection)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	_, err = client.Digest(ctx, p.remote, p.entry.Digest)
	return errors.Is(err, registry.ErrNotFound)
}
