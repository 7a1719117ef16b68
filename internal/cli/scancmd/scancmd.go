// Package scancmd is the command "muster scan": one target, without a server.
package scancmd

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"muster/internal/cli/command"
	"muster/internal/cli/terminal"
	"muster/internal/config"
	"muster/internal/feed/bundle"
	"muster/internal/feed/fetch"
	"muster/internal/finding"
	"muster/internal/report"
	"muster/internal/scanner"
	"muster/internal/scanner/knowledge"
	"muster/internal/source/image"
	"muster/internal/vex"

	"github.com/spf13/cobra"
)

// Exit codes of a scan that went well but found what the user asked to be told
// of by the code.
const (
	exitFound = 3
	exitGaps  = 4
)

// flags are the flags of muster scan.
type flags struct {
	version                      string
	layers                       []string
	feeds, cache, format         string
	failOn, explain, baseline    string
	strict, all, insecure, quiet bool
	trust                        []string
	unsigned                     bool
	platform                     string
	development                  string
	outputs, paths, vex          []string
	maxAge                       time.Duration
}

// New returns the command of a program of that version.
func New(version string) *cobra.Command {
	f := flags{version: version}
	cmd := &cobra.Command{
		Use:   "scan TARGET",
		Short: "Scan one target, without a server and without state",
		Long: `Reads what is installed on a target, matches it against advisories, and prints what it found.

Targets:
  dir:PATH       the root of this machine (dir:/), a mounted root, or a source tree
  lock:FILE      a lock file or manifest (package-lock.json, poetry.lock, go.mod, pom.xml …)
  sbom:FILE      CycloneDX (JSON, XML) or SPDX (JSON, tag-value)
  archive:FILE   an image saved by docker or podman, an OCI archive or layout, an exported root, a zip or Java archive,
                 a Lambda function (its layers by --layer)
  disk:FILE      a disk: raw, qcow2, VMDK, VHD or VHDX, with GPT, MBR or LVM, holding ext2 to ext4 or xfs; nothing is mounted
  image:REF      an image of a registry; credentials come from docker's configuration
  PATH           any of these; the kind is detected

Advisories come from --feeds, else MUSTER_FEEDS: a folder or address in the layout of OSV's public bucket or of a
feeds folder, or a bundle of feeds that a trusted key signed. Without either, what the target needs is fetched from
the publishers into the cache's folder feeds, and then followed at each one's pace. Advisories are compiled once and
kept in the cache by content; later scans open them in milliseconds.
What could not be judged, because advisories are missing, is said; it never looks like "nothing found".

Reports:
  table                   for people
  json                    everything, with the evidence of each match; what --baseline reads
  cyclonedx[-1.4|5|6]     the packages and their vulnerabilities (without a version: 1.6)
  spdx, spdx-tag-value    the packages, SPDX 2.3
  sarif                   SARIF 2.1.0, for code hosts
  inspector               what inspector-scan's ScanSbom answers
  openvex                 a statement about each vulnerability, to be edited and given to --vex

What is known to do no harm: --vex takes OpenVEX, CSAF and CycloneDX documents. Packages that a statement calls not_affected
or fixed are left out and told apart; later statements win over earlier ones.
What was there before: --baseline takes an earlier JSON report; --fail-on then looks at what is new only.

Exit codes:
  0  the scan went well
  1  it failed: the target, the advisories or another file could not be read
  2  wrong usage
  3  there are findings (with --baseline: new ones) of the --fail-on severity or worse
  4  with --strict: some packages could not be judged for lack of advisories`,
		Example: `  muster scan dir:/
  muster scan package-lock.json --feeds /srv/advisories --fail-on high
  muster scan sbom:app.cdx.json --format json --output report.json
  muster scan image:registry.example.com/team/app:1.2 --platform linux/arm64 -o sarif=app.sarif -o cyclonedx=app.cdx.json
  muster scan dir:. --vex our.openvex.json --baseline last.json --fail-on medium
  muster scan go.mod --explain CVE-2022-41723`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return command.Usage(fmt.Errorf("scan takes one target, for example dir:/ or package-lock.json"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.register(cmd)
	return cmd
}

func (f *flags) register(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVar(&f.feeds, "feeds", "", "folder, address or bundle of advisories (default MUSTER_FEEDS, else the publishers)")
	set.StringArrayVar(&f.trust, "trust", nil, "with a bundle, file of public keys that are believed (repeatable; default MUSTER_FEEDS_TRUST)")
	set.BoolVar(&f.unsigned, "insecure-unsigned", false, "believe bundles without a signature and of unknown keys")
	set.StringVar(&f.cache, "cache", "", "folder of compiled advisories (default muster in the user's cache folder)")
	set.DurationVar(&f.maxAge, "max-age", time.Hour, "how long what an address gave is taken for current; folders are looked at every time")
	set.StringVar(&f.format, "format", string(report.Table), "form of the report: "+formatList())
	set.StringArrayVarP(&f.outputs, "output", "o", nil, "FILE for the report (default standard output), or FORMAT=FILE for one more (repeatable)")
	set.StringVar(&f.failOn, "fail-on", "", "exit with 3 when a finding is this severe or worse: critical, high, medium, low, informational")
	set.StringVar(&f.baseline, "baseline", "", "earlier report in JSON: what it has is not new, and --fail-on passes over it")
	set.StringArrayVar(&f.vex, "vex", nil, "OpenVEX, CSAF or CycloneDX document with statements about vulnerabilities (repeatable)")
	set.BoolVar(&f.strict, "strict", false, "exit with 4 when packages could not be judged for lack of advisories")
	set.StringVar(&f.explain, "explain", "", "say why a vulnerability (CVE-…, GHSA-…) is or is not reported")
	set.BoolVar(&f.all, "all", false, "in tables, show informational findings, every package, every update and what VEX leaves out")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "show no progress on terminals")
	set.StringVar(&f.development, "dev", "", "what lock files list for development or tests only: include or exclude (default: exclude where a system is deployed, as in images)")
	set.StringVar(&f.platform, "platform", "linux/amd64", "which image of an index is scanned")
	set.StringArrayVar(&f.layers, "layer", nil, "with the zip of a Lambda function, the zip of a layer, unpacked to /opt as Lambda does (repeatable, in the function's order)")
	set.BoolVar(&f.insecure, "insecure-registry", false, "allow plain HTTP to the registry of image:REF")
	set.StringArrayVar(&f.paths, "path", nil, "with dir:/, a further folder to look for language packages in (repeatable)")
}

func formatList() string {
	var names []string
	for _, n := range report.Formats() {
		names = append(names, string(n))
	}
	return strings.Join(names, ", ")
}

func (f *flags) run(cmd *cobra.Command, text string) error {
	reports, err := destinations(f.format, f.outputs)
	if err != nil {
		return err
	}
	limit, err := command.FailOn(f.failOn)
	if err != nil {
		return err
	}
	platform, err := image.ParsePlatform(f.platform)
	if err != nil {
		return command.Usage(fmt.Errorf("--platform: %w", err))
	}
	choice := scanner.Choice(f.development)
	if choice != "" && choice != scanner.Include && choice != scanner.Exclude {
		return command.Usage(fmt.Errorf("--dev: %q is none of include, exclude", f.development))
	}
	target, err := scanner.ParseTarget(text)
	if err != nil {
		return err
	}
	opts := scanner.Options{Paths: f.paths, FunctionLayers: f.layers, Explain: f.explain, Development: choice, Platform: platform, Registry: registryOptions(f.insecure)}
	baseline, err := f.read(&opts)
	if err != nil {
		return err
	}
	tuneMemory()
	result, err := f.scan(cmd, target, opts)
	if err != nil {
		return err
	}
	form := report.Options{All: f.all, Version: f.version, Created: sourceDate()}
	if baseline != nil {
		form.Baseline = baseline.Compare(result)
	}
	if err := f.write(cmd.OutOrStdout(), reports, result, form); err != nil {
		return err
	}
	return f.verdict(result, limit, form.Baseline)
}

// read reads the files that say what to make of findings.
func (f *flags) read(opts *scanner.Options) (*report.Baseline, error) {
	if len(f.vex) > 0 {
		opts.VEX = vex.NewSet()
	}
	for _, name := range f.vex {
		if err := opts.VEX.ReadFile(name); err != nil {
			return nil, fmt.Errorf("--vex: %w", err)
		}
	}
	if f.baseline == "" {
		return nil, nil
	}
	baseline, err := report.ReadBaseline(f.baseline)
	if err != nil {
		return nil, fmt.Errorf("--baseline: %w", err)
	}
	return baseline, nil
}

// scan scans, and shows on terminals how far it is.
func (f *flags) scan(cmd *cobra.Command, target scanner.Target, opts scanner.Options) (*scanner.Result, error) {
	shown := terminal.NewSpinner(cmd.ErrOrStderr(), f.quiet)
	defer shown.Close()
	opts.Progress = shown.Say
	config, done, err := f.advisories(cmd.ErrOrStderr(), shown)
	if err != nil {
		return nil, err
	}
	defer done()
	opts.Advisories, opts.Layers = config, filepath.Join(config.Dir, "layers")
	return scanner.Scan(cmd.Context(), target, opts)
}

// registryOptions takes credentials from the environment; without them those
// of docker's configuration and its helpers count.
func registryOptions(insecure bool) image.Registry {
	return image.Registry{Insecure: insecure, User: os.Getenv("MUSTER_REGISTRY_USERNAME"), Password: os.Getenv("MUSTER_REGISTRY_PASSWORD")}
}

// tuneMemory lets the heap of this short-lived process grow before anything is
// collected, up to a size at which that begins to matter.
func tuneMemory() {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(64 << 20)
}

// advisories says where knowledge comes from. Where no cache can be kept, one
// for this scan alone takes its place; done removes it.
func (f *flags) advisories(stderr io.Writer, shown *terminal.Spinner) (known knowledge.Config, done func(), err error) {
	known = knowledge.Config{Location: f.feeds, Dir: f.cache, MaxAge: f.maxAge}
	if known.Location == "" {
		known.Location = os.Getenv("MUSTER_FEEDS")
	}
	if known.Publishers, err = publishers(); err != nil {
		return known, func() {}, command.Usage(err)
	}
	known.Progress = func(text string) { shown.Say(text + " (once; later scans use the cache)") }
	done = func() {}
	if known.Trust, err = f.believed(); err != nil || known.Dir != "" {
		return known, done, err
	}
	if base, err := os.UserCacheDir(); err == nil {
		known.Dir = filepath.Join(base, "muster")
		if err := os.MkdirAll(known.Dir, 0o755); err == nil {
			return known, done, nil
		}
	}
	fmt.Fprintln(stderr, "muster: there is no cache folder; name one with --cache to make later scans fast")
	known.Dir, err = os.MkdirTemp("", "muster-advisories-")
	return known, func() { _ = os.RemoveAll(known.Dir) }, err
}

// publishers are asked at the addresses that a server's configuration would
// name in the environment.
func publishers() (fetch.Config, error) {
	var c config.Config
	for name, list := range map[string]*[]string{
		"MUSTER_FEEDS_ADDRESSES": &c.FeedsAddresses, "MUSTER_FEEDS_HOSTS": &c.FeedsHosts, "MUSTER_FEEDS_SOURCES": &c.FeedsSources,
	} {
		if text := os.Getenv(name); text != "" {
			*list = strings.Split(text, ",")
		}
	}
	addresses, err := c.FeedAddresses()
	return fetch.Config{Addresses: addresses, Hosts: c.FeedsHosts, Sources: c.FeedsSources}, err
}

// believed are the keys whose bundles count.
func (f *flags) believed() (bundle.Trust, error) {
	keys := f.trust
	if list := os.Getenv("MUSTER_FEEDS_TRUST"); len(keys) == 0 && list != "" {
		keys = strings.Split(list, ",")
	}
	trust, err := bundle.ReadTrust(keys)
	trust.Unsigned = f.unsigned
	return trust, err
}

// verdict is the exit code that the user asked for.
func (f *flags) verdict(r *scanner.Result, limit finding.Severity, d *report.Difference) error {
	worst, ok := r.Worst()
	what := "the worst finding is"
	if d != nil {
		worst, ok = d.Worst(r)
		what = "the worst new finding is"
	}
	if ok && limit != "" && worst.Rank() >= limit.Rank() {
		return command.Exit(exitFound, fmt.Sprintf("%s %s; --fail-on is %s", what, worst, limit))
	}
	if gaps := r.Gaps(); f.strict && len(gaps) > 0 {
		return command.Exit(exitGaps, fmt.Sprintf("packages of %s could not be judged: %s", gaps[0].Ecosystem, gaps[0].Reason))
	}
	return nil
}
