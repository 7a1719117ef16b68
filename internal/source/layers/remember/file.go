package remember

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"os"

	"github.com/klauspost/compress/zstd"

	"muster/internal/source/layers"
)

// The trailer: where the entries begin, how long they are packed and unpacked,
// a checksum of all before it, and a mark.
const (
	trailerSize = 8 + 8 + 8 + 4 + 8
	mark        = "mustlay1"
	maxEntries  = 512 << 20
)

var errDamaged = errors.New("damaged")

// writer packs entries.
type writer struct{ b []byte }

func (w *writer) add(e layers.Entry) {
	w.b = append(w.b, byte(e.Kind))
	w.b = binary.AppendUvarint(w.b, uint64(e.Mode))
	w.b = binary.AppendUvarint(w.b, uint64(e.Size))
	place := uint64(0)
	if e.Content != nil {
		_, at, _ := e.Content.Outer()
		place = uint64(at) + 1
	}
	w.b = binary.AppendUvarint(w.b, place)
	w.text(e.Name)
	w.text(e.Target)
}

func (w *writer) text(s string) {
	w.b = binary.AppendUvarint(w.b, uint64(len(s)))
	w.b = append(w.b, s...)
}

// finish writes entries and trailer behind the contents.
func (d *Draft) finish() error {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	packed := z.EncodeAll(d.entries.b, nil)
	start := d.Size()
	if _, err := d.Add(bytes.NewReader(packed), int64(len(packed))); err != nil {
		return err
	}
	if err := d.Flush(); err != nil {
		return err
	}
	sum, err := checksum(io.NewSectionReader(d, 0, d.Size()))
	if err != nil {
		return err
	}
	var t []byte
	for _, v := range []uint64{uint64(start), uint64(len(packed)), uint64(len(d.entries.b))} {
		t = binary.LittleEndian.AppendUint64(t, v)
	}
	t = append(binary.LittleEndian.AppendUint32(t, sum), mark...)
	if _, err := d.Add(bytes.NewReader(t), trailerSize); err != nil {
		return err
	}
	return d.Flush()
}

func checksum(r io.Reader) (uint32, error) {
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	_, err := io.CopyBuffer(h, r, make([]byte, 256<<10))
	return h.Sum32(), err
}

// Layer is a remembered layer.
type Layer struct {
	file    *os.File
	entries []byte
	// contents is how long the contents are.
	contents int64
}

// Close closes the layer's file; its contents cannot be read any longer.
func (l *Layer) Close() error { return l.file.Close() }

// read checks a file as a whole.
func read(f *os.File) (*Layer, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size() - trailerSize
	t := make([]byte, trailerSize)
	if size < 0 {
		return nil, errDamaged
	}
	if _, err := f.ReadAt(t, size); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	start, length, unpacked := int64(le.Uint64(t)), int64(le.Uint64(t[8:])), int64(le.Uint64(t[16:]))
	if string(t[28:]) != mark || start < 0 || length < 0 || start != size-length || unpacked < 0 || unpacked > maxEntries {
		return nil, errDamaged
	}
	if sum, err := checksum(io.NewSectionReader(f, 0, size)); err != nil || sum != le.Uint32(t[24:]) {
		return nil, errors.Join(errDamaged, err)
	}
	packed := make([]byte, length)
	if _, err := f.ReadAt(packed, start); err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxEntries))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	entries, err := z.DecodeAll(packed, make([]byte, 0, unpacked))
	if err != nil || int64(len(entries)) != unpacked {
		return nil, errors.Join(errDamaged, err)
	}
	return &Layer{f, entries, start}, nil
}

// Entries are the layer's entries, in order.
func (l *Layer) Entries() iter.Seq[layers.Entry] {
	return func(yield func(layers.Entry) bool) {
		for r := (reader{l.entries, false}); len(r.b) > 0; {
			e := l.entry(&r)
			if r.failed || !yield(e) {
				return
			}
		}
	}
}

func (l *Layer) entry(r *reader) layers.Entry {
	e := layers.Entry{Kind: layers.Kind(r.b[0])}
	r.b = r.b[1:]
	e.Mode, e.Size = fs.FileMode(r.number())&fs.ModePerm, int64(r.number())
	place := int64(r.number())
	e.Name, e.Target = r.text(), r.text()
	if place > 0 && place-1 <= l.contents-e.Size {
		e.Content = io.NewSectionReader(l.file, place-1, e.Size)
	}
	return e
}

// reader reads what writer wrote.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) text() string {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.failed, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}
