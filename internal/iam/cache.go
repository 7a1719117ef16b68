package iam

import (
	"sync"
	"time"

	"muster/internal/arn"
)

const (
	// cacheAge is how long another process's change may go unnoticed here.
	cacheAge = time.Second
	// cacheSize bounds the entries; when it is reached everything is dropped,
	// which costs one query per key and second in use.
	cacheSize = 50_000
)

// cache remembers for a moment what was read of an account's identities.
// Changes made by this process empty it at once (forget).
type cache struct {
	now func() time.Time

	mu       sync.Mutex // guards all below
	accounts map[arn.AccountID]*cachedAccount
	size     int
	// serial numbers generations. It only rises, so a value read before a
	// change can never be stored after it.
	serial uint64
}

type cachedAccount struct {
	generation uint64
	entries    map[string]cacheEntry
}

type cacheEntry struct {
	value any
	until time.Time
}

func newCache(now func() time.Time) *cache {
	return &cache{now: now, accounts: map[arn.AccountID]*cachedAccount{}}
}

// cached returns the remembered value of a key, or fetches it. Errors are not
// remembered.
func cached[T any](c *cache, account arn.AccountID, key string, fetch func() (T, error)) (T, error) {
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

func (c *cache) get(account arn.AccountID, key string) (value any, generation uint64, ok bool) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.accounts[account]
	if a == nil {
		a = c.begin(account)
	}
	e, ok := a.entries[key]
	return e.value, a.generation, ok && now.Before(e.until)
}

func (c *cache) put(account arn.AccountID, key string, generation uint64, value any) {
	until := c.now().Add(cacheAge)
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.accounts[account]
	if a == nil || a.generation != generation {
		return // changed while it was being read
	}
	if c.size >= cacheSize {
		clear(c.accounts)
		c.size = 0
		return
	}
	if _, ok := a.entries[key]; !ok {
		c.size++
	}
	a.entries[key] = cacheEntry{value, until}
}

// forget drops what is remembered of an account.
func (c *cache) forget(account arn.AccountID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.accounts[account]; a != nil {
		c.size -= len(a.entries)
		c.begin(account)
	}
}

// begin starts a new generation. The caller holds mu.
func (c *cache) begin(account arn.AccountID) *cachedAccount {
	c.serial++
	a := &cachedAccount{generation: c.serial, entries: map[string]cacheEntry{}}
	c.accounts[account] = a
	return a
}
