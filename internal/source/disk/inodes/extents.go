package inodes

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Extent says where a piece of a file lies, all in bytes.
type Extent struct {
	// Logical is the place in the file, Physical on the disk.
	Logical, Physical, Length int64
}

// Map is a file made of extents; what none covers is zero.
type Map struct {
	disk    io.ReaderAt
	extents []Extent
	size    int64
}

// NewMap makes the content of a file of size bytes on a disk of diskSize
// bytes. It takes the extents over, and refuses those that overlap or lead off
// the disk.
func NewMap(disk io.ReaderAt, diskSize int64, extents []Extent, size int64) (*Map, error) {
	if size < 0 {
		return nil, errors.New("damaged: a negative size")
	}
	byLogical := func(a, b Extent) int { return cmp.Compare(a.Logical, b.Logical) }
	if !slices.IsSortedFunc(extents, byLogical) {
		slices.SortFunc(extents, byLogical)
	}
	kept := extents[:0]
	for _, e := range extents {
		if e.Logical < 0 || e.Physical < 0 || e.Length <= 0 || e.Physical > diskSize-e.Length {
			return nil, fmt.Errorf("damaged: an extent of %d bytes at %d leads off the disk", e.Length, e.Physical)
		}
		if len(kept) > 0 {
			last := &kept[len(kept)-1]
			end := last.Logical + last.Length
			if e.Logical < end {
				return nil, fmt.Errorf("damaged: extents overlap at %d", e.Logical)
			}
			if e.Logical == end && e.Physical == last.Physical+last.Length {
				last.Length += e.Length
				continue
			}
		}
		kept = append(kept, e)
	}
	return &Map{disk, slices.Clip(kept), size}, nil
}

// Size is the file's size in bytes.
func (m *Map) Size() int64 { return m.size }

// ReadAt reads from the file.
func (m *Map) ReadAt(p []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, errors.New("negative offset")
	}
	if at >= m.size {
		return 0, io.EOF
	}
	if int64(len(p)) > m.size-at {
		p, err = p[:m.size-at], io.EOF
	}
	for n < len(p) {
		read, failed := m.piece(p[n:], at+int64(n))
		n += read
		if failed != nil {
			return n, failed
		}
	}
	return n, err
}

// piece reads what lies in one extent or hole.
func (m *Map) piece(p []byte, at int64) (int, error) {
	i, _ := slices.BinarySearchFunc(m.extents, at, func(e Extent, at int64) int { return cmp.Compare(e.Logical+e.Length-1, at) })
	if i == len(m.extents) || m.extents[i].Logical > at {
		end := m.size
		if i < len(m.extents) {
			end = m.extents[i].Logical
		}
		p = p[:min(int64(len(p)), end-at)]
		clear(p)
		return len(p), nil
	}
	e := m.extents[i]
	p = p[:min(int64(len(p)), e.Logical+e.Length-at)]
	n, err := m.disk.ReadAt(p, e.Physical+at-e.Logical)
	if n == len(p) {
		return n, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
