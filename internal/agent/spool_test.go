package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"muster/internal/agentwire"
	"muster/internal/inventory"
)

// packages are n pairs for machine.install.
func packages(n int) []string {
	var pairs []string
	for i := range n {
		pairs = append(pairs, fmt.Sprintf("package-%03d", i), fmt.Sprintf("1.%d-1", i))
	}
	return pairs
}

func TestOneChangedPackageCostsLittle(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	m.install(t, packages(500)...)
	m.enroll(t, s)
	once := func() Accepted {
		a, err := New(Config{StateDir: m.state, Root: m.root, Version: "v1", Transport: s})
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Once(t.Context())
		if err := errors.Join(err, a.Close()); err != nil {
			t.Fatal(err)
		}
		return got
	}
	first := once()
	if !first.Content || first.Difference || first.Packages != 500 {
		t.Fatalf("first %+v", first)
	}
	if again := once(); again.Content || again.Bytes > 1000 {
		t.Errorf("unchanged %+v", again)
	}
	m.install(t, append(packages(499), "another", "2-1")...)
	second := once() // another process, so the base comes from the disk
	if !second.Difference || second.Packages != 500 || second.Bytes*4 > first.Bytes {
		t.Errorf("one package changed: %+v after %+v", second, first)
	}
	t.Logf("500 packages: %d bytes at first, %d for one changed package", first.Bytes, second.Bytes)
	// A server that has lost what it had gets the whole.
	clear(s.contents)
	m.install(t, append(packages(499), "another", "3-1")...)
	if third := once(); !third.Content || third.Difference || third.Packages != 500 {
		t.Errorf("lost base: %+v", third)
	}
}

func TestReportsOutliveRestartsWhileOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newTestServer(), newMachine(t)
		m.enroll(t, s)
		s.refuseWith(1000, 0, agentwire.ErrorResponse{})
		for _, version := range []string{"1", "2"} {
			m.install(t, "bash", version)
			a, err := New(Config{StateDir: m.state, Root: m.root, Version: "v1", Transport: s, Stopping: func() bool { return false }})
			if err != nil {
				t.Fatal(err)
			}
			a.watch = func() (watcher, error) { return noWatcher{}, nil }
			stop := start(t, a)
			time.Sleep(time.Minute)
			if err := errors.Join(stop(), a.Close()); err != nil {
				t.Fatal(err)
			}
		}
		names, err := filepath.Glob(filepath.Join(m.state, "pending*"))
		if err != nil || len(names) != 1 {
			t.Fatalf("waiting: %v, %v", names, err)
		}
		offline := time.Now()
		time.Sleep(24 * time.Hour)
		s.refuseWith(0, 0, agentwire.ErrorResponse{})
		a := m.agent(t, s)
		a.watch = func() (watcher, error) { return noWatcher{}, nil }
		// What a look finds now would take the waiting report's place.
		a.look = func(context.Context) (inventory.Inventory, error) { return inventory.Inventory{}, errors.New("disk") }
		stop := start(t, a)
		first := <-s.reports
		if first.Inventory.Items[0].Version != "2" || first.CollectedAt.After(offline) {
			t.Errorf("delivered %v of %v", first.Inventory.Items, first.CollectedAt)
		}
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(names[0]); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("what was delivered still waits: %v", err)
		}
	})
}

func TestKeysAreReplaced(t *testing.T) {
	for _, lost := range []bool{false, true} {
		s, m := newTestServer(), newMachine(t)
		m.enroll(t, s)
		before := s.key
		s.rotate, s.lose = true, lost
		a, err := New(Config{StateDir: m.state, Root: m.root, Transport: s})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.key.Equal(before) {
			t.Fatal("no new key")
		}
		if _, err := a.Once(t.Context()); err != nil {
			t.Fatalf("answer lost %v: %v", lost, err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		next, err := New(Config{StateDir: m.state, Root: m.root, Transport: s})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := next.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := next.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOldKeysAreReplacedUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newTestServer(), newMachine(t)
		m.enroll(t, s)
		before := s.key
		a := m.agent(t, s)
		a.cfg.KeyAge, a.watch = 24*time.Hour, func() (watcher, error) { return noWatcher{}, nil }
		stop := start(t, a)
		time.Sleep(23 * time.Hour)
		if !s.hostKey().Equal(before) {
			t.Error("replaced too early")
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if s.hostKey().Equal(before) {
			t.Error("not replaced")
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestMachineGoingDownSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, down := range []bool{false, true} {
			s, m := newTestServer(), newMachine(t)
			m.enroll(t, s)
			a := m.agent(t, s)
			a.cfg.Stopping, a.watch = func() bool { return down }, func() (watcher, error) { return noWatcher{}, nil }
			stop := start(t, a)
			<-s.reports
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if said := len(s.reports) == 1 && (<-s.reports).Stopping; said != down {
				t.Errorf("going down %v, said %v", down, said)
			}
		}
	})
}

func TestNewerStateIsLeftAlone(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	id := m.enroll(t, s)
	id.Format = stateFormat + 1
	st, err := openState(m.state, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(st.write(identityFile, id), st.close()); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{StateDir: m.state, Root: m.root, Transport: s}); err == nil {
		t.Fatal("a newer folder is used")
	}
}
