// Command postgres runs another command beside a throw-away PostgreSQL
// cluster:
//
//	go run ./test/cmd/postgres -- go test ./...
//
// The command finds the cluster's URL in MUSTER_TEST_POSTGRES. The cluster is
// removed when the command ends; the exit status is the command's. If the
// variable is set already, that server is used and nothing is started.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"muster/internal/store/pgtest"
)

const variable = "MUSTER_TEST_POSTGRES"

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: postgres -- COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	status, err := run(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "postgres:", err)
	}
	os.Exit(status)
}

func run(args []string) (status int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv(variable) != "" {
		return command(ctx, args)
	}
	cluster, err := pgtest.Start(ctx)
	if errors.Is(err, pgtest.ErrNoBinaries) && os.Getenv("CI") == "" {
		fmt.Fprintln(os.Stderr, "postgres:", err, "- tests on PostgreSQL will be skipped")
		return command(ctx, args)
	}
	if err != nil {
		return 1, err
	}
	if err := os.Setenv(variable, cluster.URL); err != nil {
		return 1, errors.Join(err, cluster.Stop())
	}
	status, err = command(ctx, args)
	return status, errors.Join(err, cluster.Stop())
}

// command runs the arguments to their end. An interrupt reaches the child as
// it reaches us; we only wait for it.
func command(ctx context.Context, args []string) (int, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(1, exit.ExitCode()), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}
