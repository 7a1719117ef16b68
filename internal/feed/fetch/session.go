package fetch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"muster/internal/feed"
	"muster/internal/feed/fetch/web"
)

// source is how one publisher's data set is fetched.
type source struct {
	name string
	// base is the publisher's address, or its mirror's.
	base string
	// publisher is the publisher's own address, whatever base is: lists that
	// a mirror copied still name it.
	publisher string
	// hosts are further ones that the publisher refers to.
	hosts []string
	every time.Duration
	// optional sources are fetched only when they are named.
	optional bool
	run      func(context.Context, *session) error
}

// session is one run of a source. Files may be fetched at the same time.
type session struct {
	fetcher  *Fetcher
	source   source
	client   *web.Client
	shrunken bool
	now      time.Time
	bytes    atomic.Int64

	// mu guards what follows.
	mu      sync.Mutex
	state   sourceState
	changed []string
}

// expectation is what has to hold of a file before it takes its place.
type expectation struct {
	// limit bounds its size; 0 means maxFile.
	limit int64
	// sha256, if known, is what the publisher says.
	sha256 string
	// count reads the file and says how many records it has, for telling
	// whether it shrank; nil compares sizes.
	count func(path string) (int, error)
}

// Bounds of files, in bytes.
const (
	maxText    = 4 << 20
	maxIndex   = 64 << 20
	maxFile    = 1 << 30
	maxArchive = 8 << 30
)

// maxShrink is the share of records, in percent, that a file may lose from one
// fetch to the next (feeds specification 1).
const maxShrink = 20

// RefusedError says that what a publisher sent was not taken; the file that
// was there before stays.
type RefusedError struct {
	File   string
	Reason string
}

func (e *RefusedError) Error() string { return e.File + ": quarantined: " + e.Reason }

// at is an address below the source's base.
func (s *session) at(name string) string {
	if name == "" {
		return s.source.base
	}
	return s.source.base + "/" + name
}

// local is an address that a publisher's list names, at the mirror that takes
// the publisher's place.
func (s *session) local(address string) string {
	if rest, ok := strings.CutPrefix(address, s.source.publisher); ok && s.source.publisher != "" {
		return s.source.base + rest
	}
	return address
}

// path is a file's name on disk.
func (s *session) path(name string) string {
	return filepath.Join(s.fetcher.Dir, filepath.FromSlash(name))
}

// part is where a file's download grows.
func (s *session) part(name string) string {
	return s.fetcher.private(strings.ReplaceAll(name, "/", "!") + ".part")
}

// known is what is in place under a name; zero if it is gone or not as it was.
func (s *session) known(name string) fileState {
	s.mu.Lock()
	known := s.state.Files[name]
	s.mu.Unlock()
	if info, err := os.Stat(s.path(name)); err != nil || info.Size() != known.Size {
		return fileState{}
	}
	return known
}

// put fetches an address into a file of the folder, unless it is there
// already. changed says that the file was replaced.
func (s *session) put(ctx context.Context, address, name string, want expectation) (changed bool, err error) {
	got, err := s.download(ctx, address, name, want, s.known(name).Note)
	if errors.Is(err, feed.ErrNotModified) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return s.place(name, s.part(name), got, want)
}

// download fetches an address to the partial name of a file and holds it to
// the publisher's checksum.
func (s *session) download(ctx context.Context, address, name string, want expectation, known web.Note) (web.Received, error) {
	limit := want.limit
	if limit == 0 {
		limit = maxFile
	}
	t := &web.Transfer{Client: s.client, Address: address, Part: s.part(name), Limit: limit, Stall: s.fetcher.Stall}
	got, err := t.Run(ctx, known)
	s.bytes.Add(t.Came)
	if errors.Is(err, feed.ErrNotModified) {
		return got, err
	}
	if errors.Is(err, feed.ErrTooLarge) {
		return got, errors.Join(err, web.Discard(t.Part))
	}
	if err != nil {
		return got, err
	}
	if want.sha256 != "" && !strings.EqualFold(want.sha256, got.SHA256) {
		return got, s.refuse(name, t.Part, fmt.Sprintf("its SHA-256 is %s, the publisher says %s", got.SHA256, strings.ToLower(want.sha256)))
	}
	return got, nil
}

// place checks a complete file and puts it in its place.
func (s *session) place(name, from string, got web.Received, want expectation) (bool, error) {
	known := s.known(name)
	if known.SHA256 == got.SHA256 {
		s.mu.Lock()
		defer s.mu.Unlock()
		known.Note = got.Note
		s.state.Files[name] = known
		return false, os.Remove(from)
	}
	records, err := examine(name, from, want.count)
	if err == nil {
		err = s.shrank(known, got, records)
	}
	if err != nil {
		return false, s.refuse(name, from, err.Error())
	}
	if err := install(from, s.path(name)); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Files[name] = fileState{got.Note, got.SHA256, got.Size, records, s.now}
	s.changed = append(s.changed, name)
	return true, nil
}

// shrank refuses a file that lost too many records, or bytes where records
// are not counted.
func (s *session) shrank(known fileState, got web.Received, records int) error {
	before, after, unit := int64(known.Records), int64(records), "records"
	if before == 0 {
		before, after, unit = known.Size, got.Size, "bytes"
	}
	if s.shrunken || after*100 >= before*(100-maxShrink) {
		return nil
	}
	return fmt.Errorf("it has shrunk from %d %s to %d, by more than %d %%", before, unit, after, maxShrink)
}

// refuse puts a file aside, for people to look at; the last one of a name is kept.
func (s *session) refuse(name, from, reason string) error {
	aside := s.fetcher.private(filepath.Join("quarantine", strings.ReplaceAll(name, "/", "!")))
	return errors.Join(&RefusedError{name, reason}, os.Rename(from, aside))
}

// install renames a file to its place, durably.
func install(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// drop removes a file that the publisher no longer has.
func (s *session) drop(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.state.Files, name)
	s.changed = append(s.changed, name)
	err := os.Remove(s.path(name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// save makes what is known so far durable.
func (s *session) save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetcher.keep(s.source.name, s.state)
}

// finish notes how the run went and when the next one is.
func (s *session) finish(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.changed)
	st := &s.state
	st.CheckedAt, st.NextAt = s.now, s.now.Add(s.source.every)
	if len(s.changed) > 0 {
		st.ChangedAt = s.now
	}
	if err == nil {
		st.SucceededAt, st.Error, st.Failures = s.now, "", 0
		return
	}
	st.Error, st.Failures = err.Error(), st.Failures+1
	var refused *RefusedError
	if !errors.As(err, &refused) { // what is refused now is refused in a minute
		st.NextAt = s.now.Add(min(s.source.every, 5*time.Minute<<min(st.Failures-1, 10)))
	}
	busy := new(web.BusyError)
	if errors.As(err, &busy) && busy.Until.After(st.NextAt) {
		st.NextAt = busy.Until
	}
}

// mark and setMark read and write how far a list was followed.
func (s *session) mark(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Marks[name]
}

func (s *session) setMark(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if value == "" {
		delete(s.state.Marks, name)
		return
	}
	s.state.Marks[name] = value
}

// age is how long ago a mark that holds a time was set; very long without one.
func (s *session) age(name string) time.Duration {
	at, err := time.Parse(time.RFC3339, s.mark(name))
	if err != nil {
		return 100 * 365 * 24 * time.Hour
	}
	return s.now.Sub(at)
}

// stamp is what a mark of now says.
func (s *session) stamp() string { return s.now.UTC().Format(time.RFC3339) }
