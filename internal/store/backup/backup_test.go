package backup_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/backup"
	"muster/internal/store/catalog"
	"muster/internal/store/settings"
	"muster/internal/store/storetest"
)

// fill stores rows with every type of column, NULL among the values.
func fill(t *testing.T, s *store.Store) {
	t.Helper()
	now := time.UnixMicro(1_700_000_000_000_001)
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		launched := finding.Resource{Type: finding.ContainerImage, ID: "arn:image", Tags: map[string]string{"Ä": "</a>\u2028"},
			Image: &finding.ImageDetails{Repository: "r", PushedAt: now, InUseCount: new(int64(3))}}
		if _, err := catalog.PutResource(t.Context(), tx, "111111111111", "us-east-1", launched, now); err != nil {
			return err
		}
		if err := tx.Enqueue(t.Context(), store.Job{Kind: "k", Key: "a", Payload: []byte{0, 1, 255}}); err != nil {
			return err
		}
		if err := tx.Enqueue(t.Context(), store.Job{Kind: "k", Key: "b"}); err != nil {
			return err
		}
		return settings.Put(t.Context(), tx, "name", "value", now)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, s *store.Store) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := backup.Write(t.Context(), s, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestBetweenEngines restores what each engine wrote into each, and backs it
// up again: the same bytes.
func TestBetweenEngines(t *testing.T) {
	storetest.Each(t, func(t *testing.T, from *store.Store) {
		fill(t, from)
		file := write(t, from)
		storetest.Each(t, func(t *testing.T, to *store.Store) {
			rows, err := backup.Read(t.Context(), to, bytes.NewReader(file))
			if err != nil || rows < 6 {
				t.Fatal(rows, err)
			}
			if again := lines(t, write(t, to)); again != lines(t, file) {
				t.Errorf("restored\n%s\nbacked up\n%s", again, lines(t, file))
			}
			if _, err := backup.Read(t.Context(), to, bytes.NewReader(file)); !errors.Is(err, backup.ErrNotEmpty) {
				t.Errorf("restoring twice: %v", err)
			}
		})
	})
}

// TestDamagedBackups cuts a file everywhere: nothing of it may be left.
func TestDamagedBackups(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fill(t, s)
		file := write(t, s)
		storetest.Each(t, func(t *testing.T, to *store.Store) {
			for _, n := range []int{0, 5, len(file) / 2, len(file) - 20, len(file) - 9} {
				if _, err := backup.Read(context.Background(), to, bytes.NewReader(file[:n])); !errors.Is(err, backup.ErrDamaged) {
					t.Errorf("the first %d bytes of %d: %v", n, len(file), err)
				}
			}
			if rows, err := backup.Write(t.Context(), to, new(bytes.Buffer)); err != nil || rows != 1 {
				t.Errorf("%d rows are left, expected the one that every store has, %v", rows, err)
			}
		})
	})
}

// lines unpacks a file and sorts its lines, because engines return the rows of
// a table in different orders.
func lines(t *testing.T, file []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Split(string(text), "\n")
	slices.Sort(list)
	return strings.Join(list, "\n")
}
