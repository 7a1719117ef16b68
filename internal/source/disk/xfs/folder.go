package xfs

import (
	"bytes"
	"encoding/binary"
	"io/fs"

	"muster/internal/source/disk/inodes"
)

// Bounds of a folder. Names lie in the first 32 GiB of its space, the index
// behind them.
const (
	indexOffset = 32 << 30
	maxFolder   = 1 << 30
	maxEntries  = 2_000_000
)

// List gives a folder's entries.
func (f *FS) List(number uint64) ([]inodes.Entry, error) {
	i, err := f.inode(number)
	switch {
	case err != nil:
		return nil, err
	case !i.is(kindFolder):
		return nil, refuse("inode %d is no folder", number)
	}
	l := &listing{fs: f, number: number}
	if i.form == formLocal {
		err = l.short(i)
	} else {
		err = l.blocks(i)
	}
	return l.entries, err
}

// listing collects the entries of a folder.
type listing struct {
	fs      *FS
	number  uint64
	entries []inodes.Entry
}

func (l *listing) damaged() error { return refuse("damaged: folder inode %d", l.number) }

// short reads a folder inside its inode. Inode numbers have 4 bytes each, or
// 8 where one of them needs that.
func (l *listing) short(i *inode) error {
	if i.size > int64(len(i.fork)) || len(i.fork) < 6 {
		return l.damaged()
	}
	b := i.fork[:max(i.size, 6)]
	count, width := int(b[0]), 4
	if b[1] > 0 {
		width = 8
	}
	typeWidth := 0
	if l.fs.types {
		typeWidth = 1
	}
	b = b[min(2+width, len(b)):]
	for range count {
		if len(b) < 3 || len(b) < 3+int(b[0])+typeWidth+width {
			return l.damaged()
		}
		length := int(b[0])
		name, rest := b[3:3+length], b[3+length:]
		kind := inodes.Unknown
		if typeWidth > 0 {
			kind = inodes.FileType(rest[0])
		}
		rest = rest[typeWidth:]
		number := uint64(binary.BigEndian.Uint32(rest))
		if width == 8 {
			number = binary.BigEndian.Uint64(rest)
		}
		if err := l.add(name, number, kind); err != nil {
			return err
		}
		b = rest[width:]
	}
	return nil
}

// blocks reads the blocks in which the names are, wherever the index is.
func (l *listing) blocks(i *inode) error {
	content, err := l.fs.content(i, indexOffset)
	if err != nil {
		return err
	}
	if i.size > maxFolder {
		return refuse("folder inode %d has %d bytes, at most %d", l.number, i.size, maxFolder)
	}
	block := make([]byte, l.fs.folderBlock)
	for at := int64(0); at < i.size; at += int64(len(block)) {
		if _, err := content.ReadAt(block, at); err != nil {
			return refuse("folder inode %d: %v", l.number, err)
		}
		if err := l.block(block); err != nil {
			return err
		}
	}
	return nil
}

// block reads a block of names. A folder of one block has its index at the
// end of it.
func (l *listing) block(b []byte) error {
	switch string(b[:4]) {
	case "XD2D":
		return l.names(b[16:])
	case "XDD3":
		return l.names(b[64:])
	case "XD2B":
		return l.indexed(b, 16)
	case "XDB3":
		return l.indexed(b, 64)
	case "\x00\x00\x00\x00": // a hole: its names are gone
		return nil
	}
	return l.damaged()
}

func (l *listing) indexed(b []byte, header int) error {
	const tail, entry = 8, 8
	count := int64(binary.BigEndian.Uint32(b[len(b)-tail:]))
	end := int64(len(b)) - tail - count*entry
	if end < int64(header) {
		return l.damaged()
	}
	return l.names(b[header:end])
}

// names reads names and the room that is free between them.
func (l *listing) names(b []byte) error {
	const free = 0xffff
	be := binary.BigEndian
	for len(b) >= 16 {
		length := 0
		if be.Uint16(b) == free {
			length = int(be.Uint16(b[2:]))
		} else {
			size := int(b[8])
			length = 9 + size + 2
			if l.fs.types {
				length++
			}
			length = (length + 7) &^ 7
			if length > len(b) {
				return l.damaged()
			}
			kind := inodes.Unknown
			if l.fs.types {
				kind = inodes.FileType(b[9+size])
			}
			if err := l.add(b[9:9+size], be.Uint64(b), kind); err != nil {
				return err
			}
		}
		if length == 0 || length%8 != 0 || length > len(b) {
			return l.damaged()
		}
		b = b[length:]
	}
	return nil
}

func (l *listing) add(name []byte, number uint64, kind fs.FileMode) error {
	switch {
	case string(name) == "." || string(name) == "..":
		return nil
	case len(name) == 0 || bytes.ContainsAny(name, "/\x00"):
		return refuse("damaged: the name %q in folder inode %d", name, l.number)
	case len(l.entries) == maxEntries:
		return refuse("folder inode %d has more than %d entries", l.number, maxEntries)
	}
	l.entries = append(l.entries, inodes.Entry{Name: string(name), Number: number, Type: kind})
	return nil
}
