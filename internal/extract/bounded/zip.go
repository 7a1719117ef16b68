package bounded

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Zip opens a zip archive of at most that many entries. archive/zip holds the
// whole directory in memory, believes what an archive says of its length, and
// counts its entries by a number that wraps at 65,536: here the directory is
// refused while it is read, at the first entry or byte too many.
func Zip(r io.ReaderAt, size int64, entries int) (*zip.Reader, error) {
	if n := claimed(r, size); n > uint64(entries) {
		return nil, fmt.Errorf("%w: it says it has %d entries, at most %d", ErrTooMany, n, entries)
	}
	d := &directory{r: r, entries: entries + searched/entryLeast, left: int64(entries)*directoryEntry + directoryRest}
	z, err := zip.NewReader(d, size)
	switch {
	case d.failed != nil:
		return nil, d.failed
	case err != nil:
		return nil, err
	case len(z.File) > entries:
		return nil, fmt.Errorf("%w: %d entries in a zip archive, at most %d", ErrTooMany, len(z.File), entries)
	}
	d.read = true
	return z, nil
}

// What a directory may have in bytes: for each entry, names and all, and for
// what is read to find it.
const (
	directoryEntry = 256
	directoryRest  = 1 << 20
	// searched is what is read of an archive's end to find the directory's
	// begin, whose entries, of at least entryLeast bytes, are met twice.
	searched   = 68 << 10
	entryLeast = 46
)

// entryMark begins each entry of a directory.
var entryMark = []byte("PK\x01\x02")

// directory counts the entries and bytes that are read of an archive's
// directory, until it is read. Later reads, of the members, pass.
type directory struct {
	r       io.ReaderAt
	entries int
	left    int64
	// next is where the last read ended, tail what came before.
	next   int64
	tail   []byte
	read   bool
	failed error
}

func (d *directory) ReadAt(p []byte, at int64) (int, error) {
	n, err := d.r.ReadAt(p, at)
	if d.read {
		return n, err
	}
	if d.left -= int64(n); d.left < 0 {
		d.failed = fmt.Errorf("%w: the directory of a zip archive", ErrTooLarge)
		return 0, d.failed
	}
	d.entries -= d.marks(p[:n], at)
	if d.entries < 0 {
		d.failed = fmt.Errorf("%w in a zip archive", ErrTooMany)
		return 0, d.failed
	}
	return n, err
}

// marks counts the beginnings of entries in what was read, and at its border
// to what was read before.
func (d *directory) marks(p []byte, at int64) int {
	if at != d.next {
		d.tail = nil
	}
	d.next = at + int64(len(p))
	short := len(entryMark) - 1
	border := append(d.tail, p[:min(short, len(p))]...)
	n := bytes.Count(p, entryMark) + bytes.Count(border, entryMark)
	if len(p) >= short {
		border = p
	}
	d.tail = append([]byte(nil), border[max(0, len(border)-short):]...)
	return n
}

// claimed is how many entries an archive says it has; 0 where it does not say
// it in a way that is understood, which archive/zip then judges.
func claimed(r io.ReaderAt, size int64) uint64 {
	const longest = 22 + 1<<16
	end := make([]byte, min(size, longest))
	if n, err := r.ReadAt(end, size-int64(len(end))); n < len(end) && !errors.Is(err, io.EOF) {
		return 0
	}
	i := bytes.LastIndex(end, []byte("PK\x05\x06"))
	if i < 0 || len(end)-i < 22 {
		return 0
	}
	n := uint64(binary.LittleEndian.Uint16(end[i+10:]))
	locator := make([]byte, 20)
	at := size - int64(len(end)-i) - int64(len(locator))
	if at < 0 {
		return n
	}
	if _, err := r.ReadAt(locator, at); err != nil || !bytes.HasPrefix(locator, []byte("PK\x06\x07")) {
		return n
	}
	long := make([]byte, 56)
	if _, err := r.ReadAt(long, int64(binary.LittleEndian.Uint64(locator[8:])&(1<<63-1))); err != nil || !bytes.HasPrefix(long, []byte("PK\x06\x06")) {
		return n
	}
	return max(n, binary.LittleEndian.Uint64(long[32:]))
}
