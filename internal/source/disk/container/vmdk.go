package container

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/klauspost/compress/zlib"
)

const (
	vmdkMagic = "KDMV"
	sector    = 512
)

// vmdk is a sparse extent of VMware's format: a table of tables of grains.
type vmdk struct {
	file       *os.File
	fileSize   int64
	capacity   int64
	grain      int64
	compressed bool
	perTable   int64
	directory  []byte
	tables     kept
	unpacked   kept
}

func (o *opener) vmdk(f *os.File, fileSize int64) (*layer, error) {
	v, header, err := o.sparse(f, fileSize)
	if err != nil {
		return nil, err
	}
	if header[72] != 0 {
		o.note("the image was not closed by its virtual machine")
	}
	return &layer{&clusters{v.capacity, v.grain, v.read}, v.capacity, "vmdk"}, v.alone(header)
}

// sparse reads header and directory of a sparse extent. One that was
// written as a stream has them at its end.
func (o *opener) sparse(f *os.File, fileSize int64) (*vmdk, []byte, error) {
	header := make([]byte, sector)
	if err := full(f, header, 0); err != nil {
		return nil, nil, err
	}
	v := &vmdk{file: f, fileSize: fileSize}
	const atEnd = 1<<64 - 1
	if binary.LittleEndian.Uint64(header[56:]) == atEnd {
		if err := full(f, header, fileSize-2*sector); err != nil {
			return nil, nil, err
		}
		if !bytes.HasPrefix(header, []byte(vmdkMagic)) {
			return nil, nil, refuse("cut off: the end of the stream is missing")
		}
	}
	if err := v.header(o, header); err != nil {
		return nil, nil, err
	}
	v.tables, v.unpacked = o.recent.part(), o.recent.part()
	return v, header, nil
}

func (v *vmdk) header(o *opener, b []byte) (err error) {
	const flagCompressed, deflate = 1 << 16, 1
	le := binary.LittleEndian
	capacity, grain, perTable := le.Uint64(b[12:]), le.Uint64(b[20:]), le.Uint32(b[44:])
	switch version := le.Uint32(b[4:]); {
	case version < 1 || version > 3:
		return refuse("vmdk of version %d, which is not read", version)
	case capacity == 0 || capacity > maxDisk/sector:
		return refuse("damaged: a disk of %d sectors", capacity)
	case grain < 1 || grain > 1<<14 || grain&(grain-1) != 0:
		return refuse("damaged: grains of %d sectors", grain)
	case perTable < 1 || perTable > 1<<16:
		return refuse("damaged: tables of %d grains", perTable)
	}
	if v.compressed = le.Uint32(b[8:])&flagCompressed != 0; v.compressed && le.Uint16(b[77:]) != deflate {
		return refuse("compressed in a way that is not known: %d", le.Uint16(b[77:]))
	}
	v.capacity, v.grain, v.perTable = int64(capacity)*sector, int64(grain)*sector, int64(perTable)
	covers := v.grain * v.perTable
	length := (v.capacity + covers - 1) / covers * 4
	at := le.Uint64(b[56:])
	if length > maxTable || at > uint64(v.fileSize)/sector {
		return refuse("cut off: its directory at sector %d", at)
	}
	v.directory, err = o.table(v.file, length, int64(at)*sector)
	return err
}

// alone refuses images that stand on others, and those whose descriptor says
// that they are one of several extents.
func (v *vmdk) alone(header []byte) error {
	at, length := binary.LittleEndian.Uint64(header[28:]), binary.LittleEndian.Uint64(header[36:])
	if at == 0 || length == 0 {
		return nil // one of several extents
	}
	if length > 1<<11 || at > uint64(v.fileSize)/sector {
		return refuse("damaged: its description")
	}
	text := make([]byte, length*sector)
	if err := full(v.file, text, int64(at)*sector); err != nil {
		return err
	}
	d, err := parseDescriptor(text)
	if err != nil {
		return err
	}
	return d.alone()
}

// read reads a part of a grain.
func (v *vmdk) read(p []byte, number, offset int64) error {
	at := int64(binary.LittleEndian.Uint32(v.directory[number/v.perTable*4:])) * sector
	if at == 0 {
		clear(p)
		return nil
	}
	table, err := v.tables.get(at, func() ([]byte, error) {
		b := make([]byte, v.perTable*4)
		return b, full(v.file, b, at)
	})
	if err != nil {
		return err
	}
	const zeroed = 1
	place := int64(binary.LittleEndian.Uint32(table[number%v.perTable*4:]))
	switch {
	case place == 0 || place == zeroed:
		clear(p)
		return nil
	case !v.compressed:
		return full(v.file, p, place*sector+offset)
	}
	data, err := v.unpacked.get(number, func() ([]byte, error) { return v.unpack(place*sector, number) })
	if err != nil {
		return err
	}
	copy(p, data[offset:])
	return nil
}

// unpack reads a compressed grain behind its head: where it belongs, and how
// long it is.
func (v *vmdk) unpack(at, number int64) ([]byte, error) {
	head := make([]byte, 12)
	if err := full(v.file, head, at); err != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(head[8:]))
	if belongs := binary.LittleEndian.Uint64(head); belongs != uint64(number*v.grain/sector) {
		return nil, refuse("damaged: grain %d is marked as that of sector %d", number, belongs)
	}
	if length > v.fileSize-at {
		return nil, refuse("cut off: grain %d has %d bytes", number, length)
	}
	z, err := zlib.NewReader(io.NewSectionReader(v.file, at+12, length))
	if err != nil {
		return nil, refuse("damaged: grain %d: %v", number, err)
	}
	data := make([]byte, v.grain)
	n, err := io.ReadFull(z, data)
	if err != nil && (!errors.Is(err, io.ErrUnexpectedEOF) || int64(n) < v.last(number)) {
		return nil, refuse("damaged: grain %d: %v", number, err)
	}
	return data, nil
}

// last is how many bytes of a grain lie on the disk.
func (v *vmdk) last(number int64) int64 { return min(v.grain, v.capacity-number*v.grain) }
