package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
)

// NewID returns a fresh row id of 32 lower-case hexadecimal digits. Ids made
// by one process rise, in the order of the calls and with the clock, so rows
// written together lie together; ids of different processes never collide.
func (s *Store) NewID() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, by its documentation
	return fmt.Sprintf("%016x%s", s.tick(), hex.EncodeToString(random[:]))
}

// NewID is Store.NewID inside a transaction.
func (tx *Tx) NewID() string { return tx.store.NewID() }

// tick is the clock in microseconds, made strictly rising.
func (s *Store) tick() int64 {
	for {
		last := s.lastID.Load()
		next := max(s.now().UnixMicro(), last+1)
		if s.lastID.CompareAndSwap(last, next) {
			return next
		}
	}
}

// raiseIDs makes new ids higher than those of all events that wait to be passed
// on: they are passed on in the order of their ids, and the clock may have been
// set back since.
func (s *Store) raiseIDs(ctx context.Context) error {
	var last *string
	err := One(s.read.QueryRowContext(ctx, `SELECT MAX(id) FROM events WHERE NOT delivered`), &last)
	if err != nil || last == nil || len(*last) < 16 {
		return err
	}
	tick, err := strconv.ParseInt((*last)[:16], 16, 64)
	if err != nil {
		return fmt.Errorf("id of event %s: %w", *last, err)
	}
	s.lastID.Store(tick)
	return nil
}
