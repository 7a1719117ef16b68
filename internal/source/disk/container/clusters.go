package container

import (
	"errors"
	"io"
	"sync"
)

// clusters is a disk made of pieces of one size, each found by its number.
type clusters struct {
	size int64
	// piece is the size of a piece.
	piece int64
	// read reads a part of one piece.
	read func(p []byte, number, offset int64) error
}

// ReadAt reads from the disk, piece by piece.
func (c *clusters) ReadAt(p []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, errors.New("negative offset")
	}
	if at >= c.size {
		return 0, io.EOF
	}
	if int64(len(p)) > c.size-at {
		p, err = p[:c.size-at], io.EOF
	}
	for n < len(p) {
		number, offset := (at+int64(n))/c.piece, (at+int64(n))%c.piece
		part := p[n:min(int64(len(p)), int64(n)+c.piece-offset)]
		if failed := c.read(part, number, offset); failed != nil {
			return n, failed
		}
		n += len(part)
	}
	return n, err
}

// full reads exactly len(p) bytes; a file that ends before is cut off.
func full(r io.ReaderAt, p []byte, at int64) error {
	n, err := r.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return refuse("cut off: it ends before %d", at+int64(len(p)))
	}
	return err
}

// below reads from what an image stands on; behind its end all is zero.
func below(l *layer, p []byte, at int64) error {
	if l == nil || at >= l.size {
		clear(p)
		return nil
	}
	n := min(int64(len(p)), l.size-at)
	clear(p[n:])
	_, err := l.ReadAt(p[:n], at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

// recent keeps the pieces of an image, and of those it stands on, that were
// read last: what tables lie in, and what was unpacked.
type recent struct {
	mu     sync.Mutex
	pieces map[pieceKey][]byte
	order  []pieceKey
	size   int64
	owners int
}

// maxRecent bounds what is kept, in bytes; the latest piece always is.
const maxRecent = 16 << 20

type pieceKey struct {
	owner  int
	number int64
}

// kept is the part of recent that one table or image uses.
type kept struct {
	*recent
	owner int
}

func (r *recent) part() kept {
	r.owners++
	return kept{r, r.owners}
}

// get returns a piece, made once. Of two that ask at the same time each may
// make it.
func (k kept) get(number int64, unpack func() ([]byte, error)) ([]byte, error) {
	key := pieceKey{k.owner, number}
	k.mu.Lock()
	data, ok := k.pieces[key]
	k.mu.Unlock()
	if ok {
		return data, nil
	}
	data, err := unpack()
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.pieces[key]; ok {
		return data, nil
	}
	for k.size += int64(len(data)); k.size > maxRecent && len(k.order) > 0; k.order = k.order[1:] {
		k.size -= int64(len(k.pieces[k.order[0]]))
		delete(k.pieces, k.order[0])
	}
	k.pieces[key] = data
	k.order = append(k.order, key)
	return data, nil
}
