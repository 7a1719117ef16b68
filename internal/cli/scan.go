package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"muster/internal/finding"
	"muster/internal/report"
	"muster/internal/scanner"
	"muster/internal/scanner/knowledge"
	"muster/internal/source/image"

	"github.com/spf13/cobra"
)

// Exit codes of a scan that went well but found what the user asked to be told
// of by the code.
const (
	exitFound = 3
	exitGaps  = 4
)

// exitError ends the program with a code of its own.
type exitError struct {
	code int
	text string
}

func (e exitError) Error() string { return e.text }

// scanFlags are the flags of muster scan.
type scanFlags struct {
	feeds, cache, format, output string
	failOn, explain              string
	strict, all, insecure        bool
	platform                     string
	paths                        []string
	maxAge                       time.Duration
}

func newScan() *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "scan TARGET",
		Short: "Scan one target, without a server and without state",
		Long: `Reads what is installed on a target, matches it against advisories, and prints what it found.

Targets:
  dir:PATH       the root of this machine (dir:/), a mounted root, or a source tree
  lock:FILE      a lock file or manifest (package-lock.json, poetry.lock, go.mod, pom.xml …)
  sbom:FILE      CycloneDX (JSON, XML) or SPDX (JSON, tag-value)
  archive:FILE   an image saved by docker or podman, an OCI archive or layout, an exported root, a zip or Java archive
  disk:FILE      a disk: raw, qcow2, VMDK, VHD or VHDX, with GPT, MBR or LVM, holding ext2 to ext4 or xfs; nothing is mounted
  image:REF      an image of a registry; credentials come from docker's configuration
  PATH           any of these; the kind is detected

Advisories come from --feeds, else MUSTER_FEEDS, else the publishers: a folder or address in the layout of OSV's
public bucket. They are compiled once and kept in the cache by content; later scans open them in milliseconds.
What could not be judged, because advisories are missing, is said; it never looks like "nothing found".

Exit codes:
  0  the scan went well
  1  it failed: the target or the advisories could not be read
  2  wrong usage
  3  there are findings of the --fail-on severity or worse
  4  with --strict: some packages could not be judged for lack of advisories`,
		Example: `  muster scan dir:/
  muster scan package-lock.json --feeds /srv/advisories --fail-on high
  muster scan sbom:app.cdx.json --format json --output report.json
  muster scan image:registry.example.com/team/app:1.2 --platform linux/arm64
  muster scan go.mod --explain CVE-2022-41723`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("scan takes one target, for example dir:/ or package-lock.json")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.register(cmd)
	return cmd
}

func (f *scanFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.feeds, "feeds", "", "folder or address of advisories (default MUSTER_FEEDS, else the publishers)")
	flags.StringVar(&f.cache, "cache", "", "folder of compiled advisories (default muster in the user's cache folder)")
	flags.DurationVar(&f.maxAge, "max-age", time.Hour, "how long what an address gave is taken for current; folders are looked at every time")
	flags.StringVar(&f.format, "format", string(report.Table), "form of the report: "+formatList())
	flags.StringVarP(&f.output, "output", "o", "", "file to write the report to (default standard output)")
	flags.StringVar(&f.failOn, "fail-on", "", "exit with 3 when a finding is this severe or worse: critical, high, medium, low, informational")
	flags.BoolVar(&f.strict, "strict", false, "exit with 4 when packages could not be judged for lack of advisories")
	flags.StringVar(&f.explain, "explain", "", "say why a vulnerability (CVE-…, GHSA-…) is or is not reported")
	flags.BoolVar(&f.all, "all", false, "in tables, show informational findings and every package")
	flags.StringVar(&f.platform, "platform", "linux/amd64", "which image of an index is scanned")
	flags.BoolVar(&f.insecure, "insecure-registry", false, "allow plain HTTP to the registry of image:REF")
	flags.StringArrayVar(&f.paths, "path", nil, "with dir:/, a further folder to look for language packages in (repeatable)")
}

func formatList() string {
	var names []string
	for _, n := range report.Formats() {
		names = append(names, string(n))
	}
	return strings.Join(names, ", ")
}

func (f *scanFlags) run(cmd *cobra.Command, text string) error {
	format, err := report.Parse(f.format)
	if err != nil {
		return usageError{fmt.Errorf("--format: %w", err)}
	}
	limit, err := severity(f.failOn)
	if err != nil {
		return err
	}
	platform, err := image.ParsePlatform(f.platform)
	if err != nil {
		return usageError{fmt.Errorf("--platform: %w", err)}
	}
	target, err := scanner.ParseTarget(text)
	if err != nil {
		return err
	}
	tuneMemory()
	config, done, err := f.advisories(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer done()
	result, err := scanner.Scan(cmd.Context(), target, scanner.Options{
		Advisories: config, Paths: f.paths, Explain: f.explain, Platform: platform, Registry: image.Registry{Insecure: f.insecure},
	})
	if err != nil {
		return err
	}
	if err := f.write(cmd.OutOrStdout(), format, result); err != nil {
		return err
	}
	return f.verdict(result, limit)
}

// tuneMemory lets the heap of this short-lived process grow before anything is
// collected, up to a size at which that begins to matter.
func tuneMemory() {
	debug.SetGCPercent(200)
	debug.SetMemoryLimit(80 << 20)
}

// severity reads --fail-on; empty means never.
func severity(text string) (finding.Severity, error) {
	s := finding.Severity(strings.ToUpper(text))
	if text != "" && s.Rank() < 0 {
		return "", usageError{fmt.Errorf("--fail-on: %q is none of critical, high, medium, low, informational, untriaged", text)}
	}
	return s, nil
}

// advisories says where knowledge comes from. Where no cache can be kept, one
// for this scan alone takes its place; done removes it.
func (f *scanFlags) advisories(stderr io.Writer) (config knowledge.Config, done func(), err error) {
	config = knowledge.Config{Location: f.feeds, Dir: f.cache, MaxAge: f.maxAge}
	if config.Location == "" {
		config.Location = os.Getenv("MUSTER_FEEDS")
	}
	config.Progress = func(text string) { fmt.Fprintf(stderr, "muster: %s (once; later scans use the cache)\n", text) }
	done = func() {}
	if config.Dir != "" {
		return config, done, nil
	}
	if base, err := os.UserCacheDir(); err == nil {
		config.Dir = filepath.Join(base, "muster")
		if err := os.MkdirAll(config.Dir, 0o755); err == nil {
			return config, done, nil
		}
	}
	config.Dir, err = os.MkdirTemp("", "muster-advisories-")
	if err != nil {
		return config, done, err
	}
	fmt.Fprintln(stderr, "muster: there is no cache folder; name one with --cache to make later scans fast")
	return config, func() { _ = os.RemoveAll(config.Dir) }, nil
}

// write writes the report, a file as a whole or not at all.
func (f *scanFlags) write(stdout io.Writer, format report.Format, result *scanner.Result) error {
	opts := report.Options{All: f.all, Version: version, Created: sourceDate()}
	if f.output == "" || f.output == "-" {
		opts.Color = wantsColor(stdout)
		return report.Write(stdout, format, result, opts)
	}
	out, err := os.CreateTemp(filepath.Dir(f.output), ".muster-report-")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	err = errors.Join(report.Write(out, format, result, opts), out.Chmod(0o644), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), f.output)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("report: %w", err), os.Remove(out.Name()))
	}
	return nil
}

// sourceDate is SOURCE_DATE_EPOCH (reproducible-builds.org), zero without it.
func sourceDate() time.Time {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// wantsColor: a terminal that has not declined (no-color.org).
func wantsColor(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// verdict is the exit code that the user asked for.
func (f *scanFlags) verdict(r *scanner.Result, limit finding.Severity) error {
	if worst, ok := r.Worst(); ok && limit != "" && worst.Rank() >= limit.Rank() {
		return exitError{exitFound, fmt.Sprintf("the worst finding is %s; --fail-on is %s", worst, limit)}
	}
	if gaps := r.Gaps(); f.strict && len(gaps) > 0 {
		return exitError{exitGaps, fmt.Sprintf("packages of %s could not be judged: %s", gaps[0].Ecosystem, gaps[0].Reason)}
	}
	return nil
}
