package advisorydb

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"muster/internal/advisory"
)

// Intel is what a set knows of a CVE beside the packages it affects.
type Intel = advisory.Intel

// Key is what a set's records are looked up by.
type Key = advisory.Key

// ErrClosed is the answer of a set after Close.
var ErrClosed = errors.New("advisory set is closed")

// Set is a snapshot of advisories and intelligence. It never changes, and any
// number of goroutines may use it.
type Set struct {
	shared *shared
	closed atomic.Bool
	// held is what Close or the collector gives back, once.
	held *hold
}

// shared is the opened files, closed with the last Set that uses them.
type shared struct {
	dir   string
	files []Info
	// byName has the files of each ecosystem, its publisher's own feeds before
	// what came as OSV.
	byName map[string][]*File
	// feeds are the names of those feeds, in the same order.
	feeds  map[string][]string
	tables map[Kind]*Table
	epss   *EPSSFile

	// users counts the open sets and the reads under way, so that nothing is
	// unmapped below a reader. Once zero it stays zero.
	users atomic.Int64
}

// hold is one reference to shared.
type hold struct {
	shared *shared
	once   sync.Once
}

func (h *hold) release() { h.once.Do(h.shared.drop) }

// Open opens the set in a folder. A file that the manifest lists and that is
// missing, cut or of another format is an error. Close the set after use; one
// that is forgotten is closed when it is collected.
func Open(dir string) (*Set, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	return OpenFiles(dir, m.Files)
}

// OpenFiles opens files of a folder as a set, whatever manifest says.
func OpenFiles(dir string, files []Info) (*Set, error) {
	s := &shared{dir: dir, files: files, byName: map[string][]*File{}, feeds: map[string][]string{}, tables: map[Kind]*Table{}}
	for _, info := range files {
		if err := s.open(info); err != nil {
			s.unmap()
			return nil, err
		}
	}
	s.users.Store(1)
	return s.handle(), nil
}

// VerifyFile reads one file of the set in the folder against its checksums.
func VerifyFile(dir string, info Info) error {
	s := &shared{dir: dir, files: []Info{info}, byName: map[string][]*File{}, feeds: map[string][]string{}, tables: map[Kind]*Table{}}
	if err := s.open(info); err != nil {
		s.unmap()
		return err
	}
	s.users.Store(1)
	set := s.handle()
	defer set.Close()
	return set.Verify()
}

// Empty is a set that knows nothing: the state before the first import.
func Empty() *Set {
	s := &shared{byName: map[string][]*File{}, feeds: map[string][]string{}, tables: map[Kind]*Table{}}
	s.users.Store(1)
	return s.handle()
}

func (s *shared) open(info Info) error {
	path := filepath.Join(s.dir, info.File)
	if stat, err := os.Stat(path); err != nil {
		return err
	} else if stat.Size() != info.Size {
		return fmt.Errorf("%s: %w", path, corrupt("%d bytes where the manifest says %d", stat.Size(), info.Size))
	}
	var err error
	switch info.Kind {
	case Advisories:
		err = s.openAdvisories(info, path)
	case EPSS:
		s.epss, err = OpenEPSS(path)
	case CVEs, KEVs, Exploits, Products, NVD, CVEList, ExploitDB, Metasploit, Nuclei:
		s.tables[info.Kind], err = OpenTable(path)
	default:
		err = fmt.Errorf("%s: %w", path, corrupt("kind %q", info.Kind))
	}
	return err
}

func (s *shared) openAdvisories(info Info, path string) error {
	f, err := OpenFile(path)
	if err != nil {
		return err
	}
	f.feed = info.Feed
	list := append(s.byName[info.Ecosystem], f)
	slices.SortFunc(list, func(a, b *File) int { return advisory.CompareFeeds(a.feed, b.feed) })
	s.byName[info.Ecosystem] = list
	s.feeds[info.Ecosystem] = nil
	for _, f := range list {
		s.feeds[info.Ecosystem] = append(s.feeds[info.Ecosystem], f.feed)
	}
	return nil
}

// handle makes a Set of a reference that the caller has taken.
func (s *shared) handle() *Set {
	set := &Set{shared: s, held: &hold{shared: s}}
	runtime.AddCleanup(set, (*hold).release, set.held)
	return set
}

// acquire takes a reference, unless the files are closed.
func (s *shared) acquire() bool {
	for n := s.users.Load(); n > 0; n = s.users.Load() {
		if s.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

func (s *shared) drop() {
	if s.users.Add(-1) == 0 {
		s.unmap()
	}
}

// unmap closes every file that was opened.
func (s *shared) unmap() {
	for _, list := range s.byName {
		for _, f := range list {
			f.Close()
		}
	}
	for _, t := range s.tables {
		if t != nil {
			t.Close()
		}
	}
	if s.epss != nil {
		s.epss.Close()
	}
}

// Share returns another Set over the same files, to be closed on its own.
func (s *Set) Share() (*Set, error) {
	if _, err := s.use(); err != nil {
		return nil, err
	}
	return s.shared.handle(), nil
}

// Close gives the set back; the files close with the last set that shares
// them. Later calls answer ErrClosed.
func (s *Set) Close() {
	if !s.closed.Swap(true) {
		s.held.release()
	}
}

// use keeps the files mapped until done is called.
func (s *Set) use() (done func(), err error) {
	if s.closed.Load() || !s.shared.acquire() {
		return nil, ErrClosed
	}
	return s.shared.drop, nil
}

// Dir is the set's folder.
func (s *Set) Dir() string { return s.shared.dir }

// Lookup returns the records about a package that are not withdrawn. The
// ecosystem carries its release where it has releases ("Debian:12"). See
// File.Lookup for what a record holds; nil when nothing is known.
func (s *Set) Lookup(ecosystem, name string) ([]advisory.Advisory, error) {
	done, err := s.use()
	if err != nil {
		return nil, err
	}
	defer done()
	var out []advisory.Advisory
	for _, f := range s.shared.byName[advisory.BaseEcosystem(ecosystem)] {
		found, err := f.Lookup(advisory.NewKey(ecosystem, name))
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// Each is Lookup for matching: it calls visit for each record that relevant
// accepts an entry of, with buffers that are used again; see File.Each. It
// satisfies match.Lookup.
func (s *Set) Each(ecosystem, name string, relevant func(*advisory.Affected) bool, visit func(*advisory.Advisory)) error {
	done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	for _, f := range s.shared.byName[advisory.BaseEcosystem(ecosystem)] {
		if err := f.Each(advisory.NewKey(ecosystem, name), relevant, visit); err != nil {
			return err
		}
	}
	return nil
}

// Feeds names the feeds that the advisories of an ecosystem came by, "" for
// OSV, in the order of precedence. The caller does not change the list.
func (s *Set) Feeds(ecosystem string) []string {
	return s.shared.feeds[advisory.BaseEcosystem(ecosystem)]
}

// Advisory returns a whole record, withdrawn or not, from the files of an
// ecosystem, the publisher's own feeds first; false when there is none.
func (s *Set) Advisory(ecosystem, id string) (advisory.Advisory, bool, error) {
	return s.record(ecosystem, id, (*File).Advisory)
}

// Text is Advisory with only what advisory.ParseText reads, for a fraction of
// the time.
func (s *Set) Text(ecosystem, id string) (advisory.Advisory, bool, error) {
	return s.record(ecosystem, id, (*File).Text)
}

func (s *Set) record(ecosystem, id string, read func(*File, string) (advisory.Advisory, bool, error)) (advisory.Advisory, bool, error) {
	done, err := s.use()
	if err != nil {
		return advisory.Advisory{}, false, err
	}
	defer done()
	for _, f := range s.shared.byName[advisory.BaseEcosystem(ecosystem)] {
		a, found, err := read(f, id)
		if found || err != nil {
			a.Feed = f.feed
			return a, found, err
		}
	}
	return advisory.Advisory{}, false, nil
}

// Has reports whether the set has advisories of an ecosystem at all. Where it
// has none, finding nothing means nothing.
func (s *Set) Has(ecosystem string) bool {
	return len(s.shared.byName[advisory.BaseEcosystem(ecosystem)]) > 0
}

// Ecosystems describes the files of advisories, by ecosystem and feed.
func (s *Set) Ecosystems() []Info {
	var out []Info
	for _, f := range s.shared.files {
		if f.Kind == Advisories {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b Info) int {
		return cmp.Or(strings.Compare(a.Ecosystem, b.Ecosystem), strings.Compare(a.Feed, b.Feed))
	})
	return out
}

// Files describes every file of the set.
func (s *Set) Files() []Info { return slices.Clone(s.shared.files) }

// Verify reads every file against its checksums.
func (s *Set) Verify() error {
	done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	for _, list := range s.shared.byName {
		for _, f := range list {
			err = errors.Join(err, f.Verify())
		}
	}
	for _, t := range s.shared.tables {
		err = errors.Join(err, t.Verify())
	}
	if s.shared.epss != nil {
		err = errors.Join(err, s.shared.epss.Verify())
	}
	return err
}
