package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"muster/internal/config"
	"muster/internal/server"
	"muster/internal/up"

	"github.com/spf13/cobra"
)

func newUp() *cobra.Command {
	var (
		src           source
		listen, feeds string
		bare          bool
	)
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start on one machine and show real findings of it",
		Long: `Starts muster in the foreground with everything in one folder. On the first start it creates a
demonstration organization (management, audit, two workload accounts) through its own public API,
delegates the audit account, enables scanning, enrols this machine as a host, loads advisories and
prints what it found. Started again it continues with its state.`,
		Example: `  muster up
  muster up --feeds /srv/advisories --data /var/lib/muster
  muster up --bare --listen 127.0.0.1:9000`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := src.load(func(c *config.Config) { override(c, listen, feeds) })
			if err != nil {
				return err
			}
			if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
				return err
			}
			// The report is for people; what the server logs goes to a file.
			log, err := os.OpenFile(filepath.Join(cfg.Data, "muster.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			defer log.Close()
			l, err := logger(log, cfg.LogLevel)
			if err != nil {
				return err
			}
			return up.Run(cmd.Context(), up.Options{Config: cfg, Bare: bare, Out: cmd.OutOrStdout(), Log: log, Logger: l})
		},
	}
	src.flags(cmd)
	cmd.Flags().StringVar(&listen, "listen", "", "address to serve on (default 127.0.0.1:8440)")
	cmd.Flags().StringVar(&feeds, "feeds", "", "folder or URL with advisories (default $MUSTER_FEEDS, else the publishers)")
	cmd.Flags().BoolVar(&bare, "bare", false, "start empty: no demonstration organization, no agent")
	return cmd
}

func override(c *config.Config, listen, feeds string) {
	if listen != "" {
		c.Listen = listen
	}
	if feeds != "" {
		c.Feeds = feeds
	}
}

func newServer() *cobra.Command {
	var src source
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run one of any number of server processes over one store",
		Long: `Runs a server process with the given configuration, logging to standard error. Any number of equal
processes may share one PostgreSQL; they wait for it, migrate it under a lock and start in any order.`,
		Example: `  muster server --config /etc/muster.yaml`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := src.load()
			if err != nil {
				return err
			}
			l, err := logger(cmd.ErrOrStderr(), cfg.LogLevel)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
				return err
			}
			srv, err := server.New(cmd.Context(), cfg, l)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "listening at %s\n", srv.URL())
			err = srv.Run(cmd.Context())
			if errors.Is(err, context.Canceled) {
				err = nil
			}
			return errors.Join(err, srv.Close())
		},
	}
	src.flags(cmd)
	return cmd
}
