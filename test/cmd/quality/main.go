// Command quality measures muster's matching on every shared target and
// compares the scores with the committed ones: it fails when one is worse, or
// differs and was not committed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"muster/internal/scanner"
	"muster/test/quality"
)

type options struct {
	quality.World
	update, verbose bool
	peer            string
}

func main() {
	var o options
	flag.StringVar(&o.Shared, "shared", filepath.Join("..", "shared"), "folder of the shared data")
	flag.StringVar(&o.Cache, "cache", "", "folder that keeps compiled advisories (default a temporary one)")
	flag.BoolVar(&o.update, "update", false, "write the measured scores into the table")
	flag.BoolVar(&o.verbose, "v", false, "print every score and every contradicted claim")
	flag.StringVar(&o.peer, "peer", os.Getenv("MUSTER_PEER"), "osv-scanner's program: compare with it, on the same advisories")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quality:", err)
		os.Exit(1)
	}
}

var errGate = errors.New("the scores differ from the committed ones; if that is meant, look at the findings (-v) and commit what -update writes")

func run(ctx context.Context, o options, out io.Writer) (err error) {
	temp, err := os.MkdirTemp("", "quality-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	o.Work = temp
	if o.Cache == "" {
		o.Cache = filepath.Join(temp, "cache")
	}
	var peer *quality.Peer
	if o.peer != "" {
		if peer, err = o.NewPeer(o.peer); err != nil {
			return err
		}
	}
	unexplained := 0
	scores, err := o.Measure(ctx, func(t quality.Target, r *scanner.Result, s quality.Score, faults []quality.Fault) error {
		if o.verbose {
			tell(out, t, s, faults)
		}
		if peer == nil {
			return nil
		}
		c, err := peer.Against(ctx, o.World, t, r)
		c.Tell(out, t.Name)
		unexplained += len(c.Unexplained)
		return err
	})
	if err != nil {
		return err
	}
	if unexplained > 0 {
		return fmt.Errorf("%d differences from the peer have no reason: look into them, mend what is wrong, add the reason", unexplained)
	}
	if o.update {
		return os.WriteFile(quality.Table(), []byte(quality.Render(scores)), 0o644)
	}
	return gate(scores, out)
}

func tell(out io.Writer, t quality.Target, s quality.Score, faults []quality.Fault) {
	fmt.Fprintln(out, t.Name, s)
	for _, f := range faults {
		word := "reported, said to be false:"
		if f.True {
			word = "missed, said to be true:"
		}
		fmt.Fprintln(out, "   ", word, f.Ecosystem, f.Name, f.Version, f.IDs, f.Record)
	}
}

func gate(scores map[string]quality.Score, out io.Writer) error {
	committed, err := quality.ReadTable()
	if err != nil {
		return err
	}
	v := quality.Judge(committed, scores)
	for _, text := range v.Worse {
		fmt.Fprintln(out, "WORSE  ", text)
	}
	for _, text := range v.Changed {
		fmt.Fprintln(out, "changed", text)
	}
	if len(v.Worse)+len(v.Changed) > 0 {
		return errGate
	}
	return nil
}
