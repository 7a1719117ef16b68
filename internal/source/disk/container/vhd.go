package container

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
)

const vhdMagic = "conectix"

// vhdFooter is the last sector, or its copy at the begin of a dynamic disk
// whose end is lost.
func vhdFooter(f *os.File, size int64) ([]byte, bool) {
	footer := make([]byte, sector)
	for _, at := range []int64{size - sector, size - sector + 1, 0} { // old programs write a byte less
		b := footer[:min(sector, max(0, size-at))]
		if at >= 0 && full(f, b, at) == nil && bytes.HasPrefix(b, []byte(vhdMagic)) {
			return footer, true
		}
	}
	return nil, false
}

// vhd is Microsoft's older format: fixed, which is raw with a footer, or
// dynamic, with a table of blocks.
func (o *opener) vhd(f *os.File, fileSize int64, footer []byte) (*layer, error) {
	const fixed, dynamic, differencing = 2, 3, 4
	be := binary.BigEndian
	size := int64(be.Uint64(footer[48:]))
	if size < 0 || size > maxDisk {
		return nil, refuse("damaged: a disk of %d bytes", size)
	}
	switch kind := be.Uint32(footer[60:]); kind {
	case fixed:
		if size > fileSize {
			return nil, refuse("cut off: a disk of %d bytes in a file of %d", size, fileSize)
		}
		return &layer{io.NewSectionReader(f, 0, size), size, "vhd"}, nil
	case dynamic:
		return o.dynamic(f, size, int64(be.Uint64(footer[16:])))
	case differencing:
		return nil, refuse("it is a difference to another image; merge them first")
	default:
		return nil, refuse("a VHD of kind %d, which is not read", kind)
	}
}

// dynamicVHD finds blocks by a table; each begins with a map of its sectors.
type dynamicVHD struct {
	file  *os.File
	block int64
	// skip is the length of the map.
	skip  int64
	table []byte
}

func (o *opener) dynamic(f *os.File, size, at int64) (*layer, error) {
	header := make([]byte, 1024)
	if err := full(f, header, at); err != nil {
		return nil, err
	}
	be := binary.BigEndian
	if string(header[:8]) != "cxsparse" {
		return nil, refuse("damaged: the header of a dynamic disk")
	}
	d := &dynamicVHD{file: f, block: int64(be.Uint32(header[32:]))}
	entries, tableAt := int64(be.Uint32(header[28:])), int64(be.Uint64(header[16:]))
	switch {
	case d.block < sector || d.block > 256<<20 || d.block&(d.block-1) != 0:
		return nil, refuse("damaged: blocks of %d bytes", d.block)
	case entries*4 > maxTable || entries*d.block < size || tableAt < 0:
		return nil, refuse("damaged: a table of %d blocks", entries)
	}
	d.skip = (d.block/sector/8 + sector - 1) &^ (sector - 1)
	table, err := o.table(f, (size+d.block-1)/d.block*4, tableAt)
	if err != nil {
		return nil, err
	}
	d.table = table
	return &layer{&clusters{size, d.block, d.read}, size, "vhd"}, nil
}

// read reads a part of a block; what was never written is zero in it.
func (d *dynamicVHD) read(p []byte, number, offset int64) error {
	const none = 1<<32 - 1
	at := binary.BigEndian.Uint32(d.table[number*4:])
	if at == none {
		clear(p)
		return nil
	}
	return full(d.file, p, int64(at)*sector+d.skip+offset)
}
