// Package refresh keeps advisories current: it fetches what a mirror offers,
// builds new advisory files beside the ones in service, and swaps them in by
// one transaction that also asks for what changed to be matched again.
//
// In the folder: generations/<n>/ is one complete set of files, immutable;
// unchanged files are hard links to the generation before. staging-*/ is a set
// in the making. Which generation is in service is written in the store, or,
// without a store, in state.json. So a process that dies at any point leaves
// the old generation in service; the next sync removes what it left behind.
// A bad file of one source (cut, empty, not JSON, shrunken) is rejected with
// its reason, and that source's last good import stays in service.
package refresh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/feed/bundle"
	"muster/internal/feed/fetch"
	"muster/internal/store"
	"muster/internal/store/feeds"
)

// keepGenerations is how many generations before the one in service are kept,
// for reversal and for telling what changed.
const keepGenerations = 2

// Config is what a Service needs.
type Config struct {
	// Store says which generation is in service and takes the jobs. Nil keeps
	// that in the folder, for programs without a server.
	Store *store.Store
	// Dir is the folder of the advisory files. All processes that share a
	// store must share it.
	Dir string
	// Source is a folder, a bundle, a web address, Imported or feed.Publishers
	// (also "").
	Source string
	// Fetcher brings publishers' files into its feeds folder when they are the
	// source. Nil reads their OSV, KEV and EPSS directly.
	Fetcher *fetch.Fetcher
	// Trust says which bundles are believed.
	Trust bundle.Trust
	// Interval between scheduled syncs; 0 means that there are none.
	Interval time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log receives what scheduled syncs did; nil means silence.
	Log *slog.Logger
	// Client does the requests; nil means one of feed's own.
	Client *http.Client
}

// Service keeps the advisories of one folder current and hands them out.
type Service struct {
	config Config
	ledger ledger

	// mu guards open and number: the set last handed out.
	mu     sync.Mutex
	open   *advisorydb.Set
	number int64
}

// New makes a service and its folder.
func New(config Config) (*Service, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(filepath.Join(config.Dir, "generations"), 0o755); err != nil {
		return nil, fmt.Errorf("advisory folder: %w", err)
	}
	s := &Service{config: config}
	if config.Store != nil {
		s.ledger = &storeLedger{config.Store}
	} else {
		s.ledger = &fileLedger{filepath.Join(config.Dir, "state.json")}
	}
	return s, nil
}

// Close releases the set that the service holds.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil {
		s.open.Close()
		s.open = nil
	}
}

// Current returns the set in service; before the first import an empty one.
// It asks the ledger every time, so a generation that another process put
// into service is seen at once. The caller closes the set.
func (s *Service) Current(ctx context.Context) (*advisorydb.Set, error) {
	set, _, err := s.CurrentGeneration(ctx)
	return set, err
}

// CurrentGeneration is Current with the generation's number.
func (s *Service) CurrentGeneration(ctx context.Context) (*advisorydb.Set, int64, error) {
	n, err := s.ledger.generation(ctx)
	if err != nil {
		return nil, 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil || s.number != n {
		set, err := s.load(n)
		if err != nil {
			return nil, 0, err
		}
		if s.open != nil {
			s.open.Close()
		}
		s.open, s.number = set, n
	}
	shared, err := s.open.Share()
	return shared, s.number, err
}

// ErrGone says that the files of a generation are no longer kept: what it said
// cannot be compared, everything has to be matched again.
var ErrGone = errors.New("advisory generation is no longer kept")

// Generation returns the set of a generation by its number; 0 is the empty
// one. The error wraps ErrGone when its files have been removed. The caller
// closes the set.
func (s *Service) Generation(_ context.Context, n int64) (*advisorydb.Set, error) {
	return s.load(n)
}

func (s *Service) load(n int64) (*advisorydb.Set, error) {
	if n == 0 {
		return advisorydb.Empty(), nil
	}
	set, err := advisorydb.Open(s.generationDir(n))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("generation %d in %s: %w: %w", n, s.config.Dir, ErrGone, err)
	}
	return set, err
}

func (s *Service) generationDir(n int64) string {
	return filepath.Join(s.config.Dir, "generations", strconv.FormatInt(n, 10))
}

// Status is what is in service and how its sources are doing.
type Status struct {
	Generation int64
	Sources    []feeds.Source
	// Fetched is how the publishers are doing, where they are the source.
	Fetched []fetch.Status
}

// Status reads the ledger.
func (s *Service) Status(ctx context.Context) (Status, error) {
	state, err := s.ledger.read(ctx)
	if err != nil {
		return Status{}, err
	}
	fetched, err := s.fetchStatus()
	return Status{state.generation, state.sources, fetched}, err
}
