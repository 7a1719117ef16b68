package advisorydb

import (
	"fmt"
	"os"
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
	defer f.Close()
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
	ready func() error
	words []string
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
	for range r.count() {
		f.words = append(f.words, r.string())
	}
	if r.bad {
		return f.wrap(corrupt("words"))
	}
	return nil
}

// Lookup returns the records about a package that are not withdrawn, each with
// only the affected entries of that package and only what matching needs: ID,
// Vulnerabilities, Synonyms and Affected (without Severity). Nil when there
// are none. The strings share large buffers: copy what is kept.
func (f *File) Lookup(key advisory.Key) ([]advisory.Advisory, error) {
	if err := f.ready(); err != nil {
		return nil, err
	}
	index, hash := f.section(sectionIndex), hashKey(key)
	for i := firstRow(index, hash); i < rowCount(index); i++ {
		r := rowAt(index, i)
		if r.hash != hash {
			break
		}
		text, err := f.block(r)
		if err != nil {
			return nil, f.wrap(err)
		}
		in := reader{b: text}
		if in.string() == key.Ecosystem && in.string() == key.Name {
			list, err := f.readBlock(&in, key)
			return list, f.wrap(err)
		}
	}
	return nil, nil
}

// readBlock decodes what follows the key.
func (f *File) readBlock(in *reader, key advisory.Key) ([]advisory.Advisory, error) {
	records, entries := in.count(), in.count()
	if in.bad || records > entries {
		return nil, corrupt("block of %d records and %d entries", records, entries)
	}
	out := make([]advisory.Advisory, 0, records)
	s := slab{
		affected: make([]advisory.Affected, 0, entries), ranges: make([]advisory.Range, 0, entries),
		events: make([]advisory.Event, 0, 2*entries),
	}
	var names nameReader
	number := uint64(0)
	for range records {
		number += in.uvarint()
		a, _, err := names.read(f, number)
		if err != nil {
			return nil, err
		}
		start := len(s.affected)
		for range in.count() {
			entry := s.readEntry(in, f.words)
			entry.Ecosystem, entry.Name = key.Ecosystem, key.Name
			s.affected = append(s.affected, entry)
		}
		a.Affected = s.affected[start:len(s.affected):len(s.affected)]
		out = append(out, a)
	}
	if in.bad {
		return nil, corrupt("block content")
	}
	return out, nil
}
