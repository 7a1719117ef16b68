package git

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// maxChain is how many differences an object may be behind the one that they
// begin with; Git itself makes 50, and 4095 when asked.
const maxChain = 4095

// check reads a pack from one end to the other and adds up what its objects
// say that they unpack to, before any is put together.
func check(ctx context.Context, pack io.ReadSeeker, limits Limits) error {
	s := packfile.NewScanner(pack)
	_, count, err := s.Header()
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if count > limits.Objects {
		return fmt.Errorf("%w: %d objects, at most %d", ErrLimit, count, limits.Objects)
	}
	c := checker{scanner: s, limits: limits, chain: map[int64]int{}}
	for n := range count {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := c.object(); err != nil {
			return fmt.Errorf("object %d of the pack: %w", n, err)
		}
	}
	return nil
}

type checker struct {
	scanner *packfile.Scanner
	limits  Limits
	total   int64
	// chain is how many differences the object at an offset is behind.
	chain map[int64]int
}

func (c *checker) object() error {
	h, err := c.scanner.NextObjectHeader()
	if err != nil {
		return err
	}
	if err := c.size(h.Length, h.Type != plumbing.BlobObject); err != nil {
		return err
	}
	if !h.Type.IsDelta() {
		return nil // the next header passes over the content
	}
	if h.Type == plumbing.OFSDeltaObject {
		n := c.chain[h.OffsetReference] + 1
		if n > maxChain {
			return fmt.Errorf("%w: more than %d differences behind each other", ErrLimit, maxChain)
		}
		c.chain[h.Offset] = n
	}
	return c.difference()
}

// difference looks at what an object becomes that is told as a difference: it
// begins with the sizes of both.
func (c *checker) difference() (err error) {
	r, err := c.scanner.ReadObject()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	start := make([]byte, 2*binary.MaxVarintLen64)
	n, err := io.ReadFull(r, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	before, used := binary.Uvarint(start[:n])
	if used <= 0 {
		return errors.New("a difference without sizes")
	}
	after, also := binary.Uvarint(start[used:n])
	if also <= 0 {
		return errors.New("a difference without sizes")
	}
	for _, size := range []uint64{before, after} {
		if size > uint64(c.limits.Object) {
			return fmt.Errorf("%w: an object of %d bytes, at most %d", ErrLimit, size, c.limits.Object)
		}
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, c.size(int64(after), true))
}

// size counts an object; all but files are held in memory.
func (c *checker) size(n int64, held bool) error {
	if n < 0 || held && n > c.limits.Object {
		return fmt.Errorf("%w: an object of %d bytes, at most %d", ErrLimit, n, c.limits.Object)
	}
	if c.total += n; c.total > c.limits.Unpacked {
		return fmt.Errorf("%w: objects unpack to more than %d bytes", ErrLimit, c.limits.Unpacked)
	}
	return nil
}
