// Command load puts a server of its own under the load of a fleet (package
// load) and prints how it bore it:
//
//	make build
//	go run ./test/cmd/load [--store URL] [--agents 10000] [--rate 500]
//
// It exits with 1 if anything that the server acknowledged is not there.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"muster/test/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	c := load.Usual()
	flag.StringVar(&c.Muster, "muster", "bin/muster", "the server's program")
	flag.StringVar(&c.Store, "store", "", "the URL of an empty database (default SQLite)")
	flag.StringVar(&c.Data, "data", "", "an empty folder (default a temporary one)")
	flag.IntVar(&c.Agents, "agents", c.Agents, "how many agents")
	flag.IntVar(&c.Accounts, "accounts", c.Accounts, "how many accounts they belong to")
	flag.IntVar(&c.Inventories, "inventories", c.Inventories, "how many different inventories they have")
	flag.IntVar(&c.Packages, "packages", c.Packages, "how many packages each")
	flag.IntVar(&c.Rate, "rate", c.Rate, "how many calls a second")
	flag.DurationVar(&c.Steady, "for", c.Steady, "how long calls are made at least")
	flag.DurationVar(&c.Patience, "patience", c.Patience, "how long the server may take to work off what it took")
	flag.Parse()
	began := time.Now()
	c.Say = func(format string, args ...any) {
		fmt.Printf("%7.1f s  "+format+"\n", append([]any{time.Since(began).Seconds()}, args...)...)
	}
	if c.Data == "" {
		dir, err := os.MkdirTemp("", "muster-load-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
		c.Data = dir
	}
	return load.Run(ctx, c)
}
