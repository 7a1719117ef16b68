// Command beside scans targets by muster and by the other scanners that are
// installed, one after the other, and prints a table of what each found and
// needed. It is how the tables in docs/quality.md are made.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"muster/test/beside"
	"muster/test/quality"
)

func main() {
	var o options
	flag.StringVar(&o.Shared, "shared", filepath.Join("..", "shared"), "folder of the shared data, for its advisories")
	flag.StringVar(&o.Muster, "muster", filepath.Join("bin", "muster"), "muster's program")
	for name, program := range map[string]*string{"osv-scanner": &o.OSVScanner, "syft": &o.Syft, "grype": &o.Grype, "trivy": &o.Trivy} {
		found, _ := exec.LookPath(name) // one that is not installed is left out
		flag.StringVar(program, name, found, "program of "+name+", empty to leave it out")
	}
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "beside [flags] FOLDER-OF-TARGETS")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "beside:", err)
		os.Exit(1)
	}
}

type options struct {
	quality.World
	beside.Programs
}

func run(ctx context.Context, o options, folders []string, out io.Writer) (err error) {
	if len(folders) != 1 {
		return errors.New("one folder of targets is wanted")
	}
	temp, err := os.MkdirTemp("", "beside-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	o.Work, o.Cache = temp, filepath.Join(temp, "cache")
	if o.Muster, err = filepath.Abs(o.Muster); err != nil {
		return err
	}
	sides, err := beside.New(o.World, o.Programs)
	if err != nil {
		return err
	}
	targets, err := beside.Targets(folders[0])
	if err != nil {
		return err
	}
	beside.Head(out)
	for _, t := range targets {
		for _, row := range sides.Run(ctx, t) {
			row.Tell(out)
		}
	}
	return ctx.Err()
}
