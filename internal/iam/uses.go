package iam

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"muster/internal/arn"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// flushEvery is how long the use of a key stays in memory. It is knowledge
// worth a minute, not a write per request.
const flushEvery = 30 * time.Second

// uses collects when keys and roles were last used.
type uses struct {
	mu      sync.Mutex // guards both
	pending map[identity.Owner]desk.Use
	// flushing is what is being stored.
	flushing map[identity.Owner]desk.Use
}

// Used notes that a principal called a service.
func (k *Keys) Used(p arn.Principal, region arn.Region, service string, at time.Time) {
	id := p.AccessKeyID
	if p.Kind == arn.AssumedRole {
		id, _, _ = strings.Cut(p.ID, ":")
	} else if !strings.HasPrefix(id, longTermPrefix) {
		return
	}
	k.uses.mu.Lock()
	defer k.uses.mu.Unlock()
	if k.uses.pending == nil {
		k.uses.pending = map[identity.Owner]desk.Use{}
	}
	k.uses.pending[identity.Owner{Account: p.Account, ID: id}] = desk.Use{At: at, Region: region, Service: service}
}

// Run stores the collected uses now and then, until ctx is done, and once more
// then. Failures are logged and tried again.
func (k *Keys) Run(ctx context.Context, log *slog.Logger) {
	t := time.NewTicker(flushEvery)
	defer t.Stop()
	for done := false; !done; {
		flushing, cancel := ctx, context.CancelFunc(func() {})
		select {
		case <-ctx.Done():
			done = true
			flushing, cancel = context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		case <-t.C:
		}
		if err := k.FlushUses(flushing); err != nil && (done || ctx.Err() == nil) {
			log.Warn("last use of keys not stored", "error", err)
		}
		cancel()
	}
}

// FlushUses stores when keys and roles were last used. What could not be stored
// is tried again next time.
func (k *Keys) FlushUses(ctx context.Context) error {
	k.uses.mu.Lock()
	pending := k.uses.pending
	if len(pending) == 0 {
		k.uses.mu.Unlock()
		return nil
	}
	k.uses.pending, k.uses.flushing = nil, pending
	k.uses.mu.Unlock()
	err := k.store.Update(ctx, func(tx *store.Tx) error {
		for o, u := range pending {
			if err := touch(ctx, tx, o, u); err != nil {
				return err
			}
		}
		return nil
	})
	k.flushed(err)
	if err != nil {
		return fmt.Errorf("store when keys were last used: %w", err)
	}
	return nil
}

func touch(ctx context.Context, tx *store.Tx, o identity.Owner, u desk.Use) error {
	if strings.HasPrefix(o.ID, rolePrefix) {
		return identity.TouchRole(ctx, tx, o.Account, o.ID, u.At, u.Region)
	}
	return identity.TouchKey(ctx, tx, o.Account, o.ID, u.At, u.Region, u.Service)
}

// flushed ends a flush. What could not be stored is put back, except where a
// newer use has replaced it.
func (k *Keys) flushed(err error) {
	k.uses.mu.Lock()
	defer k.uses.mu.Unlock()
	if err != nil {
		maps.Copy(k.uses.flushing, k.uses.pending)
		k.uses.pending = k.uses.flushing
	}
	k.uses.flushing = nil
}

// unstored is a use that is noted and not stored.
func (k *Keys) unstored(o identity.Owner) (desk.Use, bool) {
	k.uses.mu.Lock()
	defer k.uses.mu.Unlock()
	for _, uses := range []map[identity.Owner]desk.Use{k.uses.pending, k.uses.flushing} {
		if u, ok := uses[o]; ok {
			return u, true
		}
	}
	return desk.Use{}, false
}
