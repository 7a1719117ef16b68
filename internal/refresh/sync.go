package refresh

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"muster/internal/advisorydb"
	"muster/internal/feed"
	"muster/internal/feed/fetch"
	"muster/internal/feed/layout"
	"muster/internal/store/feeds"
)

const stagingPrefix = "staging-"

// SyncOptions tune one Sync.
type SyncOptions struct {
	// Source replaces the configured one for this time; "" keeps it.
	Source string
	// Ecosystems restricts the advisories ("Debian", "npm"); empty means all.
	// The intelligence is always looked at.
	Ecosystems []string
	// AcceptShrunken takes files that lost many records: an operator's word.
	AcceptShrunken bool
	// FetchAll asks every publisher, due or not.
	FetchAll bool
	// Progress is called after every source, one call at a time.
	Progress func(Progress)
	// Fetched is called after every publisher that was asked, likewise.
	Fetched func(fetch.Result)
}

// Progress says that a source has been looked at: the Done-th of Total.
type Progress struct {
	Source      string
	Status      feeds.Status
	Records     int
	Done, Total int
}

// Report is what a Sync did.
type Report struct {
	// From and To are the generations in service before and after; equal when
	// nothing changed.
	From, To int64
	// Sources are all that were looked at and are or could be imported, by name.
	Sources []SourceReport
	// Fetched are the publishers that were asked.
	Fetched []fetch.Result
}

// SourceReport is what came of one source.
type SourceReport struct {
	Name   string
	Status feeds.Status
	// Reason is why the status is not current.
	Reason string
	// Records in service, and whether this sync brought them.
	Records  int
	Imported bool
}

// Rejected are the sources that offered something that was refused.
func (r Report) Rejected() []SourceReport {
	return slices.DeleteFunc(slices.Clone(r.Sources), func(s SourceReport) bool { return s.Status != feeds.StatusRejected })
}

// Sync looks at the sources and puts what is new into service. Faults of
// single sources are in the report and leave their last import in service. The
// error is about the whole: nothing is there (ErrNothing), nobody answers, the
// disk is full; then everything stays as it was.
func (s *Service) Sync(ctx context.Context, opts SyncOptions) (Report, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	before, err := s.ledger.read(ctx)
	if err != nil {
		return Report{}, err
	}
	if err := s.clean(before.generation); err != nil {
		return Report{}, fmt.Errorf("advisory folder: %w", err)
	}
	location, fetched, err := s.gather(ctx, before, opts)
	if err != nil {
		return Report{}, err
	}
	report, err := s.take(ctx, before, location, opts)
	report.Fetched = fetched
	if errors.Is(err, ErrNothing) {
		err = errors.Join(err, faults(fetched))
	}
	return report, err
}

// take imports what a place has.
func (s *Service) take(ctx context.Context, before state, location string, opts SyncOptions) (Report, error) {
	st, err := s.newStage(before, location, opts)
	if err != nil {
		return Report{}, err
	}
	defer func() {
		_ = st.mirror.Close()    // it was only read
		_ = os.RemoveAll(st.dir) // else the next sync does
	}()
	sources, err := plan(ctx, st.mirror, opts.Ecosystems, before.sources)
	if err != nil {
		return s.unreachable(ctx, st, before, err)
	}
	if err := st.run(ctx, sources); err != nil {
		return Report{}, err
	}
	return s.finish(ctx, st, before)
}

func (s *Service) newStage(before state, location string, opts SyncOptions) (*stage, error) {
	dir, err := os.MkdirTemp(s.config.Dir, stagingPrefix)
	if err != nil {
		return nil, err
	}
	mirror, err := feed.Open(location, feed.Options{Client: s.config.Client, Temp: dir, Trust: s.config.Trust})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	st := &stage{
		dir: dir, mirror: mirror, force: opts.AcceptShrunken, now: s.config.Now().UTC(), number: before.generation + 1,
		known: map[string]feeds.Source{}, progress: opts.Progress,
	}
	for _, row := range before.sources {
		st.known[row.Name] = row
	}
	if before.generation > 0 {
		st.baseDir = s.generationDir(before.generation)
		st.base = s.usable(st.baseDir)
	}
	return st, nil
}

// usable lists the files of the base generation that are whole. One that was
// lost or damaged is imported again.
func (s *Service) usable(dir string) []advisorydb.Info {
	m, err := advisorydb.ReadManifest(dir)
	if err != nil {
		s.config.Log.Warn("advisory files in service are damaged; importing all again", "error", err)
		return nil
	}
	return slices.DeleteFunc(m.Files, func(f advisorydb.Info) bool {
		err := advisorydb.VerifyFile(dir, f)
		if err != nil {
			s.config.Log.Warn("advisory file in service is damaged; importing it again", "error", err)
		}
		return err != nil
	})
}

// unreachable notes on every source that nobody could be asked.
func (s *Service) unreachable(ctx context.Context, st *stage, before state, cause error) (Report, error) {
	if ctx.Err() != nil {
		return Report{}, ctx.Err()
	}
	var rows []feeds.Source
	for _, row := range before.sources {
		o := outcome{row: row}.with(feeds.StatusUnreachable, cause.Error(), st.now)
		rows = append(rows, o.row)
	}
	err := fmt.Errorf("advisories at %s: %w", st.mirror, cause)
	return Report{From: before.generation, To: before.generation}, errors.Join(err, s.ledger.note(ctx, rows))
}

// finish decides whether there is a new generation, and makes it.
func (s *Service) finish(ctx context.Context, st *stage, before state) (Report, error) {
	slices.SortFunc(st.outcomes, func(a, b outcome) int { return strings.Compare(a.row.Name, b.row.Name) })
	report := Report{From: before.generation, To: before.generation}
	var rows []feeds.Source
	changed := false
	for _, o := range st.outcomes {
		if o.row.Status == feeds.StatusAbsent && !o.served {
			continue // never was there: nothing to tell
		}
		changed = changed || o.changed
		rows = append(rows, o.row)
		report.Sources = append(report.Sources, SourceReport{o.row.Name, o.row.Status, o.row.Reason, o.row.Records, o.changed})
	}
	if err := st.nothing(rows); err != nil {
		return report, errors.Join(err, s.ledger.note(ctx, rows))
	}
	if !changed {
		return report, s.ledger.note(ctx, rows)
	}
	if err := s.publish(ctx, st, before.generation, rows); err != nil {
		return report, err
	}
	report.To = st.number
	return report, s.prune(st.number)
}

// nothing is an error when no source offered anything.
func (st *stage) nothing(rows []feeds.Source) error {
	for _, row := range rows {
		if row.Status == feeds.StatusCurrent || row.Status == feeds.StatusRejected {
			return nil
		}
	}
	for _, row := range rows {
		if row.Status == feeds.StatusUnreachable {
			return fmt.Errorf("advisories at %s: %s", st.mirror, row.Reason)
		}
	}
	return fmt.Errorf("advisories at %s: %w: neither osv/<Ecosystem>.zip nor <Ecosystem>/all.zip nor %s", st.mirror, ErrNothing, feed.KEV)
}

// publish makes the stage a generation.
func (s *Service) publish(ctx context.Context, st *stage, before int64, rows []feeds.Source) error {
	if err := st.complete(); err != nil {
		return err
	}
	g := feeds.Generation{Number: st.number, CreatedAt: st.now, Origin: st.mirror.String()}
	return s.put(ctx, st, before, g, rows)
}

// put puts a complete stage into service: read back once to prove it, durable
// under its final name, and only then written in the ledger.
func (s *Service) put(ctx context.Context, st *stage, before int64, g feeds.Generation, rows []feeds.Source) error {
	set, err := advisorydb.Open(st.dir)
	if err != nil {
		return err
	}
	err = set.Verify()
	set.Close()
	if err != nil {
		return err
	}
	final := s.generationDir(st.number)
	if err := os.Rename(st.dir, final); err != nil {
		return err
	}
	if err := advisorydb.SyncDir(filepath.Dir(final)); err != nil {
		return err
	}
	// After an error the commit may still have happened (the connection broke
	// after it). So the files stay; the next sync removes them if it did not.
	return s.ledger.commit(ctx, before, g, rows)
}

// prune removes the generations above the one in service, which a crashed sync
// left, and those below it that are no longer kept.
func (s *Service) prune(current int64) error {
	dir := filepath.Join(s.config.Dir, "generations")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		n, parseErr := strconv.ParseInt(e.Name(), 10, 64)
		if parseErr == nil && n <= current && n >= current-keepGenerations {
			continue
		}
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// lock keeps other syncs away from the folder, also those of other processes.
// It waits for them until ctx is done.
func (s *Service) lock(ctx context.Context) (unlock func(), err error) {
	return layout.LockFile(ctx, filepath.Join(s.config.Dir, "lock"), "another sync")
}
