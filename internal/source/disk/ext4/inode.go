package ext4

import (
	"encoding/binary"
	"io"
	"io/fs"
	"time"

	"muster/internal/source/disk/inodes"
)

// Flags of inodes.
const (
	flagEncrypted = 0x800
	flagExtents   = 0x80000
	flagEAInode   = 0x200000
	flagInline    = 0x10000000
)

// inode is an inode as it lies on the disk.
type inode struct {
	number uint64
	raw    []byte
	mode   uint16
	size   int64
	flags  uint32
}

// blockMap are the 60 bytes that hold block numbers, extents, or data.
func (i *inode) blockMap() []byte { return i.raw[0x28:0x64] }

func (i *inode) is(kind uint16) bool { return i.mode>>12 == kind }

// Types of inodes, as the upper bits of the mode have them.
const (
	kindFolder = 0x4
	kindFile   = 0x8
	kindLink   = 0xa
)

func (f *FS) inode(number uint64) (*inode, error) {
	if number == 0 || number > uint64(f.super.inodes) {
		return nil, refuse("damaged: inode %d of %d", number, f.super.inodes)
	}
	group, index := (number-1)/uint64(f.super.inodesPerGroup), (number-1)%uint64(f.super.inodesPerGroup)
	table, err := f.table(int64(group))
	if err != nil {
		return nil, err
	}
	at := table*f.super.blockSize + int64(index)*f.super.inodeSize
	if table < 0 || table > f.super.blocks || at <= 0 || at > (f.super.blocks-1)*f.super.blockSize {
		return nil, refuse("damaged: the inode table of group %d", group)
	}
	raw := make([]byte, f.super.inodeSize)
	if _, err := f.disk.ReadAt(raw, at); err != nil {
		return nil, refuse("inode %d: %v", number, err)
	}
	i := &inode{number: number, raw: raw, mode: binary.LittleEndian.Uint16(raw), flags: binary.LittleEndian.Uint32(raw[0x20:])}
	i.size = int64(binary.LittleEndian.Uint32(raw[4:]))
	if i.is(kindFile) || i.is(kindFolder) {
		i.size |= int64(binary.LittleEndian.Uint32(raw[0x6c:])) << 32
	}
	switch {
	case i.mode == 0 || binary.LittleEndian.Uint16(raw[0x1a:]) == 0:
		return nil, refuse("damaged: inode %d is free", number)
	case i.size < 0:
		return nil, refuse("damaged: inode %d has a negative size", number)
	}
	return i, nil
}

// Root is the inode of the root folder.
func (f *FS) Root() uint64 { return rootInode }

// Inode describes a file.
func (f *FS) Inode(number uint64) (inodes.Inode, error) {
	i, err := f.inode(number)
	if err != nil {
		return inodes.Inode{}, err
	}
	return inodes.Inode{Mode: inodes.Mode(i.mode), Size: i.size, Modified: i.modified()}, nil
}

// modified has 34 bits of seconds where the inode has room for them.
func (i *inode) modified() time.Time {
	seconds, nanos := int64(int32(binary.LittleEndian.Uint32(i.raw[0x10:]))), int64(0)
	if len(i.raw) >= 0x8c && binary.LittleEndian.Uint16(i.raw[0x80:]) >= 0xc {
		extra := binary.LittleEndian.Uint32(i.raw[0x88:])
		seconds += int64(extra&3) << 32
		nanos = int64(extra >> 2)
	}
	return time.Unix(seconds, nanos).UTC()
}

// Content is what a regular file holds.
func (f *FS) Content(number uint64) (io.ReaderAt, error) {
	i, err := f.inode(number)
	if err != nil {
		return nil, err
	}
	if !i.is(kindFile) {
		return nil, &fs.PathError{Op: "read", Path: "inode", Err: fs.ErrInvalid}
	}
	return f.content(i)
}

// content is what an inode of any kind holds.
func (f *FS) content(i *inode) (io.ReaderAt, error) {
	switch {
	case i.flags&flagEncrypted != 0:
		return nil, refuse("inode %d is encrypted", i.number)
	case i.flags&flagInline != 0:
		data, err := i.inline()
		if err != nil {
			return nil, err
		}
		return padded(data, i.size), nil
	}
	var extents []inodes.Extent
	var err error
	if i.flags&flagExtents != 0 {
		extents, err = f.extents(i)
	} else {
		extents, err = f.indirect(i)
	}
	if err != nil {
		return nil, err
	}
	m, err := inodes.NewMap(f.disk, f.super.blocks*f.super.blockSize, extents, i.size)
	if err != nil {
		return nil, refuse("inode %d: %v", i.number, err)
	}
	return m, nil
}

// Link is where a symbolic link points to.
func (f *FS) Link(number uint64) (string, error) {
	i, err := f.inode(number)
	switch {
	case err != nil:
		return "", err
	case !i.is(kindLink):
		return "", refuse("inode %d is no link", number)
	case i.size > f.super.blockSize:
		return "", refuse("damaged: link inode %d of %d bytes", number, i.size)
	case i.size < 60 && i.flags&(flagExtents|flagInline|flagEncrypted) == 0:
		return string(i.blockMap()[:i.size]), nil
	}
	content, err := f.content(i)
	if err != nil {
		return "", err
	}
	target := make([]byte, i.size)
	if _, err := io.ReadFull(io.NewSectionReader(content, 0, i.size), target); err != nil {
		return "", refuse("link inode %d: %v", number, err)
	}
	return string(target), nil
}
