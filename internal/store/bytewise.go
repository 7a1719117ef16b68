package store

import (
	"bytes"
	"io/fs"
	"regexp"
)

// bytewise rewrites migrations for PostgreSQL so that every TEXT column orders
// by bytes, as SQLite's do, whatever locale the database was created with. Key
// order, paging and prefix ranges depend on it, and it is also the fastest.
type bytewise struct{ fs.ReadDirFS }

var textType = regexp.MustCompile(`\bTEXT\b`)

// Open returns the file with its content rewritten; directories are as they
// were.
func (b bytewise) Open(name string) (fs.File, error) {
	f, err := b.ReadDirFS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return f, err
	}
	text, err := fs.ReadFile(b.ReadDirFS, name)
	if err != nil {
		return nil, err
	}
	return &rewritten{File: f, Reader: bytes.NewReader(textType.ReplaceAll(text, []byte(`TEXT COLLATE "C"`)))}, nil
}

// rewritten is a file with other content. Its Stat still tells the old size,
// which nobody asks for.
type rewritten struct {
	fs.File
	*bytes.Reader
}

func (r *rewritten) Read(p []byte) (int, error) { return r.Reader.Read(p) }
