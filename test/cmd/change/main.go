// Command change measures what a changed advisory costs on a store that command
// fleet has filled: it changes the version that mends one package, there and
// back, lets a server take the new advisories and waits for the findings of all
// machines that have the package.
//
//	go run ./test/cmd/change --data DIR [--store URL] [--package N | --special] --resources N [--inventories N] [--accounts N] [--one-in N]
//
// It prints the times to the first and the last changed finding, the processor
// time of this process and of the whole machine, the latency of ordinary calls
// before and meanwhile, and checks that as many findings changed and as many
// events were recorded, once for each machine, as the fleet's shape says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	_ "net/http/pprof" //nolint:gosec // on loopback, where it is asked for
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"muster/internal/config"
	"muster/internal/store"
	"muster/test/fleetgen"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "change:", err)
		os.Exit(1)
	}
}

// options are what is changed.
type options struct {
	special bool
	pkg     int
	rounds  int
	calm    time.Duration
}

func run(ctx context.Context) error {
	c := config.Default()
	var o options
	flag.StringVar(&c.Data, "data", "", "the server's data folder")
	flag.StringVar(&c.Store, "store", "", "the store's URL (default SQLite in the data folder)")
	flag.BoolVar(&o.special, "special", false, "change the rare package")
	flag.IntVar(&o.pkg, "package", 0, "the number of the package that is changed, a multiple of one-in")
	flag.IntVar(&o.rounds, "rounds", 1, "how often it is changed there and back")
	flag.DurationVar(&o.calm, "calm", 10*time.Second, "how long ordinary calls are measured before")
	profile := flag.String("pprof", "", "address of the profiler")
	shape := fleetgen.Flags(flag.CommandLine)
	flag.Parse()
	if c.Data == "" {
		return errors.New("--data is needed")
	}
	if *profile != "" {
		go func() { _ = http.ListenAndServe(*profile, nil) }() //nolint:gosec // a profiler
	}
	c.Listen, c.FeedsInterval, c.Feeds = "127.0.0.1:0", 0, filepath.Join(c.Data, "fleet-feeds")
	running, err := fleetgen.Start(ctx, c, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return err
	}
	st, err := store.Open(ctx, c.StoreURL(), store.Options{})
	if err == nil {
		m := &measurement{options: o, shape: shape(), feeds: c.Feeds, running: running, store: st}
		err = errors.Join(m.all(ctx), st.Close())
	}
	return errors.Join(err, running.Stop())
}
