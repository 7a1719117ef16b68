package rpm

import (
	"encoding/binary"
	"fmt"
	"io"
)

// NDB, rpm's own form (SUSE): pages of slots, then blobs in blocks of 16
// bytes; little-endian.
const (
	ndbHeaderMagic = 0x506d7052 // "RpmP"
	ndbSlotMagic   = 0x746f6c53 // "Slot"
	ndbBlobMagic   = 0x53626c42 // "BlbS"
	ndbPage        = 4096
	ndbBlock       = 16
	ndbSlot        = 16
	ndbHeader      = 32
	ndbMaxPages    = 4096
)

func isNDB(start []byte) bool {
	return len(start) >= ndbHeader && binary.LittleEndian.Uint32(start) == ndbHeaderMagic
}

func eachNDBBlob(r io.ReaderAt, size int64, start []byte, visit func([]byte) error) error {
	pages := binary.LittleEndian.Uint32(start[12:])
	if pages == 0 || pages > ndbMaxPages || int64(pages)*ndbPage > size {
		return fmt.Errorf("NDB: %d pages of slots in a file of %d bytes", pages, size)
	}
	slots := make([]byte, int64(pages)*ndbPage-ndbHeader)
	if _, err := r.ReadAt(slots, ndbHeader); err != nil {
		return fmt.Errorf("NDB slots: %w", err)
	}
	for s := slots; len(s) >= ndbSlot; s = s[ndbSlot:] {
		index, block := binary.LittleEndian.Uint32(s[4:]), binary.LittleEndian.Uint32(s[8:])
		if binary.LittleEndian.Uint32(s) != ndbSlotMagic || index == 0 || block == 0 {
			continue
		}
		blob, err := ndbBlob(r, int64(block)*ndbBlock, index, size)
		if err != nil {
			return err
		}
		if err := visit(blob); err != nil {
			return err
		}
	}
	return nil
}

func ndbBlob(r io.ReaderAt, offset int64, index uint32, size int64) ([]byte, error) {
	head := make([]byte, 16)
	if _, err := r.ReadAt(head, offset); err != nil {
		return nil, fmt.Errorf("NDB blob %d: %w", index, err)
	}
	length := int64(binary.LittleEndian.Uint32(head[12:]))
	if binary.LittleEndian.Uint32(head) != ndbBlobMagic || binary.LittleEndian.Uint32(head[4:]) != index ||
		length > maxHeader || length > size {
		return nil, fmt.Errorf("NDB blob %d is malformed", index)
	}
	blob := make([]byte, length)
	if _, err := r.ReadAt(blob, offset+16); err != nil {
		return nil, fmt.Errorf("NDB blob %d: %w", index, err)
	}
	return blob, nil
}
