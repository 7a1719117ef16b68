package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/migrations"
	"muster/internal/store/storetest"
)

func TestProcessesMigrateTogether(t *testing.T) {
	storetest.EachEmpty(t, func(t *testing.T, url string) {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				s, err := store.Open(t.Context(), url, store.Options{Connections: 4})
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		s := storetest.Open(t, url, store.Options{})
		update(t, s, func(tx *store.Tx) error { return put(t.Context(), tx, "a", "1") })
	})
}

func TestMigrationNumbersHaveNoGaps(t *testing.T) {
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names { // sorted by Glob
		if prefix := fmt.Sprintf("%04d_", i+1); !strings.HasPrefix(name, prefix) {
			t.Errorf("migration %d is %s, want %s…", i+1, name, prefix)
		}
	}
}

func TestNewerSchemaIsRefusedAndUntouched(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url, store.Options{})
		update(t, s, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO schema_version (version_id, is_applied) VALUES (9000, TRUE)`)
			return err
		})
		_, err := store.Open(t.Context(), url, store.Options{})
		if !errors.Is(err, store.ErrNewerSchema) || !strings.Contains(err.Error(), "schema 9000") {
			t.Errorf("Open: %v", err)
		}
	})
}

func TestMissingDatabaseIsNotBegunAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	open := func() error {
		s, err := store.Open(t.Context(), "sqlite:"+path, store.Options{})
		if err == nil {
			err = s.Close()
		}
		return err
	}
	if err := open(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := open(); !errors.Is(err, store.ErrMissing) {
		t.Errorf("a database that is gone: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the refusal left a database behind")
	}
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	if err := open(); err != nil {
		t.Errorf("after its lock file is gone, too: %v", err)
	}
}

func TestUnusableAddresses(t *testing.T) {
	base := storetest.Postgres(t)
	missing, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	missing.Path = "/no_such_database"
	tests := map[string]struct {
		url  string
		wait time.Duration
		says string
	}{
		"another database":     {"mysql://localhost/x", 0, "sqlite:/path/file.db or postgres://"},
		"nothing":              {"", 0, "sqlite:/path/file.db or postgres://"},
		"a directory":          {"sqlite:" + t.TempDir(), 0, "directory"},
		"no server there":      {"postgres://x@/y?host=" + t.TempDir(), -1, "connect to PostgreSQL"},
		"no such database":     {missing.String(), time.Hour, "no_such_database"},
		"malformed PostgreSQL": {"postgres://x:secret@host:notaport/y", 0, "port"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := store.Open(t.Context(), tt.url, store.Options{Wait: tt.wait})
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Open: %v, want it to say %q", err, tt.says)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the password is in the error: %v", err)
			}
		})
	}
}

func TestOpenWaitsUntilCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := store.Open(ctx, "postgres://x@/y?host="+t.TempDir(), store.Options{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Open: %v", err)
	}
}

func TestSQLiteFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "da%ta #1?")
	s := storetest.Open(t, "sqlite:"+filepath.Join(dir, "muster.db"), store.Options{})
	update(t, s, func(tx *store.Tx) error { return put(t.Context(), tx, "a", "1") })
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
	if got := strings.Join(names, " "); got != "muster.db muster.db-shm muster.db-wal muster.db.lock" {
		t.Errorf("files: %s", got)
	}
}

func TestPingAndEngine(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if want := store.Engine(filepath.Base(t.Name())); s.Engine() != want {
			t.Errorf("engine %s, want %s", s.Engine(), want)
		}
	})
}

func TestIDsRise(t *testing.T) {
	stopped := time.Unix(1700000000, 0)
	s := storetest.Open(t, storetest.SQLite(t), store.Options{Now: func() time.Time { return stopped }})
	last := ""
	for range 1000 {
		id := s.NewID()
		if id <= last || len(id) != 32 {
			t.Fatalf("%q after %q", id, last)
		}
		last = id
	}
}

func TestTimesSurvive(t *testing.T) {
	for _, at := range []time.Time{{}, time.Date(2026, 2, 3, 4, 5, 6, 7000, time.UTC), time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if got := store.Time(store.Micros(at)); !got.Equal(at) || got.Location() != time.UTC {
			t.Errorf("%v became %v", at, got)
		}
	}
}
