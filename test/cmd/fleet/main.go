// Command fleet fills an empty store with a fleet of machines, their
// inventories and findings (package fleetgen), for load tests and
// measurements:
//
//	go run ./test/cmd/fleet --data DIR [--store URL] [--feeds DIR] --resources 100000
//
// Afterwards `muster server` runs on the same data folder, store and feeds; the
// access keys of the administrator of all members are printed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"muster/internal/config"
	"muster/internal/server"
	"muster/internal/store"
	"muster/test/fleetgen"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	c := config.Default()
	flag.StringVar(&c.Data, "data", "", "the server's data folder")
	flag.StringVar(&c.Store, "store", "", "the store's URL (default SQLite in the data folder)")
	flag.StringVar(&c.Feeds, "feeds", "", "where the fleet's advisories are written to (default DATA/fleet-feeds)")
	shape := fleetgen.Flags(flag.CommandLine)
	flag.Parse()
	if c.Data == "" {
		return errors.New("--data is needed")
	}
	if c.Feeds == "" {
		c.Feeds = filepath.Join(c.Data, "fleet-feeds")
	}
	c.Listen, c.FeedsInterval = "127.0.0.1:0", 0
	return load(ctx, c, shape())
}

func load(ctx context.Context, c config.Config, s fleetgen.Shape) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	if err := s.Publish(c.Feeds, "2.0.0", fleetgen.Epoch); err != nil {
		return err
	}
	running, err := fleetgen.Start(ctx, c, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return err
	}
	return errors.Join(fill(ctx, c, s, running), running.Stop())
}

func fill(ctx context.Context, c config.Config, s fleetgen.Shape, running *fleetgen.Running) (err error) {
	st, err := store.Open(ctx, c.StoreURL(), store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Printf("%7.1f s  "+format+"\n", append([]any{time.Since(began).Seconds()}, args...)...)
	}
	if err := s.Organize(ctx, st); err != nil {
		return err
	}
	say("%d accounts", s.Accounts)
	if err := s.Load(ctx, fleetgen.Target{Store: st, URL: c.StoreURL(), Settle: running.Settle, Progress: say}); err != nil {
		return err
	}
	say("done; advisories in %s", c.Feeds)
	op, err := server.OpenOperator(ctx, c)
	if err != nil {
		return err
	}
	key, err := op.IssueRootKey(ctx, fleetgen.Audit)
	if err == nil {
		fmt.Printf("\naccount               %s\naws_access_key_id     %s\naws_secret_access_key %s\n", fleetgen.Audit, key.ID, key.Secret)
	}
	return errors.Join(err, op.Close())
}
