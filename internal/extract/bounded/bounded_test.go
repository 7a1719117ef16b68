package bounded

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func TestReadFile(t *testing.T) {
	fsys := fstest.MapFS{"four": {Data: []byte("1234")}, "folder/x": {}}
	if b, err := ReadFile(fsys, "four", 4); err != nil || string(b) != "1234" {
		t.Errorf("at the limit: %q, %v", b, err)
	}
	if _, err := ReadFile(fsys, "four", 3); !errors.Is(err, ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := ReadFile(fsys, "folder", 100); err == nil {
		t.Error("a folder is read")
	}
	if _, err := ReadFile(fsys, "absent", 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

// TestReaderFailsInsteadOfEnding: also for a file that grew after it was
// opened.
func TestReaderFailsInsteadOfEnding(t *testing.T) {
	for text, want := range map[string]error{"": nil, "1234": nil, "12345": ErrTooLarge} {
		if b, err := io.ReadAll(Reader(strings.NewReader(text), 4)); !errors.Is(err, want) || len(b) != min(4, len(text)) {
			t.Errorf("%q: %q, %v", text, b, err)
		}
	}
}

// stream is a file without random access.
type stream struct{ io.Reader }

func (stream) Stat() (fs.FileInfo, error) { return nil, fs.ErrInvalid }
func (stream) Close() error               { return nil }

func TestReaderAt(t *testing.T) {
	at, size, err := ReaderAt(stream{strings.NewReader("1234")}, 999, 4)
	b := make([]byte, 2)
	if err != nil || size != 4 {
		t.Fatal(size, err)
	}
	if _, err := at.ReadAt(b, 2); err != nil || string(b) != "34" {
		t.Errorf("%q, %v", b, err)
	}
	if _, _, err := ReaderAt(stream{strings.NewReader("12345")}, 0, 4); !errors.Is(err, ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
}
