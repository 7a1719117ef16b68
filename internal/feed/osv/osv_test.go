package osv_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/feed"
	"muster/internal/feed/osv"
	"muster/internal/testshared"
)

// members zips name and content pairs.
func members(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		w, err := z.Create(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// ids reads an archive to its end.
func ids(data []byte) ([]string, error) {
	a, err := osv.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	var out []string
	for r, err := range a.Records() {
		if err != nil {
			return out, err
		}
		out = append(out, r.ID)
	}
	return out, nil
}

func TestRecordsComeInOrder(t *testing.T) {
	got, err := ids(members(t, "b.json", `{"id":"B-1"}`, "README", "x", "dir/", "", "a.json", `{"id":"A-1"}`))
	if err != nil || fmt.Sprint(got) != "[B-1 A-1]" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestBadArchives(t *testing.T) {
	whole := members(t, "a.json", `{"id":"A-1"}`, "b.json", `{"id":"B-1"}`)
	for name, c := range map[string]struct {
		data []byte
		want error
		why  string
	}{
		"empty":        {nil, osv.ErrArchive, "the file is empty"},
		"not a zip":    {[]byte("hello"), osv.ErrArchive, "not a valid zip"},
		"cut":          {whole[:len(whole)-10], osv.ErrArchive, "zip"},
		"no records":   {members(t, "README", "x"), osv.ErrArchive, "no records"},
		"not JSON":     {members(t, "a.json", `{"id":"A-1"}`, "b.json", "<"), advisory.ErrRecord, "b.json: "},
		"member large": {members(t, "a.json", strings.Repeat(" ", advisory.MaxRecordBytes+1)), feed.ErrTooLarge, "a.json"},
		"bomb":         {bomb(t), feed.ErrTooLarge, "more than"},
	} {
		if _, err := ids(c.data); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// bomb has members that are small alone and huge together.
func bomb(t *testing.T) []byte {
	var pairs []string
	content := `{"id":"A-1","details":"` + strings.Repeat("a", 8<<20) + `"}`
	for i := range 12 {
		pairs = append(pairs, fmt.Sprint(i, ".json"), content)
	}
	return members(t, pairs...)
}

// TestSharedArchives reads every record of the small real archives.
func TestSharedArchives(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testshared.Dir(t), "advisories", "small", "osv", "*.zip"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		z, err := zip.OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		z.Close()
		readArchive(t, path, len(z.File))
	}
}

func FuzzRecords(f *testing.F) {
	whole := members(f, "a.json", `{"id":"A-1","affected":[{"package":{"ecosystem":"npm","name":"a"}}]}`)
	f.Add(whole)
	f.Add(whole[:30])
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ids(data)
		if err == nil && len(list) == 0 {
			t.Error("an archive without records was accepted")
		}
	})
}

func readArchive(t *testing.T, path string, want int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	a, err := osv.Open(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range a.Records() {
		if err != nil {
			t.Fatal(path, err)
		}
		n++
	}
	if n != want || a.Len() != want {
		t.Errorf("%s: %d of %d records", path, n, want)
	}
}
