package fleetgen

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"muster/internal/config"
	"muster/internal/scan"
	"muster/internal/server"
	"muster/internal/store"
)

// Running is a server in this process with the advisories of its folder in
// service.
type Running struct {
	Server *server.Server
	cancel func()
	done   chan error
}

// Start runs a server and imports its advisories.
func Start(ctx context.Context, c config.Config, log *slog.Logger) (*Running, error) {
	ctx, cancel := context.WithCancel(ctx)
	srv, err := server.New(ctx, c, log)
	if err != nil {
		cancel()
		return nil, err
	}
	r := &Running{Server: srv, cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- srv.Run(ctx) }()
	if _, err := srv.SyncFeeds(ctx, nil); err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return r, nil
}

// Stop ends the server.
func (r *Running) Stop() error {
	r.cancel()
	return errors.Join(<-r.done, r.Server.Close())
}

// Settle waits until no scan is due or under way.
func (r *Running) Settle(ctx context.Context) error {
	for {
		settled, err := r.Server.ScansSettled(ctx)
		if err != nil || settled {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Rescan asks for a scan of every machine of the fleet.
func (s Shape) Rescan(ctx context.Context, st *store.Store) error {
	return st.Update(ctx, func(tx *store.Tx) error {
		for n := range s.Accounts {
			body, err := json.Marshal(scan.Account{Account: Member(n), Region: Region})
			if err == nil {
				err = tx.Enqueue(ctx, store.Job{Kind: scan.JobAccount, Key: string(Member(n)), Payload: body})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
