package store

import (
	"context"
	"fmt"
	"sync"
)

// Catalog is the lane of whoever stores or scans inventories.
const Catalog = "catalog"

// lanes are queues of this process, by name, each with room for one.
type lanes struct {
	mu     sync.Mutex
	byName map[string]chan struct{}
}

func (l *lanes) of(name string) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byName == nil {
		l.byName = map[string]chan struct{}{}
	}
	if l.byName[name] == nil {
		l.byName[name] = make(chan struct{}, 1)
	}
	return l.byName[name]
}

// UpdateInLane is Update for transactions that touch so many rows that two of
// them at once nearly always conflict. On PostgreSQL those of this process
// with the same lane wait for each other, because the loser of a conflict has
// worked for nothing; in the lane Catalog they wait for those of other
// processes, too. On SQLite all transactions wait for each other anyway.
func (s *Store) UpdateInLane(ctx context.Context, lane string, fn func(*Tx) error) error {
	if s.engine == SQLite {
		return s.Update(ctx, fn)
	}
	room := s.lanes.of(lane)
	select {
	case room <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("store: wait for lane %s: %w", lane, ctx.Err())
	}
	defer func() { <-room }()
	if lane != Catalog {
		return s.Update(ctx, fn)
	}
	return s.Update(ctx, func(tx *Tx) error {
		// The first statement, and not a query: what the transaction sees is
		// settled by the first of those, so it is what the one before has left.
		if _, err := tx.Exec(ctx, `LOCK TABLE lane_catalog IN EXCLUSIVE MODE`); err != nil {
			return err
		}
		return fn(tx)
	})
}
