package ext4

import (
	"encoding/binary"

	"muster/internal/source/disk/inodes"
)

// Bounds of one file.
const (
	maxExtents  = 1 << 20
	maxPointers = 1 << 16
	maxDepth    = 5
)

const extentMagic = 0xf30a

// extents reads the tree of extents of an inode.
func (f *FS) extents(i *inode) ([]inodes.Extent, error) {
	w := &extentWalk{fs: f, inode: i, nodes: met{}}
	depth := int(binary.LittleEndian.Uint16(i.blockMap()[6:]))
	if depth > maxDepth {
		return nil, refuse("damaged: extents of inode %d are %d levels deep", i.number, depth)
	}
	err := w.node(i.blockMap(), depth)
	return w.found, err
}

// extentWalk collects the extents of an inode.
type extentWalk struct {
	fs    *FS
	inode *inode
	found []inodes.Extent
	nodes met
}

// met are the blocks of a tree that were read. Of a tree that leads to one
// twice, or is too large, nothing is believed.
type met map[int64]bool

func (m met) add(inode uint64, block int64) error {
	if m[block] {
		return refuse("damaged: the tree of inode %d leads to block %d twice", inode, block)
	}
	if m[block] = true; len(m) > maxPointers {
		return refuse("inode %d: more than %d blocks of its tree", inode, maxPointers)
	}
	return nil
}

func (w *extentWalk) node(b []byte, depth int) error {
	le := binary.LittleEndian
	entries := int(le.Uint16(b[2:]))
	if le.Uint16(b) != extentMagic || int(le.Uint16(b[6:])) != depth || 12+12*entries > len(b) {
		return refuse("damaged: a node of the extents of inode %d", w.inode.number)
	}
	for n := range entries {
		e := b[12+12*n:]
		if depth == 0 {
			if err := w.leaf(e); err != nil {
				return err
			}
			continue
		}
		block := int64(le.Uint32(e[4:])) | int64(le.Uint16(e[8:]))<<32
		if err := w.nodes.add(w.inode.number, block); err != nil {
			return err
		}
		child := make([]byte, w.fs.super.blockSize)
		if err := w.fs.readBlock(block, child); err != nil {
			return refuse("extents of inode %d: %v", w.inode.number, err)
		}
		if err := w.node(child, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// leaf takes an extent; what was allocated and never written is zero.
func (w *extentWalk) leaf(e []byte) error {
	const unwritten = 32768
	le := binary.LittleEndian
	length := int64(le.Uint16(e[4:]))
	if length > unwritten {
		return nil
	}
	if len(w.found) == maxExtents {
		return refuse("inode %d: more than %d extents", w.inode.number, maxExtents)
	}
	size := w.fs.super.blockSize
	physical := int64(le.Uint32(e[8:])) | int64(le.Uint16(e[6:]))<<32
	w.found = append(w.found, inodes.Extent{Logical: int64(le.Uint32(e)) * size, Physical: physical * size, Length: length * size})
	return nil
}

// indirect reads the block map of an inode: twelve blocks, then blocks of
// block numbers, one, two and three levels deep.
func (f *FS) indirect(i *inode) ([]inodes.Extent, error) {
	w := &pointerWalk{fs: f, inode: i, tables: met{}, blocks: (i.size + f.super.blockSize - 1) / f.super.blockSize}
	if err := w.pointers(i.blockMap()[:48], 0); err != nil {
		return nil, err
	}
	for depth := 1; depth <= 3; depth++ {
		if err := w.pointers(i.blockMap()[44+4*depth:48+4*depth], depth); err != nil {
			return nil, err
		}
	}
	return w.found, nil
}

// pointerWalk collects the blocks of an inode as extents.
type pointerWalk struct {
	fs    *FS
	inode *inode
	// blocks is how many the file has, next the one that comes next.
	blocks, next int64
	found        []inodes.Extent
	tables       met
}

// span is how many blocks of a file one number stands for.
func (w *pointerWalk) span(depth int) int64 {
	span := int64(1)
	for range depth {
		span *= w.fs.super.blockSize / 4
	}
	return span
}

func (w *pointerWalk) pointers(table []byte, depth int) error {
	for n := 0; n < len(table) && w.next < w.blocks; n += 4 {
		block := int64(binary.LittleEndian.Uint32(table[n:]))
		switch {
		case block == 0: // a hole
			w.next += w.span(depth)
		case depth == 0:
			if err := w.block(block); err != nil {
				return err
			}
		default:
			if err := w.tables.add(w.inode.number, block); err != nil {
				return err
			}
			child := make([]byte, w.fs.super.blockSize)
			if err := w.fs.readBlock(block, child); err != nil {
				return refuse("blocks of inode %d: %v", w.inode.number, err)
			}
			if err := w.pointers(child, depth-1); err != nil {
				return err
			}
		}
	}
	return nil
}

// block adds a block to the extent before it, or begins another.
func (w *pointerWalk) block(block int64) error {
	size := w.fs.super.blockSize
	logical, physical := w.next*size, block*size
	w.next++
	if n := len(w.found); n > 0 {
		last := &w.found[n-1]
		if last.Logical+last.Length == logical && last.Physical+last.Length == physical {
			last.Length += size
			return nil
		}
	}
	if len(w.found) == maxExtents {
		return refuse("inode %d: more than %d pieces", w.inode.number, maxExtents)
	}
	w.found = append(w.found, inodes.Extent{Logical: logical, Physical: physical, Length: size})
	return nil
}
