package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"muster/internal/cli/command"
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
		emulated      emulation
	)
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start on one machine and show real findings of it",
		Long: `Starts muster in the foreground with everything in one folder. On the first start it creates a
demonstration organization (management, audit, two workload accounts) through its own public API,
delegates the audit account, enables scanning, enrols this machine as a host, loads advisories and
prints what it found. Started again it continues with its state.

With --emulate it stands in for AWS in tests of automation instead. THERE IS NO AUTHENTICATION THEN:
an access key of twelve digits is the account of that number, every other the account 123456789012,
signatures are not looked at, and POST /_muster/reset empties everything. It serves this machine only, in a
folder of its own: a temporary one, or the new, empty or emulator's one that --data names.`,
		Example: `  muster up
  muster up --feeds /srv/advisories --data /var/lib/muster
  muster up --bare --listen 127.0.0.1:9000
  muster up --emulate
  AWS_ENDPOINT_URL=http://127.0.0.1:8440 AWS_ACCESS_KEY_ID=111122223333 AWS_SECRET_ACCESS_KEY=any \
    aws --region us-east-1 organizations create-organization`,
		Args: command.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if emulated.on {
				return emulated.run(cmd, &src, func(c *config.Config) { override(c, listen, feeds) })
			}
			if emulated.permissions {
				return command.Usage(errors.New("--emulate-permissions goes with --emulate"))
			}
			cfg, err := src.load(func(c *config.Config) { override(c, listen, feeds) })
			if err != nil {
				return err
			}
			return logged(cfg, func(l *slog.Logger, log io.Writer) error {
				return up.Run(cmd.Context(), up.Options{Config: cfg, Bare: bare, Out: cmd.OutOrStdout(), Log: log, Logger: l})
			})
		},
	}
	src.flags(cmd)
	emulated.flags(cmd)
	cmd.Flags().StringVar(&listen, "listen", "", "address to serve on (default 127.0.0.1:8440)")
	cmd.Flags().StringVar(&feeds, "feeds", "", "folder or URL with advisories (default $MUSTER_FEEDS, else the publishers)")
	cmd.Flags().BoolVar(&bare, "bare", false, "start empty: no demonstration organization, no agent")
	return cmd
}

// logged runs what reports to people with a log in a file of the state folder.
func logged(cfg config.Config, run func(*slog.Logger, io.Writer) error) error {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(cfg.Data, "muster.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	l, err := logger(log, cfg.LogLevel)
	if err != nil {
		return err
	}
	return run(l, log)
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
		Args:    command.NoArgs,
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
