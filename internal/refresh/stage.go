package refresh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"muster/internal/advisorydb"
	"muster/internal/feed"
	"muster/internal/refresh/compile"
	"muster/internal/store/feeds"
)

// maxShrink is the share of records, in percent, that a source may lose from
// one import to the next (feeds specification 1).
const maxShrink = 20

// stage is a generation in the making.
type stage struct {
	dir     string
	baseDir string
	base    []advisorydb.Info
	known   map[string]feeds.Source
	mirror  *feed.Mirror
	force   bool
	now     time.Time
	number  int64

	// mu guards outcomes and calls of progress.
	mu       sync.Mutex
	outcomes []outcome
	progress func(Progress)
	total    int
}

// outcome is what came of a source: its row for the ledger and, where it has
// an import, the file to serve.
type outcome struct {
	row     feeds.Source
	info    advisorydb.Info
	served  bool
	changed bool
}

// run looks at every source, two at a time: one unpacks while the other waits
// for the disk or the network. Only what ends everything is an error.
func (st *stage) run(ctx context.Context, sources []source) error {
	st.total = len(sources)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(min(2, runtime.GOMAXPROCS(0)))
	for _, s := range sources {
		g.Go(func() error {
			o, err := st.look(ctx, s)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			st.report(o)
			return nil
		})
	}
	return g.Wait()
}

func (st *stage) report(o outcome) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.outcomes = append(st.outcomes, o)
	if st.progress != nil {
		st.progress(Progress{Source: o.row.Name, Status: o.row.Status, Records: o.row.Records, Done: len(st.outcomes), Total: st.total})
	}
}

// look fetches and imports one source. What is wrong with the source is in the
// outcome; what is wrong with us (disk full, cancelled) is an error.
func (st *stage) look(ctx context.Context, s source) (outcome, error) {
	o := st.kept(s)
	f, err := s.Fetch(ctx, st.mirror, s.name, st.validator(s, o))
	switch {
	case ctx.Err() != nil:
		return o, ctx.Err()
	case errors.Is(err, feed.ErrNotModified):
		return o.with(feeds.StatusCurrent, "", st.now), nil
	case errors.Is(err, feed.ErrAbsent):
		return o.with(feeds.StatusAbsent, err.Error(), st.now), nil
	case err != nil:
		return o.with(feeds.StatusUnreachable, err.Error(), st.now), nil
	}
	imported, err := st.take(ctx, s, o, f)
	return imported, errors.Join(err, f.Close())
}

// kept is the outcome that changes nothing.
func (st *stage) kept(s source) outcome {
	o := outcome{row: st.known[s.name]}
	o.row.Name = s.name
	for _, info := range st.base {
		if s.matches(info) {
			o.info, o.served = info, true
		}
	}
	return o
}

// validator lets a server answer "not modified" only about what is in service.
func (st *stage) validator(s source, o outcome) feed.Validator {
	if !o.served || o.info.Revision != compile.Revision {
		return feed.Validator{}
	}
	return feed.Validator{URL: o.row.URL, ETag: o.row.ETag, LastModified: o.row.LastModified}
}

// with ends a look with a status.
func (o outcome) with(status feeds.Status, reason string, now time.Time) outcome {
	o.row.Status, o.row.Reason, o.row.CheckedAt = status, reason, now
	if status == feeds.StatusCurrent {
		o.row.FailingSince = time.Time{}
	} else if o.row.FailingSince.IsZero() {
		o.row.FailingSince = now
	}
	return o
}

// take imports a fetched file unless it is the one in service.
func (st *stage) take(ctx context.Context, s source, o outcome, f *feed.Files) (outcome, error) {
	if o.served && o.info.Hash == f.Hash && o.info.Revision == compile.Revision {
		o.row.URL, o.row.ETag, o.row.LastModified = f.Validator.URL, f.Validator.ETag, f.Validator.LastModified
		return o.with(feeds.StatusCurrent, "", st.now), nil
	}
	path := filepath.Join(st.dir, s.File())
	sum, err := s.CompileFiles(ctx, f, path)
	if ctx.Err() != nil {
		return o, ctx.Err()
	}
	if isOurs(err) {
		return o, err
	}
	if err == nil {
		err = st.shrunken(o, sum)
	}
	if err != nil {
		_ = os.Remove(path)
		return o.with(feeds.StatusRejected, err.Error(), st.now), nil
	}
	return st.imported(s, f, path, sum)
}

// isOurs tells failures of this machine from faults of the file.
func isOurs(err error) bool {
	var path *os.PathError
	return errors.As(err, &path)
}

// shrunken refuses an import that lost too many records.
func (st *stage) shrunken(o outcome, sum advisorydb.Summary) error {
	before, after := o.info.Records, sum.Records
	if st.force || !o.served || after*100 >= before*(100-maxShrink) {
		return nil
	}
	return fmt.Errorf("it has shrunk from %d records to %d, by more than %d %%", before, after, maxShrink)
}

func (st *stage) imported(s source, f *feed.Files, path string, sum advisorydb.Summary) (outcome, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{row: feeds.Source{Name: s.name}, served: true, changed: true}
	o.info = advisorydb.Info{
		Kind: s.Kind, Ecosystem: s.Ecosystem, Feed: s.Feed(), File: s.File(), Size: stat.Size(), Hash: f.Hash,
		Revision: compile.Revision, Records: sum.Records, PublishedAt: sum.Newest, ImportedAt: st.now,
	}
	o.row.Hash, o.row.Records, o.row.Generation = f.Hash, sum.Records, st.number
	o.row.PublishedAt, o.row.ImportedAt = sum.Newest, st.now
	o.row.URL, o.row.ETag, o.row.LastModified = f.Validator.URL, f.Validator.ETag, f.Validator.LastModified
	return o.with(feeds.StatusCurrent, "", st.now), nil
}

// complete adds the files of the base that were not replaced and writes the
// manifest: the stage becomes a set.
func (st *stage) complete() error {
	replaced := map[string]bool{}
	var files []advisorydb.Info
	for _, o := range st.outcomes {
		if o.changed {
			replaced[o.info.File] = true
			files = append(files, o.info)
		}
	}
	for _, info := range st.base {
		if replaced[info.File] {
			continue
		}
		if err := linkFile(filepath.Join(st.baseDir, info.File), filepath.Join(st.dir, info.File)); err != nil {
			return err
		}
		files = append(files, info)
	}
	return advisorydb.WriteManifest(st.dir, files)
}

// linkFile shares a file, or copies it where the file system cannot.
func linkFile(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// clean removes what crashed syncs left behind and generations that are no
// longer kept: everything above the one in service, and the old ones below.
func (s *Service) clean(current int64) error {
	entries, err := os.ReadDir(s.config.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), stagingPrefix) || strings.HasSuffix(e.Name(), ".tmp") {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.config.Dir, e.Name())))
		}
	}
	return errors.Join(err, s.prune(current))
}
