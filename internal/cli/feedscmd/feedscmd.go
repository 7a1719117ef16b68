// Package feedscmd is the command "muster feeds": bringing advisories up to
// date and saying how current they are. It works on the state of a server,
// running or not; a running one notices a new generation at once.
package feedscmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"muster/internal/feed/bundle"
	"muster/internal/feed/fetch"
	"muster/internal/refresh"
	"muster/internal/store"
	"muster/internal/store/feeds"
)

// State is the installation that the command works on.
type State struct {
	Settings
	Store *store.Store
	// Dir is the folder of the advisory files.
	Dir string
	// Close gives the state back.
	Close func()
}

// Settings is what configuration says of feeds.
type Settings struct {
	// Source is where advisories come from when no flag says so.
	Source string
	// Fetch says how publishers are fetched, and into which folder.
	Fetch fetch.Config
	// Trust are files of public keys.
	Trust []string
}

// Openers are how the command gets at what it works on.
type Openers struct {
	// State opens an installation, Settings reads its configuration only.
	State    func(cmd *cobra.Command) (State, error)
	Settings func(cmd *cobra.Command) (Settings, error)
}

// ErrRejected is the error of a sync that refused a file: what was refused has
// been printed, the rest is in service.
var ErrRejected = errors.New("some files were rejected; what was imported before stays in service")

// New returns the command.
func New(open Openers) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "feeds",
		Short: "Bring advisories up to date, and see how current they are",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newSync(open), newStatus(open), newFetch(open), newExport(open), newImport(open), newInspect(open), newKeygen())
	return cmd
}

// service opens the state and the service over it.
func service(cmd *cobra.Command, open Openers, trust bundle.Trust, ecosystems ...string) (State, *refresh.Service, error) {
	state, err := open.State(cmd)
	if err != nil {
		return state, nil, err
	}
	if len(ecosystems) > 0 {
		state.Fetch.Ecosystems = ecosystems
	}
	fetcher, err := fetch.New(state.Fetch)
	if err != nil {
		state.Close()
		return state, nil, err
	}
	s, err := refresh.New(refresh.Config{Store: state.Store, Dir: state.Dir, Source: state.Source, Fetcher: fetcher, Trust: trust})
	if err != nil {
		state.Close()
		return state, nil, err
	}
	return state, s, nil
}

func newSync(open Openers) *cobra.Command {
	var opts refresh.SyncOptions
	var believed trustFlags
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Import what is new",
		Long: `Imports advisories and vulnerability intelligence from a folder, a bundle, an address, or the publishers,
whose files are fetched into the feeds folder first. A file that is cut, empty, not what it should be, or
that lost more than a fifth of its records is rejected, and its last import stays in service.`,
		Example: `  muster feeds sync
  muster feeds sync --from /srv/advisories
  muster feeds sync --from https://mirror.example.com/osv --ecosystem Debian --ecosystem npm`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			trust, err := believed.read(cmd, open)
			if err != nil {
				return err
			}
			state, s, err := service(cmd, open, trust, opts.Ecosystems...)
			if err != nil {
				return err
			}
			defer state.Close()
			defer s.Close()
			return runSync(cmd, s, opts)
		},
	}
	cmd.Flags().StringVar(&opts.Source, "from", "", "folder, bundle or address to import from (default: the configured source, else the publishers)")
	cmd.Flags().StringArrayVar(&opts.Ecosystems, "ecosystem", nil, "import only this ecosystem's advisories (repeatable)")
	cmd.Flags().BoolVar(&opts.AcceptShrunken, "accept-shrunken", false, "import files that lost more than a fifth of their records")
	cmd.Flags().BoolVar(&opts.FetchAll, "all", false, "ask every publisher, due or not")
	believed.register(cmd)
	return cmd
}

func runSync(cmd *cobra.Command, s *refresh.Service, opts refresh.SyncOptions) error {
	out := cmd.OutOrStdout()
	opts.Fetched = func(r fetch.Result) { printFetched(cmd.ErrOrStderr(), r) }
	opts.Progress = func(p refresh.Progress) {
		if p.Status == feeds.StatusAbsent && p.Records == 0 {
			return // the place never had it
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%3d/%d %s: %s, %d records\n", p.Done, p.Total, p.Source, p.Status, p.Records)
	}
	report, err := s.Sync(cmd.Context(), opts)
	if err != nil {
		return errors.Join(err, fetchFaults(report.Fetched))
	}
	imported := 0
	for _, r := range report.Sources {
		if r.Imported {
			imported++
		}
		if r.Reason != "" {
			fmt.Fprintf(out, "%s: %s: %s\n", r.Name, r.Status, r.Reason)
		}
	}
	if report.From == report.To {
		fmt.Fprintf(out, "Nothing new; generation %d stays in service.\n", report.To)
	} else {
		fmt.Fprintf(out, "Imported %d of %d files; generation %d is in service.\n", imported, len(report.Sources), report.To)
	}
	if len(report.Rejected()) > 0 {
		return ErrRejected
	}
	return fetchFaults(report.Fetched)
}

// verify reads what is in service.
func verify(ctx context.Context, s *refresh.Service) error {
	set, err := s.Current(ctx)
	if err == nil {
		defer set.Close()
		err = set.Verify()
	}
	if err != nil {
		return fmt.Errorf("advisories in service: %w\n'muster feeds sync' imports again what is damaged", err)
	}
	return nil
}
