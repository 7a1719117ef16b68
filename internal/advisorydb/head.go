package advisorydb

import (
	"encoding/binary"
	"errors"
	"sort"
	"time"

	"muster/internal/advisory"
)

// head returns the stored head of a record as bytes of the mapping.
func (f *File) head(number uint64) ([]byte, error) {
	heads := f.section(sectionHeads)
	if number >= f.header.records {
		return nil, corrupt("no record %d", number)
	}
	start := uint64(binary.LittleEndian.Uint32(heads[number*4:]))
	end := uint64(len(heads))
	if number+1 < f.header.records {
		end = uint64(binary.LittleEndian.Uint32(heads[(number+1)*4:]))
	}
	if start > end || end > uint64(len(heads)) {
		return nil, corrupt("head %d outside its section", number)
	}
	return heads[start:end], nil
}

// nameReader decodes heads into buffers that are used again; their strings
// stay valid. Without an arena each head is copied by itself.
type nameReader struct {
	arena *arena
	list  []string
}

// read fills in what matching needs of a head.
func (n *nameReader) read(f *File, number uint64, a *advisory.Advisory) error {
	_, err := n.readHead(f, number, a)
	return err
}

// readHead also returns the rest of the head.
func (n *nameReader) readHead(f *File, number uint64, a *advisory.Advisory) (reader, error) {
	head, err := f.head(number)
	if err != nil {
		return reader{}, err
	}
	r := reader{b: n.copy(head)}
	n.list = n.list[:0]
	a.ID = r.string()
	named := n.strings(&r)
	n.strings(&r)
	if r.bad {
		return r, corrupt("head %d", number)
	}
	a.Vulnerabilities, a.Synonyms = n.list[:named:named], n.list[named:]
	return r, nil
}

func (n *nameReader) copy(head []byte) string {
	if n.arena == nil {
		return string(head)
	}
	return n.arena.copy(head)
}

// strings appends a list and returns its length.
func (n *nameReader) strings(r *reader) int {
	count := r.count()
	for range count {
		n.list = append(n.list, r.string())
	}
	return count
}

// Advisory returns a whole record by its id, withdrawn or not; false when the
// file has none.
func (f *File) Advisory(id string) (advisory.Advisory, bool, error) {
	return f.record(id, advisory.Parse)
}

// Text is Advisory with only what advisory.ParseText reads, for a fraction of
// the time.
func (f *File) Text(id string) (advisory.Advisory, bool, error) {
	return f.record(id, advisory.ParseText)
}

// parse reads a record's JSON.
type parse func([]byte) (advisory.Advisory, error)

func (f *File) record(id string, parse parse) (advisory.Advisory, bool, error) {
	if err := f.ready(); err != nil {
		return advisory.Advisory{}, false, err
	}
	var failed error
	n := sort.Search(f.Records(), func(i int) bool {
		head, err := f.head(uint64(i))
		failed = errors.Join(failed, err)
		r := reader{b: string(head)}
		return r.string() >= id
	})
	if failed != nil || n == f.Records() {
		return advisory.Advisory{}, false, f.wrap(failed)
	}
	var names nameReader
	var named advisory.Advisory
	r, err := names.readHead(f, uint64(n), &named)
	if err != nil || named.ID != id {
		return advisory.Advisory{}, false, f.wrap(err)
	}
	full, err := f.document(&r, parse)
	full.Vulnerabilities, full.Synonyms = named.Vulnerabilities, named.Synonyms
	return full, err == nil, f.wrap(err)
}

// document reads the rest of a head and the record's JSON.
func (f *File) document(r *reader, parse parse) (advisory.Advisory, error) {
	withdrawn := r.uvarint()
	r.skip(8)
	at := place{uint32(r.uvarint()), uint32(r.uvarint()), uint32(r.uvarint())}
	if r.bad {
		return advisory.Advisory{}, corrupt("head")
	}
	doc, err := f.docs.read(at)
	if err != nil {
		return advisory.Advisory{}, err
	}
	a, err := parse(doc)
	if err != nil {
		return advisory.Advisory{}, corrupt("%v", err)
	}
	if withdrawn != 0 && a.Withdrawn.IsZero() {
		a.Withdrawn = time.Unix(int64(withdrawn), 0).UTC()
	}
	return a, nil
}
