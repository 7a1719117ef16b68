// Package spool appends contents to one file, from which they can be read at
// any place at once.
package spool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxSize bounds the file.
const maxSize = 16 << 30

// ErrFull says that more was to be kept than the bound allows.
var ErrFull = errors.New("too much to look at")

// Spool is a file to which contents are appended. Adding is for one goroutine
// at a time, and not while others read.
type Spool struct {
	file   *os.File
	out    *bufio.Writer
	offset int64
	// flushed is how much of offset has reached the file.
	flushed   int64
	temporary bool
}

// Temporary makes a spool that is gone when it is closed, in a folder, "" for
// the system's.
func Temporary(dir string) (*Spool, error) {
	f, err := os.CreateTemp(dir, "muster-layers-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("temporary file: %w", err)
	}
	_ = os.Remove(f.Name()) // keeps its content while open; where not, Close removes it
	s := In(f)
	s.temporary = true
	return s, nil
}

// In makes a spool of an empty file, which it takes over.
func In(f *os.File) *Spool { return &Spool{file: f, out: bufio.NewWriterSize(f, 256<<10)} }

// Add appends exactly size bytes of r.
func (s *Spool) Add(r io.Reader, size int64) (*io.SectionReader, error) {
	if s.offset > maxSize-size {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrFull, int64(maxSize))
	}
	start := s.offset
	n, err := io.CopyN(s.out, r, size)
	s.offset += n
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return io.NewSectionReader(s, start, size), err
}

// Forget takes the last size bytes back.
func (s *Spool) Forget(size int64) {
	if s.out.Flush() != nil {
		return // the next write says so
	}
	s.offset -= size
	s.flushed = s.offset
	if _, err := s.file.Seek(s.offset, io.SeekStart); err != nil {
		s.offset += size // the bytes stay, unused
	}
}

// Size is how many bytes are kept.
func (s *Spool) Size() int64 { return s.offset }

// Flush brings everything into the file, which ends there.
func (s *Spool) Flush() error {
	if err := s.out.Flush(); err != nil {
		return err
	}
	s.flushed = s.offset
	return s.file.Truncate(s.offset)
}

// ReadAt reads what was added.
func (s *Spool) ReadAt(p []byte, at int64) (int, error) {
	if s.flushed < s.offset {
		if err := s.out.Flush(); err != nil {
			return 0, err
		}
		s.flushed = s.offset
	}
	return s.file.ReadAt(p, at)
}

// Name is the file's.
func (s *Spool) Name() string { return s.file.Name() }

// Close closes the file, and removes it where it is temporary.
func (s *Spool) Close() error {
	err := s.file.Close()
	if !s.temporary {
		return err
	}
	if rm := os.Remove(s.file.Name()); rm != nil && !errors.Is(rm, os.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return err
}
