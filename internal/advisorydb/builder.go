package advisorydb

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"muster/internal/advisory"
)

// Builder writes the file of one ecosystem. Records are added in any order and
// are on disk from then on; the heap holds their names and, per affected
// package, where its entry lies.
type Builder struct {
	base    string
	w       *writer
	pack    *packer
	spill   *spill
	records []builtRecord
	keys    map[advisory.Key]uint32
	refs    []entryRef
	words   map[string]uint64
	// releases counts records by ecosystem with suffix.
	releases map[string]*release
	// seen is the number of each record by its id.
	seen    map[string]uint32
	newest  time.Time
	scratch []byte
}

// builtRecord is what is kept of a record until the end: enough of it to
// resolve its names.
type builtRecord struct {
	advisory.Advisory
	place place
	hash  uint64
}

// entryRef is an affected entry in the spill file.
type entryRef struct {
	key, record uint32
	offset      uint64
	length      uint32
}

// maxWords bounds the distinct words of a file (severities, module streams,
// lists of architectures); real ones have some hundred.
const maxWords = 16384

// Summary is what a finished file contains.
type Summary struct {
	// Records counts all records, withdrawn ones included, Keys the
	// (ecosystem, package) pairs.
	Records, Keys int
	// Newest is the latest modification date of a record.
	Newest time.Time
}

// NewBuilder creates the file of an ecosystem (without suffix), which must not
// exist. Entries of other ecosystems, which records may also have, are not
// indexed. The caller ends with Finish or Abort.
func NewBuilder(path, ecosystem string) (*Builder, error) {
	w, err := newWriter(path, kindAdvisories)
	if err != nil {
		return nil, err
	}
	b := &Builder{base: ecosystem, w: w, keys: map[advisory.Key]uint32{}, words: map[string]uint64{}, releases: map[string]*release{}, seen: map[string]uint32{}}
	if b.pack, err = newPacker(w); err == nil {
		b.spill, err = newSpill(filepath.Dir(path))
	}
	if err != nil {
		w.abort()
		return nil, err
	}
	return b, nil
}

// Add takes a record and its JSON, which is kept word for word. A second
// record with the same id is refused. The advisory's strings are retained.
func (b *Builder) Add(a *advisory.Advisory, raw []byte) error {
	if _, seen := b.seen[a.ID]; seen {
		return fmt.Errorf("record %s appears twice", a.ID)
	}
	return b.add(a, raw, hashBytes(raw))
}

// Merge is Add for publishers' own feeds, which may spread a record over
// several files: what comes under an id again adds to its names and affected
// entries. Of the first part's JSON everything is kept but the affected
// entries, which may be hundreds of thousands.
func (b *Builder) Merge(a *advisory.Advisory, raw []byte) error {
	if number, seen := b.seen[a.ID]; seen {
		r := &b.records[number]
		r.Aliases = union(r.Aliases, a.Aliases)
		r.Upstream = union(r.Upstream, a.Upstream)
		r.Related = union(r.Related, a.Related)
		r.hash = r.hash*31 + hashBytes(raw)
		return b.addEntries(number, a)
	}
	slim := *a
	slim.Affected = nil
	for _, entry := range a.Affected {
		if len(entry.Severity) > 0 {
			slim.Affected = append(slim.Affected, advisory.Affected{Ecosystem: entry.Ecosystem, Name: entry.Name, Severity: entry.Severity})
		}
	}
	document, err := advisory.Encode(&slim)
	if err != nil {
		return err
	}
	return b.add(a, document, hashBytes(raw))
}

func union(list, more []string) []string {
	list = slices.Clone(list)
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func hashBytes(b []byte) uint64 {
	sum := sha256.Sum256(b)
	return binary.LittleEndian.Uint64(sum[:])
}

// add takes a record with the document that is kept of it and a hash of its
// content.
func (b *Builder) add(a *advisory.Advisory, document []byte, hash uint64) error {
	at, err := b.pack.add(document)
	if err != nil {
		return fmt.Errorf("record %s: %w", a.ID, err)
	}
	number := uint32(len(b.records))
	b.seen[a.ID] = number
	b.records = append(b.records, builtRecord{
		Advisory: advisory.Advisory{ID: a.ID, Aliases: a.Aliases, Upstream: a.Upstream, Related: a.Related, Withdrawn: a.Withdrawn},
		place:    at, hash: hash,
	})
	return b.addEntries(number, a)
}

func (b *Builder) addEntries(number uint32, a *advisory.Advisory) error {
	if a.Modified.After(b.newest) {
		b.newest = a.Modified
	}
	if !a.Withdrawn.IsZero() {
		return nil
	}
	for i := range a.Affected {
		if err := b.addEntry(number, &a.Affected[i], a.Modified); err != nil {
			return fmt.Errorf("record %s: %w", a.ID, err)
		}
	}
	return nil
}

// addEntry spills one affected entry. Entries that can never match (another
// ecosystem's, git ranges only, no package name) are left out.
func (b *Builder) addEntry(record uint32, a *advisory.Affected, modified time.Time) error {
	if a.Name == "" || advisory.BaseEcosystem(a.Ecosystem) != b.base {
		return nil
	}
	words, err := b.entryWords(a)
	if err != nil {
		return err
	}
	entry, ok := appendEntry(b.scratch[:0], a, words)
	b.scratch = entry
	if !ok {
		return nil
	}
	offset, err := b.spill.add(entry)
	if err != nil {
		return err
	}
	b.refs = append(b.refs, entryRef{b.key(a), record, offset, uint32(len(entry))})
	return b.count(a.Ecosystem, record, modified)
}

func (b *Builder) key(a *advisory.Affected) uint32 {
	k := advisory.NewKey(a.Ecosystem, a.Name)
	n, ok := b.keys[k]
	if !ok {
		n = uint32(len(b.keys))
		b.keys[k] = n
	}
	return n
}

func (b *Builder) entryWords(a *advisory.Affected) (n entryWordNumbers, err error) {
	if n.severity, err = b.word(a.Word); err != nil {
		return n, err
	}
	if n.module, err = b.word(a.Module); err != nil {
		return n, err
	}
	n.arches, err = b.word(strings.Join(a.Arches, " "))
	return n, err
}

// word numbers a word from one; zero is none.
func (b *Builder) word(w string) (uint64, error) {
	if w == "" {
		return 0, nil
	}
	n, ok := b.words[w]
	if !ok {
		if len(b.words) == maxWords {
			return 0, fmt.Errorf("more than %d different words", maxWords)
		}
		n = uint64(len(b.words) + 1)
		b.words[w] = n
	}
	return n, nil
}

// Finish writes the rest and makes the file durable. After an error the file
// is gone.
func (b *Builder) Finish() (Summary, error) {
	defer b.spill.close()
	err := b.pack.finish()
	if err == nil {
		err = b.writeIndexes()
	}
	b.w.header.records = uint64(len(b.records))
	b.w.header.newest = b.newest.Unix()
	if err = errors.Join(err, b.w.close()); err != nil {
		_ = os.Remove(b.w.file.Name())
		return Summary{}, err
	}
	return Summary{len(b.records), len(b.keys), b.newest}, nil
}

// Abort removes the unfinished file.
func (b *Builder) Abort() {
	b.spill.close()
	b.w.abort()
}

// spill is an anonymous temporary file.
type spill struct {
	file   *os.File
	out    *bufio.Writer
	offset uint64
}

func newSpill(dir string) (*spill, error) {
	f, err := os.CreateTemp(dir, "spill-*.tmp")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // keeps its content while open; where not, close removes it
	return &spill{file: f, out: bufio.NewWriterSize(f, 256<<10)}, nil
}

func (s *spill) add(b []byte) (offset uint64, err error) {
	offset = s.offset
	s.offset += uint64(len(b))
	_, err = s.out.Write(b)
	return offset, err
}

// content maps what was written.
func (s *spill) content() ([]byte, func(), error) {
	if err := s.out.Flush(); err != nil {
		return nil, nil, err
	}
	if s.offset == 0 {
		return nil, func() {}, nil
	}
	return mapFile(s.file, int64(s.offset))
}

func (s *spill) close() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}
