package feedscmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"muster/internal/feed/bundle"
	"muster/internal/feed/fetch"
	"muster/internal/refresh"
	"muster/internal/store/feeds"
)

// ErrStale is the error of a status in which something is older than allowed.
var ErrStale = errors.New("some feeds are older than allowed")

func newStatus(open Openers) *cobra.Command {
	var format string
	var maxAge time.Duration
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what was fetched and imported, when, and what is wrong",
		Long: `Shows every import with its age and what is wrong with it, every publisher with its last error and next
run, and reads the files in service. It fails when they are damaged, or with --max-age when one is older.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "table" && format != "json" {
				return fmt.Errorf("--format: %q is neither table nor json", format)
			}
			state, s, err := service(cmd, open, bundle.Trust{})
			if err != nil {
				return err
			}
			defer state.Close()
			defer s.Close()
			status, err := s.Status(cmd.Context())
			if err != nil {
				return err
			}
			write := printStatus
			if format == "json" {
				write = writeStatus
			}
			if err := write(cmd.OutOrStdout(), status, time.Now()); err != nil {
				return err
			}
			if err := verify(cmd.Context(), s); err != nil {
				return err
			}
			return tooOld(status, maxAge, time.Now())
		},
	}
	cmd.Flags().StringVar(&format, "format", "table", "form of the status: table, json")
	cmd.Flags().DurationVar(&maxAge, "max-age", 0, "fail when a source has not been known to be current for so long (0: never)")
	return cmd
}

// confirmed is when a source was last known to be as it is in service: at the
// last look, unless that failed; then at the import at least.
func confirmed(s feeds.Source) time.Time {
	if s.Status == feeds.StatusCurrent {
		return s.CheckedAt
	}
	return s.ImportedAt
}

func tooOld(status refresh.Status, limit time.Duration, now time.Time) error {
	if limit <= 0 {
		return nil
	}
	for _, s := range status.Sources {
		if s.Records > 0 && now.Sub(confirmed(s)) > limit {
			return fmt.Errorf("%w: %s is of %s", ErrStale, s.Name, confirmed(s).UTC().Format(time.RFC3339))
		}
	}
	for _, f := range status.Fetched {
		if f.Stale {
			return fmt.Errorf("%w: %s could not be fetched since %s", ErrStale, f.Source, f.SucceededAt.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// statusJSON is the status for programs. Times are RFC 3339, ages seconds.
type statusJSON struct {
	Generation int64          `json:"generation"`
	Sources    []sourceJSON   `json:"sources"`
	Publishers []fetch.Status `json:"publishers"`
}

type sourceJSON struct {
	Source       string    `json:"source"`
	Status       string    `json:"status"`
	Reason       string    `json:"reason,omitempty"`
	Records      int       `json:"records"`
	Generation   int64     `json:"generation"`
	SHA256       string    `json:"sha256,omitempty"`
	PublishedAt  time.Time `json:"published_at,omitzero"`
	ImportedAt   time.Time `json:"imported_at,omitzero"`
	CheckedAt    time.Time `json:"checked_at,omitzero"`
	FailingSince time.Time `json:"failing_since,omitzero"`
	Age          int64     `json:"age_seconds,omitempty"`
}

func writeStatus(w io.Writer, status refresh.Status, now time.Time) error {
	out := statusJSON{Generation: status.Generation, Sources: []sourceJSON{}, Publishers: status.Fetched}
	if out.Publishers == nil {
		out.Publishers = []fetch.Status{}
	}
	for _, s := range status.Sources {
		j := sourceJSON{
			Source: s.Name, Status: string(s.Status), Reason: s.Reason, Records: s.Records, Generation: s.Generation, SHA256: s.Hash,
			PublishedAt: s.PublishedAt, ImportedAt: s.ImportedAt, CheckedAt: s.CheckedAt, FailingSince: s.FailingSince,
		}
		if !s.ImportedAt.IsZero() {
			j.Age = int64(now.Sub(s.ImportedAt).Seconds())
		}
		out.Sources = append(out.Sources, j)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// printStatus writes one line per import and per publisher. Times are UTC.
func printStatus(w io.Writer, status refresh.Status, now time.Time) error {
	if status.Generation == 0 {
		fmt.Fprintln(w, "No advisories were imported yet: run 'muster feeds sync'.")
	} else {
		fmt.Fprintf(w, "Generation %d is in service.\n", status.Generation)
	}
	if len(status.Sources) > 0 {
		t := newTable("SOURCE", "RECORDS", "IMPORTED", "AGE", "STATE", "REASON")
		for _, s := range status.Sources {
			t.row(s.Name, fmt.Sprint(s.Records), when(s.ImportedAt, "never"), ageAt(s.ImportedAt, now), string(s.Status), s.Reason)
		}
		if err := t.write(w); err != nil {
			return err
		}
	}
	if len(status.Fetched) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := newTable("PUBLISHER", "FILES", "SIZE", "FETCHED", "AGE", "NEXT", "STATE", "LAST ERROR")
	for _, f := range status.Fetched {
		t.row(f.Source, fmt.Sprint(f.Files), bytesOf(f.Bytes), when(f.SucceededAt, "never"), ageAt(f.SucceededAt, now), nextRun(f.NextAt, now), fetchState(f), f.Error)
	}
	return t.write(w)
}

func fetchState(f fetch.Status) string {
	switch {
	case f.Stale:
		return "stale"
	case f.Failures > 0:
		return fmt.Sprintf("failing (%d)", f.Failures)
	case f.CheckedAt.IsZero():
		return "waiting"
	}
	return "current"
}

func when(at time.Time, never string) string {
	if at.IsZero() {
		return never
	}
	return at.UTC().Format("2006-01-02 15:04")
}

func nextRun(at, now time.Time) string {
	if !at.After(now) {
		return "due"
	}
	return when(at, "due")
}

func ageAt(at, now time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return ageOf(now.Sub(at))
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
