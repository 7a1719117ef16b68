// Package cli is muster's command line: flags, configuration and exit codes.
// What a command does lies in the package it calls.
package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"muster/internal/cli/command"
	"muster/internal/cli/networkcmd"
	"muster/internal/cli/scancmd"
	"muster/internal/config"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

// Main runs the command line and returns the process's exit code: 0 success,
// 1 failure, 2 wrong usage, others as "muster scan" says.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	return command.Code(root.ExecuteContext(ctx), stderr)
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "muster",
		Short: "Amazon Inspector for a whole organization, as software you run yourself",
		Long: `muster speaks the wire of Amazon Inspector, Organizations, ECR, IAM and STS, and really
scans hosts, images, functions, code and networks: findings open, change and close by
themselves, over all accounts of an organization.`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return command.Usage(fmt.Errorf("unknown command %q", args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return command.Usage(err) })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(newUp(), newServer(), scancmd.New(version), newDoctor(), newAgents(), newFunctions(), newRollout(), newFault(), newSink(), newExport(), newRegistry(), newCode(), newCluster(), newAdmin(), newFeeds(), networkcmd.New())
	return root
}

// source are the flags that say where configuration comes from, shared by all
// commands that open the state.
type source struct {
	file, data string
}

func (s *source) flags(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&s.file, "config", "", "configuration file (YAML)")
	cmd.PersistentFlags().StringVar(&s.data, "data", "", "folder for state (default muster-data)")
}

// load reads the configuration; flags win over environment and file.
func (s *source) load(flags ...func(*config.Config)) (config.Config, error) {
	return s.loadOver(config.Default(), flags...)
}

// loadOver is load over other defaults.
func (s *source) loadOver(c config.Config, flags ...func(*config.Config)) (config.Config, error) {
	c, err := config.LoadOver(c, s.file, os.Getenv)
	if err != nil {
		return c, err
	}
	if s.data != "" {
		c.Data = s.data
	}
	for _, set := range flags {
		set(&c)
	}
	return c, c.Check()
}

// logger writes text lines at the configured level.
func logger(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		return nil, fmt.Errorf("log_level: %q is not debug, info, warn or error", level)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}
