package xfs

import (
	"encoding/binary"

	"muster/internal/source/disk/inodes"
)

// Bounds of one file.
const (
	maxExtents = 1 << 20
	maxNodes   = 1 << 16
	maxLevels  = 9
)

const recordSize = 16

// extents reads the extents of an inode's data fork.
func (f *FS) extents(i *inode) ([]inodes.Extent, error) {
	w := &extentWalk{fs: f, inode: i, nodes: map[uint64]bool{}}
	var err error
	switch i.form {
	case formExtents:
		if i.extents > uint64(len(i.fork)/recordSize) {
			return nil, refuse("damaged: inode %d says it has %d extents", i.number, i.extents)
		}
		err = w.records(i.fork, int(i.extents))
	case formTree:
		err = w.root()
	default:
		err = refuse("damaged: inode %d has no blocks", i.number)
	}
	return w.found, err
}

// extentWalk collects the extents of an inode.
type extentWalk struct {
	fs    *FS
	inode *inode
	found []inodes.Extent
	nodes map[uint64]bool // that were read
}

// records reads extents: 1 bit whether it was never written, 54 bits of place
// in the file, 52 bits of block, 21 bits of length.
func (w *extentWalk) records(b []byte, count int) error {
	for n := range count {
		high, low := binary.BigEndian.Uint64(b[n*recordSize:]), binary.BigEndian.Uint64(b[n*recordSize+8:])
		if high>>63 != 0 {
			continue
		}
		if len(w.found) == maxExtents {
			return refuse("inode %d: more than %d extents", w.inode.number, maxExtents)
		}
		offset, block, length := high<<1>>10, high&0x1ff<<43|low>>21, low&(1<<21-1)
		at, err := w.fs.address(block)
		if err != nil || length == 0 || offset > 1<<62/uint64(w.fs.blockSize) {
			return refuse("damaged: an extent of inode %d", w.inode.number)
		}
		size := w.fs.blockSize
		w.found = append(w.found, inodes.Extent{Logical: int64(offset) * size, Physical: at, Length: int64(length) * size})
	}
	return nil
}

// root reads the top of a tree of extents, which lies in the inode.
func (w *extentWalk) root() error {
	const header = 4
	b := w.inode.fork
	if len(b) < header {
		return refuse("damaged: the tree of inode %d", w.inode.number)
	}
	level, count := int(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:]))
	if level < 1 || level > maxLevels {
		return refuse("damaged: the tree of inode %d has %d levels", w.inode.number, level)
	}
	return w.children(b[header:], level, count)
}

// children descends to the blocks that a node names: keys first, then as many
// block numbers, in room for the largest number of both.
func (w *extentWalk) children(b []byte, level, count int) error {
	room := len(b) / 16
	if count > room {
		return refuse("damaged: a node of the tree of inode %d", w.inode.number)
	}
	for n := range count {
		block := binary.BigEndian.Uint64(b[8*room+8*n:])
		if w.nodes[block] {
			return refuse("damaged: the tree of inode %d leads to block %d twice", w.inode.number, block)
		}
		if w.nodes[block] = true; len(w.nodes) > maxNodes {
			return refuse("inode %d: more than %d nodes of extents", w.inode.number, maxNodes)
		}
		if err := w.node(block, level-1); err != nil {
			return err
		}
	}
	return nil
}

func (w *extentWalk) node(block uint64, level int) error {
	b, err := w.fs.readBlock(block)
	if err != nil {
		return refuse("the tree of inode %d: %v", w.inode.number, err)
	}
	header, name := 24, "BMAP"
	if w.fs.version == 5 {
		header, name = 72, "BMA3"
	}
	count := int(binary.BigEndian.Uint16(b[6:]))
	if string(b[:4]) != name || int(binary.BigEndian.Uint16(b[4:])) != level {
		return refuse("damaged: a node of the tree of inode %d", w.inode.number)
	}
	if level > 0 {
		return w.children(b[header:], level, count)
	}
	if count > len(b[header:])/recordSize {
		return refuse("damaged: a leaf of the tree of inode %d", w.inode.number)
	}
	return w.records(b[header:], count)
}
