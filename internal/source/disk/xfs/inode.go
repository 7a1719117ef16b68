package xfs

import (
	"encoding/binary"
	"io"
	"time"

	"muster/internal/source/disk/inodes"
)

// Forms of what an inode holds.
const (
	formLocal   = 1
	formExtents = 2
	formTree    = 3
)

// Types of inodes, as the upper bits of the mode have them.
const (
	kindFolder = 0x4
	kindFile   = 0x8
	kindLink   = 0xa
)

// Flags of version 3 inodes.
const (
	flagBigTime   = 0x8
	flagManyExent = 0x10
)

// inode is an inode as it lies on the disk.
type inode struct {
	number uint64
	mode   uint16
	form   uint8
	size   int64
	// extents is how many the data fork has.
	extents uint64
	// fork is the room for data, extents or the root of their tree.
	fork []byte
	raw  []byte
}

func (i *inode) is(kind uint16) bool { return i.mode>>12 == kind }

func (f *FS) inode(number uint64) (*inode, error) {
	block, index := number>>f.inodeLog, number&(1<<f.inodeLog-1)
	at, err := f.address(block)
	if err != nil {
		return nil, refuse("damaged: inode %d", number)
	}
	raw := make([]byte, f.inodeSize)
	if _, err := f.disk.ReadAt(raw, at+int64(index)*f.inodeSize); err != nil {
		return nil, refuse("inode %d: %v", number, err)
	}
	be := binary.BigEndian
	i := &inode{number: number, raw: raw, mode: be.Uint16(raw[2:]), form: raw[5], size: int64(be.Uint64(raw[56:]))}
	switch {
	case string(raw[:2]) != "IN" || raw[4] < 1 || raw[4] > 3:
		return nil, refuse("damaged: there is no inode %d", number)
	case i.mode == 0:
		return nil, refuse("damaged: inode %d is free", number)
	case i.size < 0:
		return nil, refuse("damaged: inode %d has a negative size", number)
	case raw[4] == 3 && be.Uint64(raw[152:]) != number:
		return nil, refuse("damaged: inode %d says that it is %d", number, be.Uint64(raw[152:]))
	}
	return i, i.findFork()
}

// findFork finds the data fork: behind the fields, up to the attributes.
func (i *inode) findFork() error {
	start, end := 100, len(i.raw)
	i.extents = uint64(binary.BigEndian.Uint32(i.raw[76:]))
	if i.raw[4] == 3 {
		start = 176
		if i.flags2()&flagManyExent != 0 {
			i.extents = binary.BigEndian.Uint64(i.raw[24:])
		}
	}
	if offset := int(i.raw[82]); offset != 0 {
		end = start + offset*8
	}
	if end > len(i.raw) {
		return refuse("damaged: the forks of inode %d", i.number)
	}
	i.fork = i.raw[start:end]
	return nil
}

func (i *inode) flags2() uint64 { return binary.BigEndian.Uint64(i.raw[120:]) }

// Root is the inode of the root folder.
func (f *FS) Root() uint64 { return f.rootInode }

// Inode describes a file.
func (f *FS) Inode(number uint64) (inodes.Inode, error) {
	i, err := f.inode(number)
	if err != nil {
		return inodes.Inode{}, err
	}
	return inodes.Inode{Mode: inodes.Mode(i.mode), Size: i.size, Modified: i.modified()}, nil
}

// modified counts seconds and nanoseconds since 1970, or with big times
// nanoseconds since 1901.
func (i *inode) modified() time.Time {
	be := binary.BigEndian
	if i.raw[4] == 3 && i.flags2()&flagBigTime != 0 {
		const begin = -1 << 31
		nanos := be.Uint64(i.raw[40:])
		return time.Unix(begin+int64(nanos/1e9), int64(nanos%1e9)).UTC()
	}
	return time.Unix(int64(int32(be.Uint32(i.raw[40:]))), int64(be.Uint32(i.raw[44:]))).UTC()
}

// Content is what a regular file holds.
func (f *FS) Content(number uint64) (io.ReaderAt, error) {
	i, err := f.inode(number)
	if err != nil {
		return nil, err
	}
	if !i.is(kindFile) {
		return nil, refuse("inode %d is no file", number)
	}
	return f.content(i, i.size)
}

// content is the data fork from its begin to a size.
func (f *FS) content(i *inode, size int64) (*inodes.Map, error) {
	extents, err := f.extents(i)
	if err != nil {
		return nil, err
	}
	m, err := inodes.NewMap(f.disk, int64(f.blocks)*f.blockSize, extents, size)
	if err != nil {
		return nil, refuse("inode %d: %v", i.number, err)
	}
	return m, nil
}

// Link is where a symbolic link points to: inside the inode, or in blocks
// that in version 5 begin with a header each.
func (f *FS) Link(number uint64) (string, error) {
	const (
		maxLink = 1024
		header  = 56
	)
	i, err := f.inode(number)
	switch {
	case err != nil:
		return "", err
	case !i.is(kindLink):
		return "", refuse("inode %d is no link", number)
	case i.size > maxLink:
		return "", refuse("damaged: link inode %d of %d bytes", number, i.size)
	case i.form == formLocal && i.size <= int64(len(i.fork)):
		return string(i.fork[:i.size]), nil
	case i.form != formExtents:
		return "", refuse("damaged: link inode %d", number)
	}
	extents, err := f.extents(i)
	if err != nil {
		return "", err
	}
	var target []byte
	for _, e := range extents {
		skip := int64(0)
		if f.version == 5 {
			skip = header
		}
		part := make([]byte, min(max(e.Length-skip, 0), i.size-int64(len(target))))
		if _, err := f.disk.ReadAt(part, e.Physical+skip); err != nil {
			return "", refuse("link inode %d: %v", number, err)
		}
		target = append(target, part...)
	}
	if int64(len(target)) != i.size {
		return "", refuse("damaged: link inode %d", number)
	}
	return string(target), nil
}
