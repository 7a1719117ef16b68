package advisorydb

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"muster/internal/advisory"
)

// mapped is an open file of any kind.
type mapped struct {
	name    string
	data    []byte
	header  *header
	release func()
}

func openMapped(path string, kind uint32) (*mapped, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // the mapping outlives it
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < headerSize || info.Size() > maxFileBytes {
		return nil, fmt.Errorf("%s: %w", path, corrupt("%d bytes", info.Size()))
	}
	data, release, err := mapFile(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m := &mapped{name: path, data: data, release: release}
	if m.header, err = decodeHeader(data, kind); err != nil {
		release()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func (m *mapped) section(i int) []byte { return m.header.bytes(m.data, i) }

// wrap names the file in an error.
func (m *mapped) wrap(err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	return nil
}

// block returns the text of an index row, verified.
func (m *mapped) block(r row) (string, error) {
	blocks := m.section(sectionBlocks)
	if r.offset > uint64(len(blocks)) || uint64(r.length) > uint64(len(blocks))-r.offset {
		return "", corrupt("block outside its section")
	}
	b := blocks[r.offset : r.offset+uint64(r.length)]
	if checksum(b) != r.crc {
		return "", corrupt("block checksum")
	}
	return string(b), nil
}

// File is an open file of advisories.
type File struct {
	*mapped
	docs *unpacker
	// ready verifies the sections that lookups rely on, once, and decodes words.
	ready    func() error
	words    vocabulary
	releases []Release
	// feed is where the file's records came by; see advisory.Advisory.
	feed string
}

// OpenFile opens a file of advisories. It reads the header only.
func OpenFile(path string) (*File, error) {
	m, err := openMapped(path, kindAdvisories)
	if err != nil {
		return nil, err
	}
	f := &File{mapped: m, docs: newUnpacker(m.section(sectionDir), m.section(sectionChunks))}
	f.ready = sync.OnceValue(f.prepare)
	return f, nil
}

// Close gives the mapping back. Nothing may use the file afterwards.
func (f *File) Close() { f.release() }

// Records is the number of records, withdrawn ones included.
func (f *File) Records() int { return int(f.header.records) }

// Newest is the latest modification date of a record.
func (f *File) Newest() time.Time { return time.Unix(f.header.newest, 0).UTC() }

// Verify reads the whole file against its checksums.
func (f *File) Verify() error {
	if err := f.ready(); err != nil {
		return err
	}
	return f.wrap(f.header.verify(f.data, sectionBlocks, sectionChunks))
}

func (f *File) prepare() error {
	err := f.header.verify(f.data, sectionIndex, sectionHeads, sectionDir, sectionWords)
	if err != nil {
		return f.wrap(err)
	}
	if f.header.records*4 > uint64(len(f.section(sectionHeads))) || len(f.section(sectionIndex))%indexRow != 0 {
		return f.wrap(corrupt("index too short"))
	}
	r := reader{b: string(f.section(sectionWords))}
	f.words.read(&r)
	f.releases = readReleases(&r)
	if r.bad {
		return f.wrap(corrupt("words or releases"))
	}
	return nil
}

// Lookup returns the records about a package that are not withdrawn, each with
// only the affected entries of that package and only what matching needs: ID,
// Feed, Vulnerabilities, Synonyms and Affected (without Severity). Nil when there
// are none. The strings share large buffers: copy what is kept.
func (f *File) Lookup(key advisory.Key) ([]advisory.Advisory, error) {
	var out []advisory.Advisory
	err := f.Each(key, nil, func(a *advisory.Advisory) { out = append(out, copyRecord(a)) })
	return out, err
}

// copyRecord copies the lists of a record, not their strings.
func copyRecord(a *advisory.Advisory) advisory.Advisory {
	out := advisory.Advisory{ID: a.ID, Feed: a.Feed, Vulnerabilities: slices.Clone(a.Vulnerabilities), Synonyms: slices.Clone(a.Synonyms)}
	for _, e := range a.Affected {
		e.Versions = slices.Clone(e.Versions)
		e.Ranges = slices.Clone(e.Ranges)
		for i := range e.Ranges {
			e.Ranges[i].Events = slices.Clone(e.Ranges[i].Events)
		}
		out.Affected = append(out.Affected, e)
	}
	return out
}

// Each calls visit for the records that Lookup would return, as long as
// relevant (nil: always) accepts one of their entries; the others cost next to
// nothing. What both get is valid only during the call, and so are its lists
// and strings.
func (f *File) Each(key advisory.Key, relevant func(*advisory.Affected) bool, visit func(*advisory.Advisory)) error {
	if err := f.ready(); err != nil {
		return err
	}
	index, hash := f.section(sectionIndex), hashKey(key)
	for i := firstRow(index, hash); i < rowCount(index); i++ {
		r := rowAt(index, i)
		if r.hash != hash {
			break
		}
		text, err := f.block(r)
		if err != nil {
			return f.wrap(err)
		}
		in := reader{b: text}
		if in.string() == key.Ecosystem && in.string() == key.Name {
			return f.wrap(f.eachInBlock(&in, key, relevant, visit))
		}
	}
	return nil
}

// eachInBlock decodes what follows the key.
func (f *File) eachInBlock(in *reader, key advisory.Key, relevant func(*advisory.Affected) bool, visit func(*advisory.Advisory)) error {
	records, entries := in.count(), in.count()
	if in.bad || records > entries {
		return corrupt("block of %d records and %d entries", records, entries)
	}
	names := nameReader{arena: &arena{}}
	var s slab
	a := advisory.Advisory{Feed: f.feed}
	number := uint64(0)
	for range records {
		number += in.uvarint()
		wanted := s.readEntries(in, key, &f.words, relevant)
		if in.bad {
			break
		}
		if !wanted {
			continue
		}
		if err := names.read(f, number, &a); err != nil {
			return err
		}
		a.Affected = s.affected
		visit(&a)
	}
	if in.bad {
		return corrupt("block content")
	}
	return nil
}
