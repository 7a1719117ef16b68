package ext4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"muster/internal/source/disk/inodes"
)

// Bounds of a folder.
const (
	maxFolder  = 1 << 30
	maxEntries = 2_000_000
)

// List gives a folder's entries. Folders with an index are read in the order
// of their blocks, too: to entries, the blocks of the index look empty.
func (f *FS) List(number uint64) ([]inodes.Entry, error) {
	i, err := f.inode(number)
	switch {
	case err != nil:
		return nil, err
	case !i.is(kindFolder):
		return nil, refuse("inode %d is no folder", number)
	case i.flags&flagEncrypted != 0:
		return nil, refuse("folder inode %d is encrypted", number)
	case i.size > maxFolder:
		return nil, refuse("folder inode %d has %d bytes, at most %d", number, i.size, maxFolder)
	}
	list := &listing{fs: f, number: number}
	if i.flags&flagInline != 0 {
		err := list.inline(i)
		return list.entries, err
	}
	content, err := f.content(i)
	if err != nil {
		return nil, err
	}
	block := make([]byte, f.super.blockSize)
	for at := int64(0); at < i.size; at += int64(len(block)) {
		n, err := content.ReadAt(block, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, refuse("folder inode %d: %v", number, err)
		}
		if err := list.block(block[:n]); err != nil {
			return nil, err
		}
	}
	return list.entries, nil
}

// listing collects the entries of a folder.
type listing struct {
	fs      *FS
	number  uint64
	entries []inodes.Entry
}

// inline reads a folder that is inside its inode: the parent's number, then
// entries, then further ones in the attribute.
func (l *listing) inline(i *inode) error {
	if err := l.block(i.blockMap()[4:]); err != nil {
		return err
	}
	more, err := i.systemData()
	if err != nil {
		return err
	}
	return l.block(more)
}

// block reads the entries of a block.
func (l *listing) block(b []byte) error {
	const header = 8
	for len(b) >= header {
		length := recordLength(b)
		if length < header || length > len(b) {
			return refuse("damaged: an entry of %d bytes in folder inode %d", length, l.number)
		}
		if err := l.entry(b[:length]); err != nil {
			return err
		}
		b = b[length:]
	}
	return nil
}

// recordLength undoes how 64 KiB are written in 16 bits.
func recordLength(b []byte) int {
	length := int(binary.LittleEndian.Uint16(b[4:]))
	if len(b) == 65536 && (length == 65535 || length == 0) {
		return 65536
	}
	return length
}

func (l *listing) entry(b []byte) error {
	number, length, kind := uint64(binary.LittleEndian.Uint32(b)), int(b[6]), inodes.Unknown
	if number == 0 { // deleted, or a checksum
		return nil
	}
	if l.fs.super.incompat&incompatFiletype != 0 {
		kind = inodes.FileType(b[7])
	} else {
		length = int(binary.LittleEndian.Uint16(b[6:]))
	}
	if 8+length > len(b) {
		return refuse("damaged: a name of %d bytes in folder inode %d", length, l.number)
	}
	name := b[8 : 8+length]
	switch {
	case string(name) == "." || string(name) == "..":
		return nil
	case length == 0 || bytes.ContainsAny(name, "/\x00"):
		return refuse("damaged: the name %q in folder inode %d", name, l.number)
	case len(l.entries) == maxEntries:
		return refuse("folder inode %d has more than %d entries", l.number, maxEntries)
	}
	l.entries = append(l.entries, inodes.Entry{Name: string(name), Number: number, Type: kind})
	return nil
}
