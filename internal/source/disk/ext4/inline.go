package ext4

import (
	"bytes"
	"encoding/binary"
	"io"

	"muster/internal/source/disk/inodes"
)

// inline is the data of an inode that has it inside: in place of the block
// map, and what does not fit there as the attribute system.data.
func (i *inode) inline() ([]byte, error) {
	data := bytes.Clone(i.blockMap())
	more, err := i.systemData()
	return append(data, more...), err
}

// systemData finds the attribute in the room behind the inode's fields.
func (i *inode) systemData() ([]byte, error) {
	const (
		attributeMagic = 0xea020000
		entrySize      = 16
		systemIndex    = 7
	)
	le := binary.LittleEndian
	if len(i.raw) < 0x84 {
		return nil, nil
	}
	start := 128 + int(le.Uint16(i.raw[0x80:]))
	if start+4+entrySize > len(i.raw) || le.Uint32(i.raw[start:]) != attributeMagic {
		return nil, nil
	}
	entries := i.raw[start+4:]
	for at := 0; at+entrySize <= len(entries) && le.Uint32(entries[at:]) != 0; {
		e := entries[at:]
		length := int(e[0])
		if at+entrySize+length > len(entries) {
			break
		}
		if e[1] == systemIndex && string(e[entrySize:entrySize+length]) == "data" {
			offset, size := int(le.Uint16(e[2:])), int64(le.Uint32(e[8:]))
			if le.Uint32(e[4:]) != 0 || int64(offset)+size > int64(len(entries)) {
				return nil, refuse("damaged: the data inside inode %d", i.number)
			}
			return entries[offset : int64(offset)+size], nil
		}
		at += (entrySize + length + 3) &^ 3
	}
	return nil, nil
}

// padded gives data the size that the inode states.
func padded(data []byte, size int64) io.ReaderAt {
	have := min(int64(len(data)), size)
	m, err := inodes.NewMap(bytes.NewReader(data[:have]), have, pieces(have), size)
	if err != nil {
		return bytes.NewReader(nil)
	}
	return m
}

func pieces(size int64) []inodes.Extent {
	if size == 0 {
		return nil
	}
	return []inodes.Extent{{Length: size}}
}
