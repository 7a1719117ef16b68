// Package recall remembers for a moment what was read of an account, and
// forgets it at once when this process changes the account.
package recall

import (
	"sync"
	"time"

	"muster/internal/arn"
)

const (
	// Age is how long another process's change may go unnoticed here.
	Age = time.Second
	// maxSize bounds the entries; when it is reached everything is dropped,
	// which costs one query per key and second in use.
	maxSize = 50_000
)

// Cache remembers values by account and key. It is safe for concurrent use.
type Cache struct {
	now func() time.Time

	mu       sync.Mutex // guards all below
	accounts map[arn.AccountID]*memory
	size     int
	// serial numbers generations. It only rises, so a value read before a
	// change can never be stored after it.
	serial uint64
}

// memory is what is remembered of one account.
type memory struct {
	generation uint64
	entries    map[string]entry
}

type entry struct {
	value any
	until time.Time
}

// New returns an empty cache with a clock.
func New(now func() time.Time) *Cache {
	return &Cache{now: now, accounts: map[arn.AccountID]*memory{}}
}

// Get returns the remembered value of a key, or fetches it. Errors are not
// remembered. A key always has values of the same type.
func Get[T any](c *Cache, account arn.AccountID, key string, fetch func() (T, error)) (T, error) {
	value, generation, ok := c.get(account, key)
	if ok {
		return value.(T), nil
	}
	fresh, err := fetch()
	if err == nil {
		c.put(account, key, generation, fresh)
	}
	return fresh, err
}

func (c *Cache) get(account arn.AccountID, key string) (value any, generation uint64, ok bool) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.accounts[account]
	if m == nil {
		m = c.begin(account)
	}
	e, ok := m.entries[key]
	return e.value, m.generation, ok && now.Before(e.until)
}

func (c *Cache) put(account arn.AccountID, key string, generation uint64, value any) {
	until := c.now().Add(Age)
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.accounts[account]
	if m == nil || m.generation != generation {
		return // changed while it was being read
	}
	if c.size >= maxSize {
		clear(c.accounts)
		c.size = 0
		return
	}
	if _, ok := m.entries[key]; !ok {
		c.size++
	}
	m.entries[key] = entry{value, until}
}

// Forget drops what is remembered of an account.
func (c *Cache) Forget(account arn.AccountID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.accounts[account]; m != nil {
		c.size -= len(m.entries)
		c.begin(account)
	}
}

// begin starts a new generation. The caller holds mu.
func (c *Cache) begin(account arn.AccountID) *memory {
	c.serial++
	m := &memory{generation: c.serial, entries: map[string]entry{}}
	c.accounts[account] = m
	return m
}
