package rpm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

// Tags of a package header that muster reads.
const (
	tagName       = 1000
	tagVersion    = 1001
	tagRelease    = 1002
	tagEpoch      = 1003
	tagVendor     = 1011
	tagArch       = 1022
	tagSourceRPM  = 1044
	tagDirIndexes = 1116
	tagBaseNames  = 1117
	tagDirNames   = 1118
	tagModularity = 5096
)

// Types of tags.
const (
	typeInt32       = 4
	typeString      = 6
	typeStringArray = 8
	typeI18NString  = 9
)

const entrySize = 16

// header is a package header as the database stores it: an index of tags and
// the data that they point into.
type header struct {
	entries []byte // entrySize bytes each: tag, type, offset, count; big-endian
	data    []byte
}

// parseHeader checks the sizes of a header blob.
func parseHeader(blob []byte) (header, error) {
	if len(blob) < 8 {
		return header{}, errors.New("header cut short")
	}
	entries := uint64(binary.BigEndian.Uint32(blob))
	size := uint64(binary.BigEndian.Uint32(blob[4:]))
	if 8+entries*entrySize+size > uint64(len(blob)) {
		return header{}, fmt.Errorf("header of %d tags and %d bytes does not fit into %d bytes", entries, size, len(blob))
	}
	end := 8 + entries*entrySize
	return header{blob[8:end], blob[end : end+size]}, nil
}

// find gives the data from where the tag's begins, and the tag's count.
func (h header) find(tag uint32, types ...uint32) (data []byte, count int) {
	for e := h.entries; len(e) >= entrySize; e = e[entrySize:] {
		if binary.BigEndian.Uint32(e) != tag {
			continue
		}
		offset := binary.BigEndian.Uint32(e[8:])
		for _, t := range types {
			if binary.BigEndian.Uint32(e[4:]) == t && uint64(offset) <= uint64(len(h.data)) {
				return h.data[offset:], int(min(binary.BigEndian.Uint32(e[12:]), 1<<30))
			}
		}
	}
	return nil, 0
}

// maxText bounds what is read of a text, in bytes: all tags of a package may
// point at the same long one.
const maxText = 4 << 10

// text is a string tag, "" when absent, not closed or too long.
func (h header) text(tag uint32) string {
	data, _ := h.find(tag, typeString, typeI18NString)
	s, _, ok := bytes.Cut(data[:min(len(data), maxText)], []byte{0})
	if !ok || string(s) == "(none)" {
		return ""
	}
	return string(s)
}

// number is the first value of an int32 tag, 0 when absent.
func (h header) number(tag uint32) uint32 {
	data, count := h.find(tag, typeInt32)
	if count == 0 || len(data) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(data)
}

// Bounds of a package's list of files. Names may be empty: without them, a
// header of zeros would have as many as it has bytes.
const (
	maxFiles   = 1 << 20
	maxFolders = 1 << 18
)

// texts gives the texts of a string array, one after another: never more than
// the data holds, nor more than limit.
func (h header) texts(tag uint32, limit int) iter.Seq2[int, []byte] {
	data, count := h.find(tag, typeStringArray)
	return func(yield func(int, []byte) bool) {
		for n := range min(count, limit) {
			s, rest, ok := bytes.Cut(data, []byte{0})
			if !ok || !yield(n, s) {
				return
			}
			data = rest
		}
	}
}

// files calls visit for every file of the package, without the leading slash.
// The name is valid until the next.
func (h header) files(visit func(name []byte)) {
	var folders [][]byte
	for _, f := range h.texts(tagDirNames, maxFolders) {
		folders = append(folders, bytes.TrimPrefix(f, []byte("/")))
	}
	indexes, count := h.find(tagDirIndexes, typeInt32)
	var name []byte
	for i, base := range h.texts(tagBaseNames, maxFiles) {
		if i >= count || len(indexes) < 4*(i+1) {
			return
		}
		folder := binary.BigEndian.Uint32(indexes[4*i:])
		if uint64(folder) < uint64(len(folders)) {
			name = append(append(name[:0], folders[folder]...), base...)
			visit(name)
		}
	}
}
