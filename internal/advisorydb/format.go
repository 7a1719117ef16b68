package advisorydb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The header, little endian:
//
//	 0 magic "MUSTERDB"
//	 8 format (u32), 12 kind (u32)
//	16 file length (u64), 24 records (u64), 32 newest date (i64, Unix seconds)
//	40 six sections: offset (u64), length (u64), CRC-32C (u32), unused (u32)
//	184 CRC-32C of the bytes before it (u32), unused (u32)
const (
	magic        = "MUSTERDB"
	format       = 3
	headerSize   = 192
	maxSections  = 6
	sectionSize  = 24
	sectionsAt   = 40
	headerCRCAt  = 184
	maxFileBytes = 16 << 30
)

// Kinds of file.
const (
	kindAdvisories = 1
	kindTable      = 2
	kindEPSS       = 3
)

// Sections of a file of advisories; a table has the index, the chunks and
// their directory, an EPSS file only rows (in the index's place).
const (
	sectionIndex  = iota // rows by key hash
	sectionHeads         // record names, by record number
	sectionBlocks        // affected entries, by key
	sectionChunks        // compressed documents
	sectionDir           // where the chunks are
	sectionWords         // words, then the releases
)

// ErrCorrupt says that a file is not what was written; the wrapping error
// says which and why.
var ErrCorrupt = errors.New("damaged advisory file")

// ErrFormat says that a file was written by another version of the program.
var ErrFormat = errors.New("advisory file of another format")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

type section struct {
	offset, length uint64
	crc            uint32
}

type header struct {
	kind     uint32
	length   uint64
	records  uint64
	newest   int64
	sections [maxSections]section
}

func (h *header) encode() []byte {
	b := make([]byte, headerSize)
	copy(b, magic)
	le := binary.LittleEndian
	le.PutUint32(b[8:], format)
	le.PutUint32(b[12:], h.kind)
	le.PutUint64(b[16:], h.length)
	le.PutUint64(b[24:], h.records)
	le.PutUint64(b[32:], uint64(h.newest))
	for i, s := range h.sections {
		at := b[sectionsAt+i*sectionSize:]
		le.PutUint64(at, s.offset)
		le.PutUint64(at[8:], s.length)
		le.PutUint32(at[16:], s.crc)
	}
	le.PutUint32(b[headerCRCAt:], checksum(b[:headerCRCAt]))
	return b
}

// decodeHeader checks everything about the header that can be checked without
// reading on, so that sections can be sliced without further care.
func decodeHeader(data []byte, kind uint32) (*header, error) {
	le := binary.LittleEndian
	switch {
	case len(data) < headerSize || string(data[:8]) != magic:
		return nil, corrupt("no header")
	case le.Uint32(data[8:]) != format:
		return nil, fmt.Errorf("%w: format %d, this program reads %d", ErrFormat, le.Uint32(data[8:]), format)
	case le.Uint32(data[headerCRCAt:]) != checksum(data[:headerCRCAt]):
		return nil, corrupt("header checksum")
	case le.Uint32(data[12:]) != kind:
		return nil, corrupt("kind %d where %d was expected", le.Uint32(data[12:]), kind)
	case le.Uint64(data[16:]) != uint64(len(data)):
		return nil, corrupt("%d bytes where the header says %d", len(data), le.Uint64(data[16:]))
	}
	h := &header{kind: kind, length: uint64(len(data)), records: le.Uint64(data[24:]), newest: int64(le.Uint64(data[32:]))}
	for i := range h.sections {
		at := data[sectionsAt+i*sectionSize:]
		s := section{le.Uint64(at), le.Uint64(at[8:]), le.Uint32(at[16:])}
		if s.offset > h.length || s.length > h.length-s.offset {
			return nil, corrupt("section %d outside the file", i)
		}
		h.sections[i] = s
	}
	return h, nil
}

// bytes returns a section of the mapped file.
func (h *header) bytes(data []byte, i int) []byte {
	s := h.sections[i]
	return data[s.offset : s.offset+s.length : s.offset+s.length]
}

// verify checks the sections that are read without a checksum of their own.
func (h *header) verify(data []byte, sections ...int) error {
	for _, i := range sections {
		if checksum(h.bytes(data, i)) != h.sections[i].crc {
			return corrupt("section %d checksum", i)
		}
	}
	return nil
}

func updateChecksum(crc uint32, b []byte) uint32 { return crc32.Update(crc, castagnoli, b) }
