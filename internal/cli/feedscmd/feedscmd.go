// Package feedscmd is the command "muster feeds": bringing advisories up to
// date and saying how current they are. It works on the state of a server,
// running or not; a running one notices a new generation at once.
package feedscmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"muster/internal/refresh"
	"muster/internal/store"
	"muster/internal/store/feeds"
)

// State is the installation that the command works on.
type State struct {
	Store *store.Store
	// Dir is the folder of the advisory files.
	Dir string
	// Source is where advisories come from when no flag says so.
	Source string
	// Close gives the state back.
	Close func()
}

// ErrRejected is the error of a sync that refused a file: what was refused has
// been printed, the rest is in service.
var ErrRejected = errors.New("some files were rejected; what was imported before stays in service")

// New returns the command. open opens the state that the command's flags name.
func New(open func(cmd *cobra.Command) (State, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "feeds",
		Short: "Bring advisories up to date, and see how current they are",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newSync(open), newStatus(open))
	return cmd
}

// service opens the state and the service over it.
func service(cmd *cobra.Command, open func(*cobra.Command) (State, error)) (State, *refresh.Service, error) {
	state, err := open(cmd)
	if err != nil {
		return state, nil, err
	}
	s, err := refresh.New(refresh.Config{Store: state.Store, Dir: state.Dir, Source: state.Source})
	if err != nil {
		state.Close()
		return state, nil, err
	}
	return state, s, nil
}

func newSync(open func(*cobra.Command) (State, error)) *cobra.Command {
	var opts refresh.SyncOptions
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Import what is new",
		Long: `Imports advisories (OSV records of every ecosystem) and vulnerability intelligence (KEV, EPSS, CVE
details, known exploits, end-of-life dates) from a folder or an address in the layout of OSV's public
bucket, or from the publishers. A file that is cut, empty, not what it should be, or that lost more than
a fifth of its records is rejected, and its last import stays in service.`,
		Example: `  muster feeds sync
  muster feeds sync --from /srv/advisories
  muster feeds sync --from https://mirror.example.com/osv --ecosystem Debian --ecosystem npm`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			state, s, err := service(cmd, open)
			if err != nil {
				return err
			}
			defer state.Close()
			defer s.Close()
			return runSync(cmd, s, opts)
		},
	}
	cmd.Flags().StringVar(&opts.Source, "from", "", "folder or address to import from (default: the configured source, else the publishers)")
	cmd.Flags().StringArrayVar(&opts.Ecosystems, "ecosystem", nil, "import only this ecosystem's advisories (repeatable)")
	cmd.Flags().BoolVar(&opts.AcceptShrunken, "accept-shrunken", false, "import files that lost more than a fifth of their records")
	return cmd
}

func runSync(cmd *cobra.Command, s *refresh.Service, opts refresh.SyncOptions) error {
	out := cmd.OutOrStdout()
	opts.Progress = func(p refresh.Progress) {
		if p.Status == feeds.StatusAbsent && p.Records == 0 {
			return // the place never had it
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%3d/%d %s: %s, %d records\n", p.Done, p.Total, p.Source, p.Status, p.Records)
	}
	report, err := s.Sync(cmd.Context(), opts)
	if err != nil {
		return err
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
	return nil
}

func newStatus(open func(*cobra.Command) (State, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show what was imported, when, and what is wrong",
		Long: `Shows every source with its last import and what is wrong with it, and reads the files in service. It
fails when they are damaged.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			state, s, err := service(cmd, open)
			if err != nil {
				return err
			}
			defer state.Close()
			defer s.Close()
			status, err := s.Status(cmd.Context())
			if err != nil {
				return err
			}
			if err := printStatus(cmd.OutOrStdout(), status, time.Now()); err != nil {
				return err
			}
			return verify(cmd.Context(), s)
		},
	}
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

// printStatus writes one line per source. Times are UTC.
func printStatus(w io.Writer, status refresh.Status, now time.Time) error {
	if status.Generation == 0 {
		fmt.Fprintln(w, "No advisories were imported yet: run 'muster feeds sync'.")
	} else {
		fmt.Fprintf(w, "Generation %d is in service.\n", status.Generation)
	}
	if len(status.Sources) == 0 {
		return nil
	}
	t := newTable("SOURCE", "RECORDS", "IMPORTED", "AGE", "STATE", "REASON")
	for _, s := range status.Sources {
		imported, age := "never", "-"
		if !s.ImportedAt.IsZero() {
			imported = s.ImportedAt.Format("2006-01-02 15:04")
			age = ageOf(now.Sub(s.ImportedAt))
		}
		t.row(s.Name, fmt.Sprint(s.Records), imported, age, string(s.Status), s.Reason)
	}
	return t.write(w)
}

// ageOf says a duration in its largest unit.
func ageOf(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
