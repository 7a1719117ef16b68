package partition

import (
	"encoding/binary"
	"fmt"
	"io"
)

const sectorSize = 512

// Types of partitions that are not volumes.
const (
	typeExtended    = 0x05
	typeExtendedLBA = 0x0f
	typeExtendedOld = 0x85
	typeProtective  = 0xee
)

// mbr reads a table of partitions of the old kind.
type mbr struct {
	disk    io.ReaderAt
	size    int64
	id      uint32
	volumes []Volume
}

// readMBR reads the table in the first sector; nil where there is none. Boot
// sectors of file systems end in the same mark: a table's entries say whether
// they can be used, and lie on the disk.
func readMBR(disk io.ReaderAt, size int64) ([]Volume, error) {
	if size < sectorSize {
		return nil, nil
	}
	b := make([]byte, sectorSize)
	if err := full(disk, b, 0); err != nil {
		return nil, err
	}
	if !isTable(b, size) {
		return nil, nil
	}
	m := &mbr{disk: disk, size: size, id: binary.LittleEndian.Uint32(b[440:])}
	for n, e := range entries(b) {
		switch e.kind {
		case 0, typeProtective:
		case typeExtended, typeExtendedLBA, typeExtendedOld:
			if err := m.logical(e.start); err != nil {
				return nil, err
			}
		default:
			m.add(n+1, e.start, e.length)
		}
	}
	return m.volumes, nil
}

type mbrEntry struct {
	status, kind  byte
	start, length int64
}

func entries(b []byte) [4]mbrEntry {
	var list [4]mbrEntry
	for n := range list {
		e := b[446+16*n:]
		list[n] = mbrEntry{e[0], e[4], int64(binary.LittleEndian.Uint32(e[8:])), int64(binary.LittleEndian.Uint32(e[12:]))}
	}
	return list
}

func isTable(b []byte, size int64) bool {
	if b[510] != 0x55 || b[511] != 0xaa {
		return false
	}
	used := false
	for _, e := range entries(b) {
		if e.status&0x7f != 0 || (e.kind != 0 && (e.start == 0 || e.start > size/sectorSize || e.length == 0)) {
			return false
		}
		used = used || e.kind != 0
	}
	return used
}

// logical follows the chain of tables in an extended partition, each with one
// partition and the place of the next table.
func (m *mbr) logical(extended int64) error {
	const firstLogical = 5
	next := extended
	for n := range maxVolumes {
		b := make([]byte, sectorSize)
		if next > m.size/sectorSize-1 {
			return refuse("cut off: the extended partition at sector %d", next)
		}
		if err := full(m.disk, b, next*sectorSize); err != nil {
			return err
		}
		if b[510] != 0x55 || b[511] != 0xaa {
			return refuse("damaged: the extended partition at sector %d", next)
		}
		e := entries(b)
		if e[0].kind != 0 {
			m.add(firstLogical+n, next+e[0].start, e[0].length)
		}
		switch e[1].kind {
		case typeExtended, typeExtendedLBA, typeExtendedOld:
			next = extended + e[1].start
		default:
			return nil
		}
	}
	return refuse("damaged: the chain of logical partitions has more than %d links", maxVolumes)
}

// add adds a partition. udev names it by the disk and its number.
func (m *mbr) add(number int, start, length int64) {
	v := newVolume(m.disk, m.size, number, start*sectorSize, length*sectorSize)
	v.UUID = fmt.Sprintf("%08x-%02d", m.id, number)
	m.volumes = append(m.volumes, v)
}
