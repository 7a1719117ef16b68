package advisorydb

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// TableBuilder writes a table: JSON documents by text key (CVE details, KEV
// entries, products).
type TableBuilder struct {
	w    *writer
	pack *packer
	rows []tableRow
	seen map[uint64]seenKey
}

// seenKey is a key that was added, and the number of its row.
type seenKey struct {
	key string
	row int
}

// tableRow is an index row of a table: key hash, content hash, and the
// document's place. A document begins with its key and a line break.
type tableRow struct {
	hash, content uint64
	place         place
}

// NewTableBuilder creates the file, which must not exist.
func NewTableBuilder(path string) (*TableBuilder, error) {
	w, err := newWriter(path, kindTable)
	if err != nil {
		return nil, err
	}
	t := &TableBuilder{w: w, seen: map[uint64]seenKey{}}
	if t.pack, err = newPacker(w); err != nil {
		w.abort()
		return nil, err
	}
	return t, nil
}

// Add stores value as JSON under key, which must be new.
func (t *TableBuilder) Add(key string, value any) error {
	if other, ok := t.seen[hashText(key)]; ok {
		return fmt.Errorf("%s appears twice (or has the hash of %s)", key, other.key)
	}
	return t.Put(key, value)
}

// Put stores value as JSON under key. What was stored under it before no
// longer counts; its document stays in the file.
func (t *TableBuilder) Put(key string, value any) error {
	hash := hashText(key)
	other, seen := t.seen[hash]
	if seen && other.key != key {
		return fmt.Errorf("%s has the hash of %s", key, other.key)
	}
	doc, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	at, err := t.pack.add(append([]byte(key+"\n"), doc...))
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	r := tableRow{hash, hashText(string(doc)), at}
	if seen {
		t.rows[other.row] = r
		return nil
	}
	t.seen[hash] = seenKey{key, len(t.rows)}
	t.rows = append(t.rows, r)
	return nil
}

// Finish writes the index; newest is the date of the table's source.
func (t *TableBuilder) Finish(newest time.Time) (Summary, error) {
	err := t.pack.finish()
	slices.SortFunc(t.rows, func(a, b tableRow) int { return cmp.Compare(a.hash, b.hash) })
	le := binary.LittleEndian
	var index []byte
	for _, r := range t.rows {
		index = le.AppendUint64(le.AppendUint64(index, r.hash), r.content)
		index = le.AppendUint32(le.AppendUint32(index, r.place.chunk), r.place.offset)
		index = le.AppendUint64(index, uint64(r.place.length))
	}
	t.w.write(sectionIndex, index)
	t.w.header.records, t.w.header.newest = uint64(len(t.rows)), newest.Unix()
	if err = errors.Join(err, t.w.close()); err != nil {
		_ = os.Remove(t.w.file.Name())
		return Summary{}, err
	}
	return Summary{len(t.rows), len(t.rows), newest}, nil
}

// Abort removes the unfinished file.
func (t *TableBuilder) Abort() { t.w.abort() }

// Table is an open table.
type Table struct {
	*mapped
	docs  *unpacker
	ready func() error
}

// OpenTable opens a table. It reads the header only.
func OpenTable(path string) (*Table, error) {
	m, err := openMapped(path, kindTable)
	if err != nil {
		return nil, err
	}
	t := &Table{mapped: m, docs: newUnpacker(m.section(sectionDir), m.section(sectionChunks))}
	t.ready = sync.OnceValue(t.prepare)
	return t, nil
}

// Close gives the mapping back. Nothing may use the table afterwards.
func (t *Table) Close() { t.release() }

// Verify reads the whole table against its checksums.
func (t *Table) Verify() error {
	if err := t.ready(); err != nil {
		return err
	}
	return t.wrap(t.header.verify(t.data, sectionChunks))
}

func (t *Table) prepare() error {
	if len(t.section(sectionIndex))%indexRow != 0 {
		return t.wrap(corrupt("index length"))
	}
	return t.wrap(t.header.verify(t.data, sectionIndex, sectionDir))
}

// Get decodes the document of a key into value; false when there is none.
func (t *Table) Get(key string, value any) (bool, error) {
	if err := t.ready(); err != nil {
		return false, err
	}
	index, hash := t.section(sectionIndex), hashText(key)
	i := firstRow(index, hash)
	if i >= rowCount(index) || rowAt(index, i).hash != hash {
		return false, nil
	}
	doc, err := t.document(i)
	if err != nil {
		return false, err
	}
	rest, ok := cutKey(doc, key)
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal(rest, value); err != nil {
		return false, t.wrap(corrupt("document of %s: %v", key, err))
	}
	return true, nil
}

// place is where the i-th document lies.
func (t *Table) place(i int) place {
	b := t.section(sectionIndex)[i*indexRow:]
	le := binary.LittleEndian
	return place{le.Uint32(b[16:]), le.Uint32(b[20:]), le.Uint32(b[24:])}
}

// document reads the i-th document with its key.
func (t *Table) document(i int) ([]byte, error) {
	doc, err := t.docs.read(t.place(i))
	return doc, t.wrap(err)
}

// cutKey removes the key and the line break that a document begins with.
func cutKey(doc []byte, key string) ([]byte, bool) {
	if len(doc) <= len(key) || string(doc[:len(key)]) != key || doc[len(key)] != '\n' {
		return nil, false
	}
	return doc[len(key)+1:], true
}

// keyOf is the key of the i-th document.
func (t *Table) keyOf(i int) (string, error) {
	doc, err := t.document(i)
	if err != nil {
		return "", err
	}
	for n, c := range doc {
		if c == '\n' {
			return string(doc[:n]), nil
		}
	}
	return "", t.wrap(corrupt("document without a key"))
}
