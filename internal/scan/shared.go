package scan

import (
	"context"
	"sync"

	"muster/internal/finding"
	"muster/internal/store"
)

// contents are those that scans of one generation have worked out. They are
// shared by transactions in which nothing was left to match again: an
// inventory does not change, and neither do its components' matches until the
// next generation comes into service. The nil value holds nothing.
type contents struct {
	generation int64

	mu   sync.Mutex // guards all below
	list map[sight]*content
	size int
	// known are the inventories in the list.
	known map[int64]bool
	// compared are handed from one transaction to the next.
	compared finding.Compared
}

const (
	// contentsBytes bounds roughly what shared contents take.
	contentsBytes = 48 << 20
	// mostCompared bounds the pairs of contents whose comparison is remembered.
	mostCompared = 20_000
)

// settled returns what is shared in a generation, nil while components are left
// that may have to be matched again.
func (s *Service) settled(ctx context.Context, tx *store.Tx, generation int64) (*contents, error) {
	applied, err := appliedGeneration(ctx, tx)
	if err != nil || applied != generation {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.contents == nil || s.contents.generation != generation {
		s.contents = &contents{generation: generation, list: map[sight]*content{}, known: map[int64]bool{}}
	}
	return s.contents, nil
}

func (c *contents) has(inventory int64) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[inventory]
}

func (c *contents) get(at sight) *content {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.list[at]
}

// compare hands out the comparisons of before to one transaction at a time.
func (c *contents) compare() finding.Compared {
	if c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if known := c.compared; known != nil {
			c.compared = nil
			return known
		}
	}
	return finding.Compared{}
}

// keep adds what a transaction has worked out, once it is committed.
func (c *contents) keep(fresh map[sight]*content, compared finding.Compared) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(compared) <= mostCompared {
		c.compared = compared
	}
	for at, content := range fresh {
		if c.list[at] == nil {
			c.list[at], c.known[at.inventory] = content, true
			c.size += content.bytes()
		}
	}
	for at, content := range c.list {
		if c.size <= contentsBytes {
			break
		}
		delete(c.list, at)
		delete(c.known, at.inventory)
		c.size -= content.bytes()
	}
}

// bytes is roughly what the content takes.
func (c *content) bytes() int { return 1024 + 8*len(c.shown) + 3072*len(c.wanted) }
