package advisorydb

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Documents (an advisory's JSON, a CVE's details) are packed into chunks of
// about chunkBytes and compressed; a document never spans two. Larger chunks
// pack a little better and make every read of one document cost more.
const (
	chunkBytes    = 16 << 10
	maxChunkBytes = 20 << 20
	dirRow        = 24 // offset in section (u64), packed (u32), raw (u32), CRC-32C of packed (u32), unused
)

// place is where a document lies.
type place struct{ chunk, offset, length uint32 }

// packer writes chunks.
type packer struct {
	w       *writer
	encoder *zstd.Encoder
	raw     []byte
	packed  []byte
	dir     []byte
	offset  uint64
}

func newPacker(w *writer) (*packer, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(chunkBytes), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return &packer{w: w, encoder: e}, nil
}

func (p *packer) add(doc []byte) (place, error) {
	if len(doc) > maxChunkBytes {
		return place{}, fmt.Errorf("document of %d bytes", len(doc))
	}
	if len(p.raw) > 0 && len(p.raw)+len(doc) > chunkBytes {
		p.flush()
	}
	at := place{uint32(len(p.dir) / dirRow), uint32(len(p.raw)), uint32(len(doc))}
	p.raw = append(p.raw, doc...)
	return at, nil
}

func (p *packer) flush() {
	if len(p.raw) == 0 {
		return
	}
	p.packed = p.encoder.EncodeAll(p.raw, p.packed[:0])
	row := make([]byte, dirRow)
	binary.LittleEndian.PutUint64(row, p.offset)
	binary.LittleEndian.PutUint32(row[8:], uint32(len(p.packed)))
	binary.LittleEndian.PutUint32(row[12:], uint32(len(p.raw)))
	binary.LittleEndian.PutUint32(row[16:], checksum(p.packed))
	p.dir = append(p.dir, row...)
	p.offset += uint64(len(p.packed))
	p.w.write(sectionChunks, p.packed)
	p.raw = p.raw[:0]
}

// finish ends the section of chunks and writes their directory.
func (p *packer) finish() error {
	p.flush()
	p.w.write(sectionDir, p.dir)
	return p.encoder.Close()
}

// unpacker reads documents back. It keeps the last chunk, because neighbours
// are often read together.
type unpacker struct {
	dir, chunks []byte

	// mu guards what follows.
	mu      sync.Mutex
	decoder *zstd.Decoder
	held    int64 // chunk in raw, -1 for none
	raw     []byte
}

func newUnpacker(dir, chunks []byte) *unpacker { return &unpacker{dir: dir, chunks: chunks, held: -1} }

// read returns a copy of a document.
func (u *unpacker) read(p place) ([]byte, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.load(p.chunk); err != nil {
		return nil, err
	}
	end := uint64(p.offset) + uint64(p.length)
	if end > uint64(len(u.raw)) {
		return nil, corrupt("document outside its chunk")
	}
	return append([]byte(nil), u.raw[p.offset:end]...), nil
}

// load makes chunk n the held one. The caller holds mu.
func (u *unpacker) load(n uint32) error {
	if u.held == int64(n) {
		return nil
	}
	u.held = -1
	if uint64(n+1)*dirRow > uint64(len(u.dir)) {
		return corrupt("no chunk %d", n)
	}
	row := u.dir[uint64(n)*dirRow:]
	offset, packed := binary.LittleEndian.Uint64(row), uint64(binary.LittleEndian.Uint32(row[8:]))
	raw := binary.LittleEndian.Uint32(row[12:])
	if offset > uint64(len(u.chunks)) || packed > uint64(len(u.chunks))-offset || raw > maxChunkBytes {
		return corrupt("chunk %d outside its section", n)
	}
	body := u.chunks[offset : offset+packed]
	if checksum(body) != binary.LittleEndian.Uint32(row[16:]) {
		return corrupt("chunk %d checksum", n)
	}
	return u.decode(n, body, raw)
}

func (u *unpacker) decode(n uint32, body []byte, size uint32) error {
	if u.decoder == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(maxChunkBytes+chunkBytes))
		if err != nil {
			return fmt.Errorf("zstd: %w", err)
		}
		u.decoder = d
	}
	raw, err := u.decoder.DecodeAll(body, u.raw[:0])
	if err != nil || len(raw) != int(size) {
		return corrupt("chunk %d does not unpack: %v", n, err)
	}
	u.raw, u.held = raw, int64(n)
	return nil
}
