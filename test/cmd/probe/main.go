// Command probe measures the calls that the console's pages and the AWS CLI
// make, one at a time, on a store that command fleet has filled: as the
// delegated administrator of all accounts, as its largest member and as a small
// one. It prints the median and the slowest of each.
//
//	go run ./test/cmd/probe --data DIR [--store URL] [--rounds 10] [--only TEXT] [--resources N] [--accounts N] [--one-in N]
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
	"strings"
	"syscall"
	"time"

	"muster/internal/config"
	"muster/internal/server"
	"muster/test/fleetgen"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	c := config.Default()
	flag.StringVar(&c.Data, "data", "", "the server's data folder")
	flag.StringVar(&c.Store, "store", "", "the store's URL (default SQLite in the data folder)")
	rounds := flag.Int("rounds", 10, "how often each call is made")
	only := flag.String("only", "", "only calls whose name has the text")
	shape := fleetgen.Flags(flag.CommandLine)
	flag.Parse()
	if c.Data == "" {
		return errors.New("--data is needed")
	}
	c.Listen, c.FeedsInterval, c.Feeds = "127.0.0.1:0", 0, filepath.Join(c.Data, "fleet-feeds")
	began := time.Now()
	srv, err := server.New(ctx, c, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return err
	}
	fmt.Printf("ready after %.2f s\n", time.Since(began).Seconds())
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	p := &prober{caller: fleetgen.NewCaller(srv), rounds: *rounds}
	err = p.all(ctx, shape(), *only)
	cancel()
	return errors.Join(err, <-done, srv.Close())
}

// all makes every call in turn.
func (p *prober) all(ctx context.Context, shape fleetgen.Shape, only string) error {
	fmt.Printf("%-56s %9s %9s %9s  load %s\n", "milliseconds", "median", "slowest", "processor", load())
	for _, q := range questions(shape) {
		if !strings.Contains(q.name, only) {
			continue
		}
		if err := p.ask(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
	}
	return nil
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}

// processor is the processor time that this process has used.
func processor() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
