package image

import (
	"io"
	"sync/atomic"
)

// Bounds of what an image unpacks to, in bytes: all layers together, and how
// much that may be for what it is packed. Images of files that are mostly
// zeros pack well, but not so well.
const (
	maxUnpacked  = 256 << 30
	freeUnpacked = 4 << 30
	maxRatio     = 200
)

// budget counts what was read of an image and what that unpacked to. The zero
// value is a whole budget.
type budget struct{ in, out atomic.Int64 }

// left is an error when more was unpacked than an image may.
func (b *budget) left() error {
	switch in, out := b.in.Load(), b.out.Load(); {
	case out > maxUnpacked:
		return refuse("it unpacks to more than %d bytes", int64(maxUnpacked))
	case out > freeUnpacked && out/maxRatio > in:
		return refuse("it unpacks to more than %d bytes, and %d times its size", int64(freeUnpacked), maxRatio)
	}
	return nil
}

// packed counts what is read of r.
func (b *budget) packed(r io.Reader) io.Reader { return packedReader{r, b} }

type packedReader struct {
	io.Reader
	budget *budget
}

func (p packedReader) Read(into []byte) (int, error) {
	n, err := p.Reader.Read(into)
	p.budget.in.Add(int64(n))
	return n, err
}

// limit counts what r unpacks, and fails at the bound.
func (b *budget) limit(r io.Reader) io.Reader { return limitedReader{r, b} }

type limitedReader struct {
	io.Reader
	budget *budget
}

func (l limitedReader) Read(into []byte) (int, error) {
	n, err := l.Reader.Read(into)
	l.budget.out.Add(int64(n))
	if over := l.budget.left(); over != nil {
		return 0, over
	}
	return n, err
}
