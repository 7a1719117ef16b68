// Package knowledge brings a scan without a server the advisories it needs,
// from a folder, a mirror or the publishers. What it has compiled once it
// keeps in a cache folder, by the content it was made of; from then on opening
// costs milliseconds.
//
// In the folder: objects/<hash>.db are files of package advisorydb, named
// after the SHA-256 of their source; places/<hash>.json remember which object
// each file of a location was the last time somebody looked. Objects never
// change and everything is put in place by renaming, so that any number of
// processes may share a cache and any may die.
package knowledge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
	"muster/internal/feed"
	"muster/internal/feed/bundle"
	"muster/internal/feed/fetch"
	"muster/internal/refresh/compile"
	"muster/internal/version"
)

// Config says where advisories come from and where they are kept.
type Config struct {
	// Location is a folder, a bundle, a web address or feed.Publishers (also "").
	Location string
	// Dir is the cache folder; it is made.
	Dir string
	// MaxAge is how long what a web server gave is taken for current. Folders
	// are looked at every time.
	MaxAge time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Client does the requests; nil means one of feed's own.
	Client *http.Client
	// Progress, if set, is told what takes long, one call at a time.
	Progress func(text string)
	// Trust says which bundles are believed.
	Trust bundle.Trust
	// Publishers says how they are asked where they are the location; the zero
	// value is good. Its folder is, unless set, "feeds" in Dir; of its sources
	// and ecosystems those are fetched that a scan needs.
	Publishers fetch.Config
}

// Problem is a source that could not be had, or only an old copy of it.
type Problem struct {
	// Ecosystem is the one whose advisories are concerned, "" for the
	// intelligence beside them.
	Ecosystem string
	Source    string
	// Stale: an earlier import is used in its place.
	Stale bool
	Err   error
}

// Open returns the advisories about the ecosystems (with or without suffix)
// and the intelligence about vulnerabilities. What the location does not offer
// the set lacks; what could not be had is a Problem. The error is about the
// whole. The caller closes the set.
func Open(ctx context.Context, config Config, ecosystems []string) (*advisorydb.Set, []Problem, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	faults, err := config.fromPublishers(ctx, ecosystems)
	if err != nil {
		return nil, nil, err
	}
	c := &cache{Config: config, faults: faults, problems: slices.Clone(faults)}
	if err := c.prepare(); err != nil {
		return nil, nil, err
	}
	defer func() {
		_ = c.mirror.Close()     // it was only read
		_ = os.RemoveAll(c.temp) // prune removes what stays
	}()
	set, err := c.open(ctx, ecosystems)
	if errors.Is(err, advisorydb.ErrCorrupt) || errors.Is(err, advisorydb.ErrFormat) || errors.Is(err, os.ErrNotExist) {
		c.forget() // a damaged cache is made anew, once
		set, err = c.open(ctx, ecosystems)
	}
	return set, c.problems, err
}

// cache is one look at one location.
type cache struct {
	Config
	mirror *feed.Mirror
	temp   string
	// faults are what the publishers' files could not be had for.
	faults []Problem

	// mu guards what follows.
	mu       sync.Mutex
	place    place
	changed  bool
	problems []Problem
}

func (c *cache) prepare() (err error) {
	c.Location = canonical(c.Location)
	for _, folder := range []string{objectsFolder, placesFolder} {
		if err := os.MkdirAll(filepath.Join(c.Dir, folder), 0o755); err != nil {
			return fmt.Errorf("advisory cache: %w", err)
		}
	}
	if c.place, err = readPlace(c.placeFile(), c.Location); err != nil {
		return fmt.Errorf("advisory cache: %w", err)
	}
	if c.temp, err = os.MkdirTemp(c.Dir, "making-"); err != nil {
		return fmt.Errorf("advisory cache: %w", err)
	}
	c.mirror, err = feed.Open(c.Location, feed.Options{Client: c.Client, Temp: c.temp, Trust: c.Trust})
	if err != nil {
		return errors.Join(err, os.RemoveAll(c.temp))
	}
	return nil
}

// canonical makes the paths of folders absolute, because a cache is used from
// anywhere.
func canonical(location string) string {
	if location == "" || location == feed.Publishers {
		return feed.Publishers
	}
	if _, err := os.Stat(location); err == nil {
		if absolute, err := filepath.Abs(location); err == nil {
			return absolute
		}
	}
	return location
}

// forget drops what is remembered of the location and its objects.
func (c *cache) forget() {
	for _, e := range c.place.Entries {
		_ = os.Remove(c.object(e.Info.File)) // what cannot be removed cannot be replaced: the next error says so
	}
	c.place, c.changed, c.problems = newPlace(c.Location), true, slices.Clone(c.faults)
}

func (c *cache) open(ctx context.Context, ecosystems []string) (*advisorydb.Set, error) {
	names, sources := wanted(ecosystems)
	if err := c.look(ctx, names, sources); err != nil {
		return nil, err
	}
	if c.changed {
		if err := c.place.write(c.placeFile(), c.temp); err != nil {
			return nil, err
		}
		c.prune()
	}
	var files []advisorydb.Info
	for _, name := range names {
		if e, ok := c.place.Entries[name]; ok && !e.Absent {
			files = append(files, e.Info)
		}
	}
	return advisorydb.OpenFiles(filepath.Join(c.Dir, objectsFolder), files)
}

// wanted lists the sources by name, the slowest first.
func wanted(ecosystems []string) (names []string, sources map[string]compile.Source) {
	sources = compile.Intelligence()
	for name := range sources {
		names = append(names, name)
	}
	slices.Sort(names)
	var bases []string
	for _, e := range ecosystems {
		base := advisory.BaseEcosystem(e)
		if _, ok := version.SchemeOf(base); ok {
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	for name, s := range compile.Published() {
		if s.Ecosystem == "" || slices.Contains(bases, s.Ecosystem) {
			names, sources[name] = append(names, name), s
		}
	}
	slices.Sort(names)
	for _, base := range slices.Compact(bases) {
		name := "osv/" + base
		names, sources[name] = append(names, name), compile.Source{Kind: advisorydb.Advisories, Ecosystem: base}
	}
	return names, sources
}

// look brings every source up to date, two at a time.
func (c *cache) look(ctx context.Context, names []string, sources map[string]compile.Source) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, name := range names {
		if c.settled(name) {
			continue
		}
		g.Go(func() error {
			err := c.update(ctx, name, sources[name])
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		})
	}
	err := g.Wait()
	slices.SortFunc(c.problems, func(a, b Problem) int { return slices.Index(names, a.Source) - slices.Index(names, b.Source) })
	return err
}

// settled reports whether what a web server said last still counts.
func (c *cache) settled(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, known := c.place.Entries[name]
	age := c.Now().Sub(e.CheckedAt)
	return known && !filepath.IsAbs(c.Location) && c.usable(e) && age >= 0 && age < c.MaxAge
}

// usable reports whether an entry needs nothing compiled.
func (c *cache) usable(e entry) bool {
	if e.Absent {
		return true
	}
	_, err := os.Stat(c.object(e.Info.File))
	return err == nil && e.Info.Revision == compile.Revision
}

// String says what is wrong in words.
func (p Problem) String() string {
	if p.Stale {
		return fmt.Sprintf("%s: an earlier copy is used, because it could not be refreshed: %v", p.Source, p.Err)
	}
	return fmt.Sprintf("%s: %v", p.Source, p.Err)
}
