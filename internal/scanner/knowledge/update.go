package knowledge

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"muster/internal/advisorydb"
	"muster/internal/feed"
	"muster/internal/refresh/compile"
)

// update looks at one source. What is wrong with it becomes a Problem; what is
// wrong with this machine is an error.
func (c *cache) update(ctx context.Context, name string, s compile.Source) error {
	c.mu.Lock()
	known, ok := c.place.Entries[name]
	c.mu.Unlock()
	var last feed.Validator
	if ok && c.usable(known) {
		last = known.Validator
	}
	f, err := s.Fetch(ctx, c.mirror, name, last)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, feed.ErrNotModified):
		c.checked(name, known)
		return nil
	case errors.Is(err, feed.ErrAbsent):
		c.keep(name, entry{Absent: true, CheckedAt: c.Now().UTC()})
		return nil
	case err != nil:
		c.fail(name, s, err, ok && !known.Absent && c.usable(known))
		return nil
	}
	e, err := c.compiled(ctx, name, s, f)
	err = errors.Join(err, f.Close())
	var ours *os.PathError
	switch {
	case ctx.Err() != nil || errors.As(err, &ours):
		return err
	case err != nil:
		c.fail(name, s, err, false)
		return nil
	}
	c.keep(name, e)
	return nil
}

// checked notes that a web server's file is still current. Of a folder nothing
// needs to be noted: it is looked at every time.
func (c *cache) checked(name string, e entry) {
	if filepath.IsAbs(c.Location) {
		return
	}
	e.CheckedAt = c.Now().UTC()
	c.keep(name, e)
}

func (c *cache) keep(name string, e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.place.Entries[name]; ok && old == e {
		return
	}
	if filepath.IsAbs(c.Location) && e.Absent {
		if _, ok := c.place.Entries[name]; !ok {
			return // what a folder never had is not worth a note
		}
	}
	c.place.Entries[name], c.changed = e, true
}

// fail notes a problem. A copy that a web server gave earlier stays in use; a
// folder is taken at its word, whatever it said before.
func (c *cache) fail(name string, s compile.Source, err error, old bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stale := old && !filepath.IsAbs(c.Location)
	if !stale {
		delete(c.place.Entries, name)
	}
	c.problems = append(c.problems, Problem{Ecosystem: s.Ecosystem, Source: name, Stale: stale, Err: err})
}

// compiled returns the entry of a fetched file, from the object that was made
// of the same content before if there is one.
func (c *cache) compiled(ctx context.Context, name string, s compile.Source, f *feed.Files) (entry, error) {
	e := entry{Validator: f.Validator, CheckedAt: c.Now().UTC()}
	info := advisorydb.Info{
		Kind: s.Kind, Ecosystem: s.Ecosystem, Feed: s.Feed(), File: objectName(s, f.Hash), Hash: f.Hash, Revision: compile.Revision,
	}
	if done, err := readInfo(c.object(info.File) + infoSuffix); err == nil && done.File == info.File {
		e.Info = done
		if c.usable(e) {
			return e, nil
		}
	}
	if c.Progress != nil {
		c.mu.Lock()
		c.Progress("compiling " + name)
		c.mu.Unlock()
	}
	made := filepath.Join(c.temp, info.File)
	if err := c.make(ctx, s, f, made, &info); err != nil {
		return entry{}, err
	}
	e.Info = info
	return e, os.Rename(made, c.object(info.File))
}

// make compiles the file and describes it beside its later place.
func (c *cache) make(ctx context.Context, s compile.Source, f *feed.Files, out string, info *advisorydb.Info) error {
	sum, err := s.CompileFiles(ctx, f, out)
	if err != nil {
		return err
	}
	stat, err := os.Stat(out)
	if err != nil {
		return err
	}
	info.Size, info.Records, info.PublishedAt, info.ImportedAt = stat.Size(), sum.Records, sum.Newest, c.Now().UTC()
	return writeJSON(c.object(info.File)+infoSuffix, c.temp, info)
}
