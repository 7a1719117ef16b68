package feedscmd

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"muster/internal/feed/fetch"
)

// ErrFetch is the error of a run in which some publishers failed: which, and
// why, has been printed; what was fetched before stays.
var ErrFetch = errors.New("some publishers could not be fetched; what was fetched before stays")

func newFetch(open Openers) *cobra.Command {
	var dir string
	var ecosystems []string
	var opts fetch.Options
	cmd := &cobra.Command{
		Use:   "fetch",
		Short: "Fetch publishers' files into a folder, without importing them",
		Long: `Fetches what changed at the publishers since the last time into a feeds folder: a mirror for
'muster feeds sync --from', 'muster scan --feeds' and 'muster feeds export'. Interrupted transfers go on
where they stopped. Needs no server and no database.`,
		Example: `  muster feeds fetch --dir /srv/feeds
  muster feeds fetch --dir /srv/feeds --source osv --source kev --ecosystem Debian`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := open.Settings(cmd)
			if err != nil {
				return err
			}
			config := settings.Fetch
			if dir != "" {
				config.Dir = dir
			}
			if len(ecosystems) > 0 {
				config.Ecosystems = ecosystems
			}
			if len(opts.Sources) > 0 {
				config.Sources = opts.Sources
			}
			return runFetch(cmd, config, opts)
		},
	}
	always, optional := fetch.Names()
	cmd.Flags().StringVar(&dir, "dir", "", "feeds folder (default: the configured installation's)")
	cmd.Flags().StringArrayVar(&opts.Sources, "source", nil,
		"fetch only this source (repeatable): "+strings.Join(always, ", ")+"; by name only: "+strings.Join(optional, ", "))
	cmd.Flags().StringArrayVar(&ecosystems, "ecosystem", nil, "fetch only this ecosystem of OSV (repeatable)")
	cmd.Flags().BoolVar(&opts.All, "all", false, "ask every publisher, due or not")
	cmd.Flags().BoolVar(&opts.AcceptShrunken, "accept-shrunken", false, "take files that lost more than a fifth")
	return cmd
}

func runFetch(cmd *cobra.Command, config fetch.Config, opts fetch.Options) error {
	fetcher, err := fetch.New(config)
	if err != nil {
		return err
	}
	opts.Progress = func(r fetch.Result) { printFetched(cmd.ErrOrStderr(), r) }
	results, err := fetcher.Run(cmd.Context(), opts)
	if err != nil {
		return err
	}
	changed := 0
	for _, r := range results {
		changed += len(r.Changed)
		if r.Err != nil {
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", r.Source, oneLine(r.Err))
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Asked %d publishers; %d files changed in %s.\n", len(results), changed, config.Dir)
	return fetchFaults(results)
}

// fetchFaults is an error if any publisher failed.
func fetchFaults(results []fetch.Result) error {
	for _, r := range results {
		if r.Err != nil {
			return ErrFetch
		}
	}
	return nil
}

func printFetched(w io.Writer, r fetch.Result) {
	if r.Err != nil {
		fmt.Fprintf(w, "fetch %s: %s\n", r.Source, oneLine(r.Err))
		return
	}
	fmt.Fprintf(w, "fetch %s: %d files changed, %s transferred\n", r.Source, len(r.Changed), bytesOf(r.Bytes))
}

// oneLine joins the faults of a publisher. They may hold its words.
func oneLine(err error) string {
	return strings.Map(printable, strings.ReplaceAll(err.Error(), "\n", "; "))
}

// bytesOf says a size in its largest unit.
func bytesOf(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d MB", n/1_000_000)
}
