// Package remember keeps what was of interest in the layers of images, by
// digest, so that a layer seen before is not fetched, unpacked or read again.
//
// A remembered layer is one file that is never changed: contents, then the
// entries, then a trailer with a checksum of everything. It is written beside
// its place and renamed, so several processes may use one cache. Whatever is
// damaged counts as not remembered. The least recently used go when the cache
// exceeds its bound.
package remember

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"muster/internal/source/layers"
	"muster/internal/source/layers/spool"
)

// form counts changes of the file's form.
const form = 1

// DefaultMax is how many bytes a cache has where nobody says.
const DefaultMax = 4 << 30

// Cache is a folder of remembered layers.
type Cache struct {
	// Dir is made when the first layer comes.
	Dir string
	// Max bounds the cache in bytes, 0 means DefaultMax.
	Max int64
	// Now tells the time, by which the least recently used is told.
	Now func() time.Time
}

const (
	suffix      = ".layer"
	draftPrefix = "making-"
	// draftAge is when a draft belongs to nobody anymore.
	draftAge = 24 * time.Hour
)

func (c *Cache) max() int64 { return cmp.Or(c.Max, DefaultMax) }

// Key names a layer: its digest, unpacked, and what of it is of interest.
func Key(digest string, revision int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "form %d\nrevision %d\n%s\n", form, revision, digest))
	return hex.EncodeToString(sum[:])
}

func (c *Cache) path(key string) string { return filepath.Join(c.Dir, key+suffix) }

// Open returns a remembered layer; fs.ErrNotExist is wrapped where there is
// none that can be used.
func (c *Cache) Open(key string) (*Layer, error) {
	name := c.path(key)
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	l, err := read(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", fs.ErrNotExist, err), f.Close(), os.Remove(name))
	}
	now := c.Now()
	_ = os.Chtimes(name, now, now) // it is used: others go before it
	return l, nil
}

// Draft begins to remember a layer.
func (c *Cache) Draft() (*Draft, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(c.Dir, draftPrefix)
	if err != nil {
		return nil, err
	}
	return &Draft{Spool: spool.In(f), cache: c}, nil
}

// Draft is a layer that is being read. Its contents can be read until Close.
type Draft struct {
	*spool.Spool
	cache   *Cache
	entries writer
	kept    bool
}

// Note takes an entry, whose content the draft has.
func (d *Draft) Note(e layers.Entry) { d.entries.add(e) }

// Commit remembers the layer. A layer that would fill a quarter of the cache
// is not: it would displace too much.
func (d *Draft) Commit(key string) error {
	if d.Size() > d.cache.max()/4 {
		return nil
	}
	if err := d.finish(); err != nil {
		return err
	}
	now := d.cache.Now()
	_ = os.Chtimes(d.Name(), now, now) // tells use only
	if err := os.Rename(d.Name(), d.cache.path(key)); err != nil {
		return err
	}
	d.kept = true
	d.cache.prune()
	return nil
}

// Close closes the draft, and removes it unless it was committed.
func (d *Draft) Close() error {
	err := d.Spool.Close()
	if d.kept {
		return err
	}
	return errors.Join(err, os.Remove(d.Name()))
}

// prune removes the least recently used layers until the bound is kept, and
// drafts that nobody finished. It is housekeeping; whatever fails is tried
// again the next time.
func (c *Cache) prune() {
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return
	}
	var kept []fs.FileInfo
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil:
		case strings.HasPrefix(e.Name(), draftPrefix) && c.Now().Sub(info.ModTime()) > draftAge:
			_ = os.Remove(filepath.Join(c.Dir, e.Name()))
		case strings.HasSuffix(e.Name(), suffix):
			kept = append(kept, info)
			total += info.Size()
		}
	}
	slices.SortFunc(kept, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range kept {
		if total <= c.max() {
			return
		}
		if os.Remove(filepath.Join(c.Dir, info.Name())) == nil {
			total -= info.Size()
		}
	}
}
