package feedscmd_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"muster/internal/advisorydb"
	"muster/internal/cli/feedscmd"
	"muster/internal/feed/fetch"
	"muster/internal/store"
	"muster/internal/store/storetest"
)

// run runs "feeds ARGS" on a state and returns what it prints.
func run(t *testing.T, s *store.Store, dir string, args ...string) (string, error) {
	t.Helper()
	settings := feedscmd.Settings{Fetch: fetch.Config{Dir: filepath.Join(dir, "feeds")}}
	return runWith(t, s, settings, filepath.Join(dir, "advisories"), args...)
}

// runWith is run with settings of publishers.
func runWith(t *testing.T, s *store.Store, settings feedscmd.Settings, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := feedscmd.New(feedscmd.Openers{
		State: func(*cobra.Command) (feedscmd.State, error) {
			return feedscmd.State{Settings: settings, Store: s, Dir: dir, Close: func() {}}, nil
		},
		Settings: func(*cobra.Command) (feedscmd.Settings, error) { return settings, nil },
	})
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetArgs(args)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

const catalogue = `{"dateReleased":"2024-05-01T00:00:00Z","vulnerabilities":[{"cveID":"CVE-2024-0001","dateAdded":"2024-01-02"}]}`

func TestSyncAndStatus(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), store.Options{})
	mirror, dir := t.TempDir(), t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(mirror, "kev.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want string, wantErr error, args ...string) {
		t.Helper()
		out, err := run(t, s, dir, args...)
		if !errors.Is(err, wantErr) || !strings.Contains(out, want) {
			t.Errorf("%v: %v\n%swant %q", args, err, out, want)
		}
	}
	expect("No advisories were imported yet", nil, "status")
	write(catalogue)
	expect("Imported 1 of 1 files; generation 1 is in service.", nil, "sync", "--from", mirror)
	expect("Nothing new; generation 1 stays in service.", nil, "sync", "--from", mirror)
	write("<html>\x1b[31m")
	expect("kev.json: rejected: not a KEV catalogue", feedscmd.ErrRejected, "sync", "--from", mirror)
	expect("kev.json  1", nil, "status")
	expect("rejected  not a KEV catalogue", nil, "status")
	if err := os.Truncate(filepath.Join(dir, "advisories", "generations", "1", "kev.db"), 40); err != nil {
		t.Fatal(err)
	}
	expect("kev.json  1", advisorydb.ErrCorrupt, "status")
	write(catalogue)
	expect("Imported 1 of 1 files; generation 2 is in service.", nil, "sync", "--from", mirror)
	expect("kev.json  1", nil, "status")
	if out, err := run(t, s, dir, "sync", "--from", filepath.Join(mirror, "missing")); err == nil {
		t.Errorf("a folder that is not there: %s", out)
	}
}
