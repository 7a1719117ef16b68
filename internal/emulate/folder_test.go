package emulate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFoldersOfOthersAreRefused(t *testing.T) {
	dir := t.TempDir()
	fresh, empty, own, others := filepath.Join(dir, "a", "fresh"), filepath.Join(dir, "empty"), filepath.Join(dir, "own"), filepath.Join(dir, "others")
	for _, d := range []string{empty, others} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	touch(t, others, "muster.db")
	if err := Claim(own); err != nil {
		t.Fatal(err)
	}
	touch(t, own, "muster.db")
	for _, d := range []string{fresh, empty, own} {
		if err := Claim(d); err != nil || !Claimed(d) {
			t.Errorf("%s: %v", d, err)
		}
	}
	if err := Claim(others); err == nil || !strings.Contains(err.Error(), "not an emulator's folder") {
		t.Errorf("an ordinary folder is claimed: %v", err)
	}
	if err := Clear(others); err == nil {
		t.Error("an ordinary folder is cleared")
	}
	if got := names(t, others); !slices.Equal(got, []string{"muster.db"}) {
		t.Errorf("the refused folder holds %v", got)
	}
}

func TestClearingKeepsTheMarkLogsAndAdvisories(t *testing.T) {
	dir := t.TempDir()
	if err := Claim(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"muster.db", "muster.db-wal", "muster.db.lock", "key", "audit.log", "muster.log"} {
		touch(t, dir, name)
	}
	if err := os.MkdirAll(filepath.Join(dir, "advisories", "1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Clear(dir); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"advisories", "audit.log", "emulator", "muster.log"}) {
		t.Errorf("left are %v", got)
	}
}

func TestOrdinaryServersRefuseAnEmulatorsStore(t *testing.T) {
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "muster.db")
	if err := RefuseStore(url); err != nil {
		t.Error(err)
	}
	if err := Claim(dir); err != nil {
		t.Fatal(err)
	}
	if err := RefuseStore(url); err == nil {
		t.Error("an emulator's store is opened")
	}
	if err := RefuseStore("postgres://127.0.0.1/x"); err != nil {
		t.Error(err)
	}
}

func touch(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		list = append(list, f.Name())
	}
	return list
}
