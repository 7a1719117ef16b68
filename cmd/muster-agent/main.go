// Command muster-agent runs on a host and tells muster what is installed.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"muster/internal/agent/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command.Execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
