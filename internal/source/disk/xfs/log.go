package xfs

import (
	"encoding/binary"
	"sort"
)

// The log is a ring of sectors of 512 bytes, in which records of changes lie
// one behind another. Every sector begins with the number of its round, but
// the first of a record with a magic number and then that. Whoever unmounts
// writes a record that says so; where the latest is another one, changes wait.
const (
	sector      = 512
	recordMagic = 0xfeedbabe
	headerData  = 32 << 10
	// maxRecord is the longest record in sectors: 256 KiB and its headers.
	maxRecord = 256<<10/sector + 8
)

// logIsDirty reports whether the latest record of the log is one of changes.
// An external log cannot be looked at; nothing is said of it.
func (f *FS) logIsDirty() (bool, error) {
	if f.logStart == 0 {
		return false, nil
	}
	start, err := f.address(f.logStart)
	size := f.logBlocks * f.blockSize
	if err != nil || size < sector || start > int64(f.blocks)*f.blockSize-size {
		return false, refuse("damaged: the log")
	}
	l := &ring{fs: f, start: start, sectors: int(size / sector)}
	dirty := l.dirty(l.head())
	if l.err != nil {
		return false, refuse("log: %v", l.err)
	}
	return dirty, nil
}

// ring is the log. The first error stays.
type ring struct {
	fs      *FS
	start   int64
	sectors int
	err     error
}

// sector reads one sector; behind an error they are empty.
func (l *ring) sector(n int) []byte {
	b := make([]byte, sector)
	if l.err == nil {
		_, l.err = l.fs.disk.ReadAt(b, l.start+int64(n)*sector)
	}
	return b
}

// round is how often the ring had been filled when the sector was written.
func (l *ring) round(n int) uint32 {
	b := l.sector(n)
	if binary.BigEndian.Uint32(b) == recordMagic {
		return binary.BigEndian.Uint32(b[4:])
	}
	return binary.BigEndian.Uint32(b)
}

// head is the sector behind the latest record: there an earlier round begins.
func (l *ring) head() int {
	first := l.round(0)
	return sort.Search(l.sectors, func(n int) bool { return l.round(n) != first })
}

// dirty looks at the record that ends at the head.
func (l *ring) dirty(head int) bool {
	for back := 1; back <= min(maxRecord, l.sectors); back++ {
		at := (head - back + l.sectors) % l.sectors
		b := l.sector(at)
		if binary.BigEndian.Uint32(b) == recordMagic {
			return !l.isUnmount(b, at)
		}
	}
	return false // nothing was ever written
}

// isUnmount reads the only operation of a record: an id, a length, who wrote
// it, flags.
func (l *ring) isUnmount(header []byte, at int) bool {
	const unmounted = 0x20
	be := binary.BigEndian
	headers := 1
	if size := be.Uint32(header[320:]); be.Uint32(header[8:]) >= 2 && size > headerData {
		headers = int(min((size+headerData-1)/headerData, 8))
	}
	if be.Uint32(header[40:]) != 1 {
		return false
	}
	return l.sector((at + headers) % l.sectors)[9]&unmounted != 0
}
