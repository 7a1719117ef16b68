package crash

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// The commands that open a state; each is run with MUSTER_DATA set.
var (
	serve     = []string{"server"}
	demo      = []string{"up"}
	admin     = []string{"admin", "create-account", "--name", "other", "--email", "other@example.com"}
	syncFeeds = []string{"feeds", "sync"}
	status    = []string{"feeds", "status"}
)

// unusable is a state that no command may go on with.
type unusable struct {
	name string
	// damage is done to a copy of a good data folder.
	damage func(t *testing.T, data string)
	// environment is set beside MUSTER_DATA.
	environment []string
	commands    [][]string
	// want is what the message says.
	want string
}

func unusables(t *testing.T) []unusable {
	return []unusable{
		{name: "another key", damage: writes("key", freshKey), commands: [][]string{serve, demo, admin}, want: "sealed with a different key-encryption key"},
		{name: "no key", damage: removes("key"), commands: [][]string{serve, demo, admin}, want: "key is missing, and the database's secrets are sealed with it"},
		{name: "a spoilt key", damage: writes("key", func() string { return "no key" }), commands: [][]string{serve, demo, admin}, want: "not base64 of 32 bytes"},
		{name: "a key that others may read", damage: func(t *testing.T, data string) { must(t, os.Chmod(filepath.Join(data, "key"), 0o644)) },
			commands: [][]string{serve, demo, admin}, want: "others may read it: chmod 600"},
		{name: "no database", damage: removes("muster.db"), commands: [][]string{serve, demo, admin, status}, want: "muster.db.lock to begin with an empty one"},
		{name: "another file as database", damage: writes("muster.db", func() string { return strings.Repeat("no database ", 1000) }),
			commands: [][]string{serve, demo, admin, status}, want: "file is not a database"},
		{name: "a cut database", damage: cuts("muster.db", 50_000), commands: [][]string{serve, demo, admin, status}, want: "database disk image is malformed"},
		{name: "a newer schema", damage: newerSchema, commands: [][]string{serve, demo, admin, status}, want: "start the newer program, or restore a backup"},
		{name: "a damaged advisory file", damage: cuts("advisories/generations/1/osv-Debian.db", 40), commands: [][]string{status}, want: "'muster feeds sync' imports again"},
		{name: "a lost advisory file", damage: removes("advisories/generations/1/osv-Debian.db"), commands: [][]string{status}, want: "'muster feeds sync' imports again"},
		{name: "no such mirror", environment: []string{"MUSTER_FEEDS=/nowhere"}, commands: [][]string{syncFeeds}, want: "/nowhere: no such file or directory"},
		{name: "a file as folder", environment: []string{"MUSTER_DATA=/dev/null"}, commands: [][]string{serve, demo, admin, status}, want: "/dev/null: not a directory"},
		{name: "no such server database", environment: []string{"MUSTER_STORE=" + strings.Replace(storetest.Postgres(t), "/muster_test_", "/no_muster_test_", 1)},
			commands: [][]string{serve, demo, admin, status}, want: "does not exist"},
		{name: "an unknown store", environment: []string{"MUSTER_STORE=mysql://x"}, commands: [][]string{serve, demo, admin, status}, want: "store: give sqlite:FILE or postgres://"},
	}
}

func TestUnusableStatesAreRefusedInWords(t *testing.T) {
	good := goodState(t)
	for _, u := range unusables(t) {
		t.Run(u.name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			must(t, os.CopyFS(data, os.DirFS(good)))
			must(t, os.Chmod(filepath.Join(data, "key"), 0o600))
			if u.damage != nil {
				u.damage(t, data)
			}
			for _, args := range u.commands {
				refusedInWords(t, exec.Command(muster(t), args...), append([]string{"MUSTER_DATA=" + data}, u.environment...), u.want)
			}
		})
	}
}

// goodState makes a data folder with an account and advisories.
func goodState(t *testing.T) string {
	t.Helper()
	p := newProcess(t, "")
	if _, err := p.run(t.Context(), "admin", "create-account", "--name", "first", "--email", "first@example.com"); err != nil {
		t.Fatal(err)
	}
	newAdvisories(t, p)
	return p.data
}

// refusedInWords runs a command that has to end soon, without success and with
// a message for people.
func refusedInWords(t *testing.T, cmd *exec.Cmd, environment []string, want string) {
	t.Helper()
	cmd.Env = append(append(os.Environ(), "MUSTER_LISTEN=127.0.0.1:0", "MUSTER_FEEDS_INTERVAL=0s"), environment...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	dieWithTest(cmd)
	must(t, cmd.Start())
	overdue := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if !overdue.Stop() {
		t.Errorf("%v does not end:\n%s", cmd.Args[1:], out.String())
		return
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v ended with %v:\n%s", cmd.Args[1:], err, out.String())
	}
	if text := out.String(); !strings.Contains(text, want) || strings.Contains(text, "goroutine ") {
		t.Errorf("%v: no %q in:\n%s", cmd.Args[1:], want, text)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func removes(name string) func(*testing.T, string) {
	return func(t *testing.T, data string) { must(t, os.Remove(filepath.Join(data, name))) }
}

func cuts(name string, size int64) func(*testing.T, string) {
	return func(t *testing.T, data string) { must(t, os.Truncate(filepath.Join(data, name), size)) }
}

func writes(name string, content func() string) func(*testing.T, string) {
	return func(t *testing.T, data string) {
		must(t, os.WriteFile(filepath.Join(data, name), []byte(content()), 0o600))
	}
}

func freshKey() string {
	var key [32]byte
	_, _ = rand.Read(key[:]) // it cannot fail
	return base64.StdEncoding.EncodeToString(key[:])
}

// newerSchema leaves the mark of a program that knows a later migration.
func newerSchema(t *testing.T, data string) {
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(data, "muster.db"), store.Options{})
	must(t, err)
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO schema_version (version_id, is_applied) VALUES (9999, TRUE)`)
		return err
	})
	must(t, errors.Join(err, s.Close()))
}
