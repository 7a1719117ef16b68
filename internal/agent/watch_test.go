package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fsnotify/fsnotify"

	"muster/internal/agentwire"
)

// TestWatchedMachine is the real thing: a package database on disk changes
// and a report follows.
func TestWatchedMachine(t *testing.T) {
	s, m := newTestServer(), newMachine(t)
	m.write(t, "usr/lib/node_modules/npm/package.json", `{"name":"npm","version":"1.0.0"}`)
	m.enroll(t, s)
	defer start(t, m.agent(t, s))()
	if got := versions(t, s); got["bash"] != "5.2.15-2" || got["npm"] != "1.0.0" {
		t.Fatalf("first report: %v", got)
	}
	m.install(t, "bash", "5.2.15-3", "curl", "7.88.1-10")
	if got := versions(t, s); got["bash"] != "5.2.15-3" || got["curl"] != "7.88.1-10" {
		t.Errorf("after an installation: %v", got)
	}
	m.install(t, "bash", "5.2.15-3")
	if got := versions(t, s); got["curl"] != "" {
		t.Errorf("after a removal: %v", got)
	}
	m.write(t, "usr/lib/node_modules/lodash/package.json", `{"name":"lodash","version":"4.17.20"}`)
	if got := versions(t, s); got["lodash"] != "4.17.20" {
		t.Errorf("after npm install: %v", got)
	}
}

// versions waits for a report with content.
func versions(t *testing.T, s *testServer) map[string]string {
	t.Helper()
	var rep *agentwire.Report
	for rep == nil || rep.Inventory == nil {
		rep = <-s.reports
	}
	got := map[string]string{}
	for _, it := range rep.Inventory.Items {
		got[it.Name] = it.Version
	}
	return got
}

// TestNoise: what package managers write beside their databases is no change.
func TestNoise(t *testing.T) {
	w := &folderWatcher{root: "/r"}
	for _, tt := range []struct {
		name string
		op   fsnotify.Op
		want bool
	}{
		{"/r/var/lib/dpkg/status", fsnotify.Create, true},
		{"/r/var/lib/dpkg/lock", fsnotify.Write, false},
		{"/r/var/lib/dpkg/diversions-old", fsnotify.Create, false},
		{"/r/var/lib/dpkg/status.d/base", fsnotify.Remove, true},
		{"/r/lib/apk/db/installed", fsnotify.Create, true},
		{"/r/lib/apk/db/scripts.tar", fsnotify.Create, false},
		{"/r/usr/lib/sysimage/rpm/rpmdb.sqlite-wal", fsnotify.Write, true},
		{"/r/var/lib/rpm/.rpm.lock", fsnotify.Write, false},
		{"/r/usr/lib/node_modules/x", fsnotify.Create, true},
		{"/r/usr/lib/node_modules/x", fsnotify.Chmod, false},
	} {
		if got := w.matters(fsnotify.Event{Name: tt.name, Op: tt.op}); got != tt.want {
			t.Errorf("%s %s: %v", tt.op, tt.name, got)
		}
	}
}

// TestFoldersComeAndGo: a folder is watched from when it exists, and again
// when another took its name.
func TestFoldersComeAndGo(t *testing.T) {
	m := newMachine(t)
	w, err := newFolderWatcher(m.root)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	folders := []string{"usr/lib/node_modules", "absent", "../outside"}
	w.Watch(folders)
	for range 2 {
		m.write(t, "usr/lib/node_modules/a/package.json", "{}")
		w.Watch(folders)
		m.write(t, "usr/lib/node_modules/b/package.json", "{}")
		<-w.Changes()
		if err := os.RemoveAll(filepath.Join(m.root, "usr/lib/node_modules")); err != nil {
			t.Fatal(err)
		}
	}
}
