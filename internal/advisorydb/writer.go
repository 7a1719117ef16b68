package advisorydb

import (
	"bufio"
	"fmt"
	"os"
)

// writer lays out a file: sections one after the other, the header last. A
// crash before Close leaves a file without a header, which nobody opens.
type writer struct {
	file   *os.File
	out    *bufio.Writer
	header header
	offset uint64
	err    error
}

func newWriter(path string, kind uint32) (*writer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	w := &writer{file: f, out: bufio.NewWriterSize(f, 256<<10), header: header{kind: kind}}
	w.write(0, make([]byte, headerSize))
	w.header.sections = [maxSections]section{}
	return w, nil
}

// write appends to a section. The bytes of a section must be written without
// another section's between them.
func (w *writer) write(section int, b []byte) {
	if w.err != nil {
		return
	}
	s := &w.header.sections[section]
	if s.length == 0 {
		s.offset = w.offset
	}
	s.crc = updateChecksum(s.crc, b)
	s.length += uint64(len(b))
	w.offset += uint64(len(b))
	if w.offset > maxFileBytes {
		w.err = fmt.Errorf("more than %d bytes", uint64(maxFileBytes))
		return
	}
	_, w.err = w.out.Write(b)
}

// close writes the header and makes the file durable.
func (w *writer) close() error {
	if w.err == nil {
		w.err = w.out.Flush()
	}
	if w.err == nil {
		w.header.length = w.offset
		_, w.err = w.file.WriteAt(w.header.encode(), 0)
	}
	if w.err == nil {
		w.err = w.file.Sync()
	}
	if err := w.file.Close(); w.err == nil {
		w.err = err
	}
	return w.err
}

// abort gives up: the file is closed and removed.
func (w *writer) abort() {
	_ = w.file.Close()
	_ = os.Remove(w.file.Name())
}
