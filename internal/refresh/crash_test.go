package refresh_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"muster/internal/refresh"
	"muster/internal/store"
	"muster/internal/store/feeds"
	"muster/internal/store/storetest"
)

// TestMain also serves as the process that TestKilledSync kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("MUSTER_TEST_SYNC"); dir != "" {
		syncUntilKilled(dir, os.Getenv("MUSTER_TEST_MIRROR"), os.Getenv("MUSTER_TEST_STORE"))
	}
	os.Exit(m.Run())
}

// syncUntilKilled syncs and prints a line at every step.
func syncUntilKilled(dir, mirror, url string) {
	s, err := store.Open(context.Background(), url, store.Options{})
	if err != nil {
		panic(err)
	}
	service, err := refresh.New(refresh.Config{Store: s, Dir: dir, Source: mirror})
	if err != nil {
		panic(err)
	}
	fmt.Println("start")
	_, err = service.Sync(context.Background(), refresh.SyncOptions{Progress: func(p refresh.Progress) { fmt.Println("step", p.Done) }})
	fmt.Println("end", err)
	os.Exit(0)
}

// TestKilledSync kills a syncing process after each of its steps. Whatever the
// moment, one whole generation is in service, the next sync succeeds, and
// nothing is left behind.
func TestKilledSync(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "muster.db")
	s := storetest.Open(t, url, store.Options{})
	f := newFixture(t, s)
	f.sync(refresh.SyncOptions{})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for after := range 9 {
		old, changed := f.fixedIn("p4"), fmt.Sprintf("%d.0", after+10)
		f.write("osv/Debian.zip", versionOfP4(t, changed))
		killAfter(t, self, f, url, after)
		service := f.newService()
		f.service = service
		if got := f.fixedIn("p4"); got != old && got != changed {
			t.Fatalf("killed after %d lines: %q is in service", after, got)
		}
		f.sync(refresh.SyncOptions{})
		if got := f.fixedIn("p4"); got != changed {
			t.Fatalf("the sync after the kill left %q", got)
		}
		f.checkTidy()
	}
}

// killAfter starts a sync in a process of its own and kills it once it has
// printed a number of lines.
func killAfter(t *testing.T, self string, f *fixture, url string, lines int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "MUSTER_TEST_SYNC="+f.dir, "MUSTER_TEST_MIRROR="+f.mirror, "MUSTER_TEST_STORE="+url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(out)
	for range lines {
		in.Scan()
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
}

func versionOfP4(t testing.TB, fixed string) []byte {
	var records []string
	for i := range 10 {
		v := "2.0"
		if i == 4 {
			v = fixed
		}
		records = append(records, record(i, fmt.Sprintf("p%d", i), v))
	}
	return archive(t, records...)
}

// TestOvertakenSyncGivesUp lets another process put a generation into service
// in the middle of a sync.
func TestOvertakenSyncGivesUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := newFixture(t, s)
		overtake := func(p refresh.Progress) {
			if p.Done != 1 {
				return
			}
			err := s.Update(t.Context(), func(tx *store.Tx) error {
				return feeds.Advance(t.Context(), tx, 0, feeds.Generation{Number: 1, CreatedAt: noon})
			})
			if err != nil {
				t.Error(err)
			}
		}
		if _, err := f.service.Sync(t.Context(), refresh.SyncOptions{Progress: overtake}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("%v", err)
		}
	})
}

// TestOtherProcessesSeeTheNewGeneration uses two services over one state.
func TestOtherProcessesSeeTheNewGeneration(t *testing.T) {
	eachLedger(t, func(t *testing.T, f *fixture) {
		f.sync(refresh.SyncOptions{})
		held, err := f.service.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		f.write("osv/Debian.zip", versionOfP4(t, "9.9"))
		if _, err := f.newService().Sync(t.Context(), refresh.SyncOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := f.fixedIn("p4"); got != "9.9" {
			t.Errorf("the first service still says %q", got)
		}
		list, err := held.Lookup("Debian:12", "p4")
		if err != nil || list[0].Affected[0].Ranges[0].Events[1].Version != "2.0" {
			t.Errorf("a set in use changed: %v", err)
		}
	})
}

func TestSyncsTakeTurns(t *testing.T) {
	f := newFixture(t, nil)
	inside := make(chan struct{})
	goOn := make(chan struct{})
	done := make(chan error, 1)
	first := true
	go func() {
		_, err := f.service.Sync(t.Context(), refresh.SyncOptions{Progress: func(refresh.Progress) {
			if first {
				first = false
				close(inside)
				<-goOn
			}
		}})
		done <- err
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := f.newService().Sync(ctx, refresh.SyncOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second sync at the same time: %v", err)
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestOldGenerationsAreKeptAndRestored(t *testing.T) {
	eachLedger(t, func(t *testing.T, f *fixture) {
		for i := range 5 {
			f.write("osv/Debian.zip", versionOfP4(t, fmt.Sprintf("%d.0", i+1)))
			f.sync(refresh.SyncOptions{})
		}
		kept, err := os.ReadDir(filepath.Join(f.dir, "generations"))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range kept {
			names = append(names, e.Name())
		}
		if !slices.Equal(names, []string{"3", "4", "5"}) {
			t.Errorf("kept %v", names)
		}
		if _, err := f.service.Generation(t.Context(), 2); !errors.Is(err, refresh.ErrGone) {
			t.Errorf("a removed generation: %v", err)
		}
		if _, err := f.service.Restore(t.Context(), 5); err == nil {
			t.Error("the one in service was restored")
		}
		n, err := f.service.Restore(t.Context(), 4)
		if err != nil || n != 6 || f.fixedIn("p4") != "4.0" {
			t.Errorf("restored as %d: %q, %v", n, f.fixedIn("p4"), err)
		}
		f.checkTidy()
	})
}

// TestDamagedFilesAreImportedAgain damages a file of the generation in service:
// it is cut, gone, or a bit of it has turned.
func TestDamagedFilesAreImportedAgain(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"cut":  func(path string) error { return os.Truncate(path, 100) },
		"gone": os.Remove,
		"rot": func(path string) error {
			body, err := os.ReadFile(path)
			if err == nil {
				body[len(body)-40] ^= 1
				err = os.WriteFile(path, body, 0o644)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.sync(refresh.SyncOptions{})
			if err := damage(filepath.Join(f.dir, "generations", "1", "osv-Debian.db")); err != nil {
				t.Fatal(err)
			}
			if err := verifyCurrent(t, f.newService()); err == nil {
				t.Fatal("the damage does not show")
			}
			if report := f.sync(refresh.SyncOptions{}); !find(t, report, "osv/Debian").Imported || find(t, report, "osv/npm").Imported {
				t.Errorf("%+v", report)
			}
			if err := verifyCurrent(t, f.newService()); err != nil || f.fixedIn("p1") != "2.0" {
				t.Errorf("not repaired: %v", err)
			}
		})
	}
}

func verifyCurrent(t *testing.T, s *refresh.Service) error {
	t.Helper()
	defer s.Close()
	set, err := s.Current(t.Context())
	if err != nil {
		return err
	}
	defer set.Close()
	return set.Verify()
}

// TestWebMirror syncs from a web server: nothing that did not change is
// transferred again, and while it is down the last import stays in service.
func TestWebMirror(t *testing.T) {
	f := newFixture(t, nil)
	f.age(time.Hour)
	var transfers atomic.Int64
	var down atomic.Bool
	files := http.FileServer(http.Dir(f.mirror))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		files.ServeHTTP(counting{w, &transfers}, r)
	}))
	defer server.Close()
	opts := refresh.SyncOptions{Source: server.URL}
	if report := f.sync(opts); report.To != 1 || len(report.Sources) != 7 || transfers.Load() != 7 {
		t.Fatalf("%d transfers, %+v", transfers.Load(), report)
	}
	if report := f.sync(opts); report.To != 1 || transfers.Load() != 7 {
		t.Errorf("%d transfers, %+v", transfers.Load(), report)
	}
	down.Store(true)
	if _, err := f.service.Sync(t.Context(), opts); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a server that is down: %v", err)
	}
	status, err := f.service.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range status.Sources {
		if s.Status != feeds.StatusUnreachable || s.Records == 0 {
			t.Errorf("%+v", s)
		}
	}
	if f.fixedIn("p1") != "2.0" {
		t.Error("the last import is gone")
	}
}

// age makes the mirror's files older: dates of change within the last seconds
// are not relied on.
func (f *fixture) age(by time.Duration) {
	f.t.Helper()
	then := time.Now().Add(-by)
	err := filepath.WalkDir(f.mirror, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, then, then))
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// counting counts answers with a body.
type counting struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c counting) WriteHeader(code int) {
	if code == http.StatusOK {
		c.n.Add(1)
	}
	c.ResponseWriter.WriteHeader(code)
}

func TestScheduledSyncComesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := newFixture(t, s)
		for range 2 {
			if err := f.service.Schedule(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			return refresh.Ask(t.Context(), tx, refresh.Request{Ecosystems: []string{"npm"}})
		})
		if err != nil {
			t.Fatal(err)
		}
		// The clock of the schedule is at noon, that of the store anywhere.
		if err := f.service.Run(t.Context(), store.Job{Kind: refresh.JobSync, Key: "scheduled"}); err != nil {
			t.Fatal(err)
		}
		if f.fixedIn("p1") != "2.0" {
			t.Error("not synced")
		}
		if err := f.service.Run(t.Context(), store.Job{Kind: refresh.JobSync, Payload: []byte(`{"source":"/nowhere"}`)}); err != nil {
			t.Errorf("a failed sync is in the log and the status, not a failed job: %v", err)
		}
		counts := jobCounts(t, s)
		if counts != 2 {
			t.Errorf("%d sync jobs wait, want the scheduled and the one asked for", counts)
		}
	})
}

func jobCounts(t *testing.T, s *store.Store) int {
	t.Helper()
	n := 0
	err := s.View(t.Context(), func(tx *store.Tx) error {
		n = 0
		counts, err := tx.JobCounts(t.Context())
		for _, c := range counts {
			if c.Kind == refresh.JobSync {
				n += int(c.Waiting)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
