package container

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

const qcowMagic = "QFI\xfb"

// Features without which a qcow2 cannot be read.
const (
	qcowDirty       = 1 << 0
	qcowCorrupt     = 1 << 1
	qcowExternal    = 1 << 2
	qcowCompression = 1 << 3
	qcowExtended    = 1 << 4
)

// qcow2 is QEMU's format, versions 2 and 3, as docs/interop/qcow2 has it: a
// table of tables of clusters.
type qcow2 struct {
	file     *os.File
	fileSize int64
	backing  *layer

	size        int64
	clusterBits uint
	features    uint64
	zstd        bool
	l1          []byte
	tables      kept
	unpacked    kept
}

func (o *opener) qcow2(f *os.File, fileSize int64) (*layer, error) {
	header := make([]byte, 112)
	if err := full(f, header[:72], 0); err != nil {
		return nil, err
	}
	q := &qcow2{file: f, fileSize: fileSize}
	version := binary.BigEndian.Uint32(header[4:])
	if version == 3 {
		if err := full(f, header, 0); err != nil {
			return nil, err
		}
	}
	if err := q.header(header, version); err != nil {
		return nil, err
	}
	if q.features&qcowDirty != 0 {
		o.note("the image was not closed by its virtual machine")
	}
	if err := q.readL1(o, header); err != nil {
		return nil, err
	}
	q.tables, q.unpacked = o.recent.part(), o.recent.part()
	if at := int64(binary.BigEndian.Uint64(header[8:])); at != 0 {
		name, format, err := q.backingName(at, int64(binary.BigEndian.Uint32(header[16:])), header)
		if err != nil {
			return nil, err
		}
		if q.backing, err = o.backing(name, format); err != nil {
			return nil, err
		}
	}
	return &layer{&clusters{q.size, q.cluster(), q.read}, q.size, "qcow2"}, nil
}

func (q *qcow2) cluster() int64 { return 1 << q.clusterBits }

func (q *qcow2) header(b []byte, version uint32) error {
	be := binary.BigEndian
	if version != 2 && version != 3 {
		return refuse("qcow of version %d, which is not read", version)
	}
	if be.Uint32(b[32:]) != 0 {
		return refuse("the image is encrypted")
	}
	bits := be.Uint32(b[20:])
	if bits < 9 || bits > 21 {
		return refuse("damaged: clusters of 2^%d bytes", bits)
	}
	q.clusterBits, q.size = uint(bits), int64(be.Uint64(b[24:]))
	if q.size < 0 || q.size > maxDisk {
		return refuse("damaged: a disk of %d bytes", q.size)
	}
	if version == 2 {
		return nil
	}
	q.features = be.Uint64(b[72:])
	switch {
	case q.features&qcowCorrupt != 0:
		return refuse("the image is marked as damaged: mend it with qemu-img check -r")
	case q.features&qcowExternal != 0:
		return refuse("its data lies in another file, which is not read")
	case q.features&^(qcowDirty|qcowCompression|qcowExtended) != 0:
		return refuse("it has features that are not known: %#x", q.features)
	case q.features&qcowCompression == 0:
	case b[104] > 1:
		return refuse("compressed in a way that is not known: %d", b[104])
	default:
		q.zstd = b[104] == 1
	}
	return nil
}

// entrySize is that of the second tables' entries: with bitmaps of parts of
// clusters they are twice as long.
func (q *qcow2) entrySize() int64 {
	if q.features&qcowExtended != 0 {
		return 16
	}
	return 8
}

func (q *qcow2) readL1(o *opener, b []byte) (err error) {
	count, at := int64(binary.BigEndian.Uint32(b[36:])), int64(binary.BigEndian.Uint64(b[40:]))
	covers := q.cluster() / q.entrySize() * q.cluster()
	if need := (q.size + covers - 1) / covers; count < need {
		return refuse("damaged: its table has %d entries and needs %d", count, need)
	}
	if count*8 > maxTable || at < 0 || at > q.fileSize-count*8 {
		return refuse("cut off: its table of %d entries at %d", count, at)
	}
	q.l1, err = o.table(q.file, count*8, at)
	return err
}

// backingName reads the name of what the image stands on, and its format from
// the extensions of the header.
func (q *qcow2) backingName(at, length int64, header []byte) (name, format string, err error) {
	if length < 1 || length > 1023 || at < 0 || at > q.cluster()-length {
		return "", "", refuse("damaged: the name of the image it stands on")
	}
	text := make([]byte, length)
	if err := full(q.file, text, at); err != nil {
		return "", "", err
	}
	next := int64(72)
	if binary.BigEndian.Uint32(header[4:]) == 3 {
		next = int64(binary.BigEndian.Uint32(header[100:]))
	}
	const formatExtension = 0xe2792aca
	for b := make([]byte, 8); next+8 <= at; {
		if err := full(q.file, b, next); err != nil {
			return "", "", err
		}
		kind, size := binary.BigEndian.Uint32(b), int64(binary.BigEndian.Uint32(b[4:]))
		if kind == 0 || size > at-next {
			break
		}
		if kind == formatExtension && size < 32 {
			value := make([]byte, size)
			if err := full(q.file, value, next+8); err != nil {
				return "", "", err
			}
			format = string(value)
		}
		next += 8 + (size+7)&^7
	}
	return string(text), format, nil
}

func (o *opener) backing(name, format string) (*layer, error) {
	f, err := o.sibling(name)
	if err != nil {
		return nil, err
	}
	return o.file(f, format)
}

// Bits of the entries of both tables.
const (
	qcowOffset     = 0x00fffffffffffe00
	qcowCompressed = 1 << 62
	qcowZero       = 1
)

// read reads a part of a cluster.
func (q *qcow2) read(p []byte, number, offset int64) error {
	entry, bitmap, err := q.entry(number)
	switch {
	case err != nil:
		return err
	case entry&qcowCompressed != 0:
		data, err := q.unpacked.get(number, func() ([]byte, error) { return q.unpack(entry) })
		if err != nil {
			return fmt.Errorf("cluster %d: %w", number, err)
		}
		copy(p, data[offset:])
		return nil
	case q.features&qcowExtended != 0:
		return q.parts(p, number, offset, entry, bitmap)
	case entry&qcowZero != 0:
		clear(p)
		return nil
	case entry&qcowOffset == 0:
		return below(q.backing, p, number*q.cluster()+offset)
	}
	return full(q.file, p, int64(entry&qcowOffset)+offset)
}

// entry finds what the tables say of a cluster.
func (q *qcow2) entry(number int64) (entry, bitmap uint64, err error) {
	perTable := q.cluster() / q.entrySize()
	at := int64(binary.BigEndian.Uint64(q.l1[number/perTable*8:]) & qcowOffset)
	if at == 0 {
		return 0, 0, nil
	}
	table, err := q.tables.get(at, func() ([]byte, error) {
		b := make([]byte, q.cluster())
		return b, full(q.file, b, at)
	})
	if err != nil {
		return 0, 0, err
	}
	e := table[number%perTable*q.entrySize():]
	if q.entrySize() == 16 {
		bitmap = binary.BigEndian.Uint64(e[8:])
	}
	return binary.BigEndian.Uint64(e), bitmap, nil
}

// parts reads a cluster of which each of 32 parts is there, zero, or below.
func (q *qcow2) parts(p []byte, number, offset int64, entry, bitmap uint64) error {
	size := q.cluster() / 32
	for len(p) > 0 {
		part := offset / size
		piece := p[:min(int64(len(p)), (part+1)*size-offset)]
		var err error
		switch {
		case bitmap>>(32+part)&1 != 0:
			clear(piece)
		case bitmap>>part&1 != 0:
			err = full(q.file, piece, int64(entry&qcowOffset)+offset)
		default:
			err = below(q.backing, piece, number*q.cluster()+offset)
		}
		if err != nil {
			return err
		}
		p, offset = p[len(piece):], offset+int64(len(piece))
	}
	return nil
}

// unpack reads a compressed cluster: its place, and how many sectors it
// reaches into.
func (q *qcow2) unpack(entry uint64) ([]byte, error) {
	shift := 62 - (q.clusterBits - 8)
	at := int64(entry & (1<<shift - 1))
	sectors := int64(entry & (1<<62 - 1) >> shift)
	length := min((sectors+1)*512-at&511, q.fileSize-at)
	if length <= 0 {
		return nil, refuse("cut off: a compressed cluster lies behind the end")
	}
	packed := make([]byte, length)
	if err := full(q.file, packed, at); err != nil {
		return nil, err
	}
	data := make([]byte, q.cluster())
	var in io.Reader = flate.NewReader(bytes.NewReader(packed))
	if q.zstd {
		z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(16<<20))
		if err != nil {
			return nil, refuse("zstd: %v", err)
		}
		defer z.Close()
		in = z
	}
	n, err := io.ReadFull(in, data)
	if n < len(data) {
		return nil, refuse("damaged: a compressed cluster: %v", errors.Join(err))
	}
	return data, nil
}
