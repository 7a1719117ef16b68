package layers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxSpool bounds the temporary file.
const maxSpool = 16 << 30

// spool is a temporary file to which contents are appended; it is made when
// the first comes.
type spool struct {
	dir    string
	file   *os.File
	out    *bufio.Writer
	offset int64
	// flushed is how much of offset has reached the file.
	flushed int64
}

func (s *spool) create() (err error) {
	s.file, err = os.CreateTemp(s.dir, "muster-layers-*.tmp")
	if err != nil {
		return fmt.Errorf("temporary file: %w", err)
	}
	_ = os.Remove(s.file.Name()) // keeps its content while open; where not, close removes it
	s.out = bufio.NewWriterSize(s.file, 256<<10)
	return nil
}

// add appends exactly size bytes of r.
func (s *spool) add(r io.Reader, size int64) (io.ReaderAt, error) {
	if s.offset+size > maxSpool {
		return nil, fmt.Errorf("%w: more than %d bytes to look at", ErrTooLarge, int64(maxSpool))
	}
	if s.file == nil {
		if err := s.create(); err != nil {
			return nil, err
		}
	}
	start := s.offset
	n, err := io.CopyN(s.out, r, size)
	s.offset += n
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return io.NewSectionReader(s, start, size), err
}

// forget takes the last size bytes back.
func (s *spool) forget(size int64) {
	if s.out.Flush() != nil {
		return // the next write says so
	}
	s.offset -= size
	s.flushed = s.offset
	if _, err := s.file.Seek(s.offset, io.SeekStart); err != nil {
		s.offset += size // the bytes stay, unused
	}
}

// ReadAt reads what was added.
func (s *spool) ReadAt(p []byte, at int64) (int, error) {
	if s.flushed < s.offset {
		if err := s.out.Flush(); err != nil {
			return 0, err
		}
		s.flushed = s.offset
	}
	return s.file.ReadAt(p, at)
}

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if rm := os.Remove(s.file.Name()); rm != nil && !errors.Is(rm, os.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return err
}
