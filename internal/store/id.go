package store

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
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
