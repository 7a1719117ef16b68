package server

import (
	"context"
	"errors"
	"slices"

	"muster/internal/config"
	"muster/internal/feed/bundle"
	"muster/internal/feed/fetch"
	"muster/internal/refresh"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/feeds"
)

// Fetching says how publishers are fetched by a configuration.
func Fetching(c config.Config) (fetch.Config, error) {
	addresses, err := c.FeedAddresses()
	if err != nil {
		return fetch.Config{}, err
	}
	intervals, err := c.FeedIntervals()
	return fetch.Config{
		Dir: c.FeedsDir(), Sources: c.FeedsSources, Addresses: addresses, Hosts: c.FeedsHosts, Intervals: intervals,
		Ecosystems: c.FeedsEcosystems, NVDKey: c.NVDKey,
	}, err
}

func (s *Server) newRefresh() (*refresh.Service, error) {
	fetching, err := Fetching(s.config)
	if err != nil {
		return nil, err
	}
	fetching.Log = s.log
	fetcher, err := fetch.New(fetching)
	if err != nil {
		return nil, err
	}
	trust, err := bundle.ReadTrust(s.config.FeedsTrust)
	if err != nil {
		return nil, err
	}
	return refresh.New(refresh.Config{
		Store: s.store, Now: s.store.Now, Dir: s.config.AdvisoryDir(), Source: s.config.Feeds, Interval: s.config.FeedsInterval, Log: s.log,
		Fetcher: fetcher, Trust: trust,
	})
}

// SyncReport says what advisories are in service after a sync.
type SyncReport struct {
	Sources, Records int
}

// SyncFeeds brings the advisories up to date at once; progress, if given, is
// called after every source.
func (s *Server) SyncFeeds(ctx context.Context, progress func(source string, done, total int)) (SyncReport, error) {
	report, err := s.refresh.Sync(ctx, refresh.SyncOptions{Progress: func(p refresh.Progress) {
		if progress != nil {
			progress(p.Source, p.Done, p.Total)
		}
	}})
	if err != nil {
		return SyncReport{}, err
	}
	var sum SyncReport
	var reasons []error
	for _, src := range report.Sources {
		if src.Records > 0 {
			sum.Sources, sum.Records = sum.Sources+1, sum.Records+src.Records
		}
		if src.Status == feeds.StatusRejected {
			reasons = append(reasons, errors.New(src.Name+": "+src.Reason))
		}
	}
	return sum, errors.Join(reasons...)
}

// HasAdvisories reports whether any advisories are in service.
func (s *Server) HasAdvisories(ctx context.Context) bool {
	set, err := s.refresh.Current(ctx)
	if err != nil {
		return false
	}
	defer set.Close()
	return len(set.Ecosystems()) > 0
}

// scanning are the kinds of jobs that lead to findings; others of the scan desk
// wait for days.
var scanning = []string{scan.JobResource, scan.JobSweep, scan.JobAdvisories, scan.JobAccount, scan.JobAccounts}

// ScansSettled reports whether no scan is due or under way.
func (s *Server) ScansSettled(ctx context.Context) (bool, error) {
	settled := true
	err := s.store.View(ctx, func(tx *store.Tx) error {
		settled = true
		counts, err := tx.JobCounts(ctx)
		for _, c := range counts {
			if slices.Contains(scanning, c.Kind) && c.Waiting+c.Running > 0 {
				settled = false
			}
		}
		return err
	})
	return settled, err
}
