package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/feed"
	"muster/internal/feed/fetch"
)

// Imported is the source that means the feeds folder as it is: what bundles
// brought, without a network.
const Imported = "imported"

// firstSources are fetched before the first import, so that there is one soon;
// the others follow with the next sync.
func firstSources() []string { return []string{"osv", "kev", "epss", "endoflife"} }

// soonest keeps a source that fails from making syncs follow each other.
const soonest = time.Minute

// gather brings what publishers have into the feeds folder, where they are the
// source, and says where to import from.
func (s *Service) gather(ctx context.Context, before state, opts SyncOptions) (location string, fetched []fetch.Result, err error) {
	location = opts.Source
	if location == "" {
		location = s.config.Source
	}
	publishers := location == "" || location == feed.Publishers
	switch {
	case location == Imported && s.config.Fetcher == nil:
		return "", nil, errors.New("the source is what bundles brought, but there is no folder for it")
	case location == Imported:
		return s.config.Fetcher.Dir, nil, nil
	case !publishers || s.config.Fetcher == nil:
		return location, nil, nil
	}
	run := fetch.Options{All: opts.FetchAll, AcceptShrunken: opts.AcceptShrunken, Progress: opts.Fetched}
	if before.generation == 0 && !opts.FetchAll && s.config.Fetcher.Has(firstSources()) {
		run.Sources, run.OnlyDue = firstSources(), true
	}
	fetched, err = s.config.Fetcher.Run(ctx, run)
	if err != nil {
		return "", fetched, fmt.Errorf("feeds folder: %w", err)
	}
	return s.config.Fetcher.Dir, fetched, nil
}

// faults are why publishers gave nothing.
func faults(fetched []fetch.Result) error {
	var list []error
	for _, r := range fetched {
		if r.Err != nil {
			list = append(list, fmt.Errorf("%s: %w", r.Source, r.Err))
		}
	}
	return errors.Join(list...)
}

// next is when the scheduled sync runs again: after the interval, or when a
// source is due before, or at once while only the first sources are there.
func (s *Service) next(report Report) time.Time {
	now := s.config.Now()
	next := now.Add(s.config.Interval)
	if s.config.Fetcher == nil || s.config.Source != "" && s.config.Source != feed.Publishers {
		return next
	}
	if report.From == 0 && report.To > 0 {
		return now
	}
	if due, err := s.config.Fetcher.NextAt(); err == nil && due.Before(next) {
		next = due
	}
	if next.Sub(now) < soonest {
		next = now.Add(soonest)
	}
	return next
}

// fetchStatus is how the sources are doing, where publishers are the source.
func (s *Service) fetchStatus() ([]fetch.Status, error) {
	if s.config.Fetcher == nil || s.config.Source != "" && s.config.Source != feed.Publishers {
		return nil, nil
	}
	return s.config.Fetcher.Status()
}
