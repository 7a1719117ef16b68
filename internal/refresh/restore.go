package refresh

import (
	"context"
	"fmt"
	"os"

	"muster/internal/advisorydb"
	"muster/internal/store/feeds"
)

// Restore takes back the files of an earlier generation that is still kept,
// as a new generation. It returns the new number.
func (s *Service) Restore(ctx context.Context, n int64) (int64, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	before, err := s.ledger.read(ctx)
	if err != nil {
		return 0, err
	}
	if n >= before.generation || n < 1 {
		return 0, fmt.Errorf("generation %d is not before the one in service, %d", n, before.generation)
	}
	m, err := advisorydb.ReadManifest(s.generationDir(n))
	if err != nil {
		return 0, fmt.Errorf("generation %d: %w: %w", n, ErrGone, err)
	}
	dir, err := os.MkdirTemp(s.config.Dir, stagingPrefix)
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // else the next sync does
	st := &stage{dir: dir, baseDir: s.generationDir(n), base: m.Files, now: s.config.Now().UTC(), number: before.generation + 1}
	return st.number, s.publishRestored(ctx, st, n, before)
}

func (s *Service) publishRestored(ctx context.Context, st *stage, n int64, before state) error {
	byName := map[string]feeds.Source{}
	for _, row := range before.sources {
		byName[row.Name] = row
	}
	var rows []feeds.Source
	for _, info := range st.base {
		name := nameOf(info)
		row := byName[name]
		row.Name, row.Hash, row.Records, row.Generation = name, info.Hash, info.Records, st.number
		row.PublishedAt, row.ImportedAt = info.PublishedAt, info.ImportedAt
		row.URL, row.ETag, row.LastModified = "", "", ""
		row.Status, row.Reason = feeds.StatusCurrent, fmt.Sprintf("restored from generation %d", n)
		rows = append(rows, row)
	}
	if err := st.complete(); err != nil {
		return err
	}
	g := feeds.Generation{Number: st.number, CreatedAt: st.now, Origin: "restored", RestoredFrom: n}
	return s.put(ctx, st, before.generation, g, rows)
}

// nameOf is the source's name that a file of a set was imported from.
func nameOf(info advisorydb.Info) string {
	if info.Kind == advisorydb.Advisories && info.Feed == "" {
		return advisorySource(info.Ecosystem).name
	}
	for _, s := range append(intelligence(), published(nil)...) {
		if s.matches(info) {
			return s.name
		}
	}
	return info.File
}
