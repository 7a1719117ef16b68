// Package bounded reads files of a foreign file system: never more than said,
// never anything but regular files, so that no scanned machine or image can
// make a scan grow or hang.
package bounded

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// ErrTooLarge is wrapped by the errors for files over the limit.
var ErrTooLarge = errors.New("file too large")

// Open opens a regular file of at most limit bytes. Symbolic links are
// followed as far as the file system lets them. The size is that of the open
// file; a reader must still not trust it (see Reader).
func Open(fsys fs.FS, name string, limit int64) (fs.File, int64, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	if err == nil && info.Size() > limit {
		err = fmt.Errorf("%s: %w: %d bytes, at most %d", name, ErrTooLarge, info.Size(), limit)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// ReadFile reads a regular file of at most limit bytes, also when it grows
// while it is read.
func ReadFile(fsys fs.FS, name string, limit int64) (data []byte, err error) {
	f, _, err := Open(fsys, name, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(Reader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// Reader reads r and fails after limit bytes, unlike io.LimitReader, which
// ends: a cut file must not look complete.
func Reader(r io.Reader, limit int64) io.Reader { return &reader{r, limit} }

type reader struct {
	r    io.Reader
	left int64
}

func (b *reader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.r.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, ErrTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

// ReaderAt gives random access to an open file: directly where the file
// system offers it, otherwise through a copy of at most limit bytes.
func ReaderAt(f fs.File, size, limit int64) (io.ReaderAt, int64, error) {
	if at, ok := f.(io.ReaderAt); ok {
		return at, size, nil
	}
	data, err := io.ReadAll(Reader(f, limit))
	if err != nil {
		return nil, 0, err
	}
	return bytes.NewReader(data), int64(len(data)), nil
}

// Text decodes what a byte order mark says: UTF-16 becomes UTF-8, and the mark
// of UTF-8 is dropped. Other text stays as it is.
func Text(r io.Reader) io.Reader {
	return transform.NewReader(r, unicode.BOMOverride(encoding.Nop.NewDecoder()))
}
