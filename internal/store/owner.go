package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrOwned says that another server works on the embedded store.
var ErrOwned = errors.New("in use by another muster server")

// Own makes the caller the only server on an embedded store, until release is
// called or the process ends, however it ends; ErrOwned says that there is one
// already. Jobs that the server before left under way need not wait for their
// leases then: they become due at once. Commands beside the server own nothing.
//
// On PostgreSQL any number of servers share a store, so Own does nothing and
// leases run out by themselves.
func (s *Store) Own(ctx context.Context) (release func() error, err error) {
	if s.engine != SQLite {
		return func() error { return nil }, nil
	}
	file, err := s.lockOwner(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.releaseClaims(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("store: release jobs: %w", err), file.Close())
	}
	return file.Close, nil
}

func (s *Store) lockOwner(ctx context.Context) (*os.File, error) {
	var path string
	if err := One(s.read.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`), &path); err != nil {
		return nil, fmt.Errorf("store: find the database's file: %w", err)
	}
	file, err := os.OpenFile(path+".owner", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrOwned
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s is %w", path, err), file.Close())
	}
	return file, nil
}

// patience is how many attempts of a job are taken over at once. One that was
// under way at more deaths of a server may be their reason, so it waits for its
// lease: a server that dies again and again does so no faster for it.
const patience = 3

// releaseClaims ends the claims of a server that is no more. The attempts stay
// counted, so that a job that kills its server is given up in the end.
func (s *Store) releaseClaims(ctx context.Context) error {
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, `UPDATE jobs SET lease = '', run_at = $1, asked_at = $1, again_at = 0
			WHERE lease <> '' AND NOT parked AND attempts - failures <= $2`, Micros(s.now()), patience)
		return err
	})
}
