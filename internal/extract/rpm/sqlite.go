package rpm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const sqliteMagic = "SQLite format 3\x00"

func isSQLite(start []byte) bool {
	return bytes.HasPrefix(start, []byte(sqliteMagic)) && len(start) >= 100
}

// sqlite reads tables of an SQLite database: only full scans.
type sqlite struct {
	r        io.ReaderAt
	log      *wal
	pageSize int64
	usable   int64 // page size without the reserved bytes at the end
	pages    int64
	// visits left, so that pages that point at each other end.
	visits int64
}

// eachSQLiteBlob scans the table Packages(hnum, blob).
func eachSQLiteBlob(file database, start []byte, visit func([]byte) error) error {
	db, err := openSQLite(file, start)
	if err != nil {
		return err
	}
	var root int64
	err = db.scan(1, 0, func(record []byte) error {
		// sqlite_schema: type, name, tbl_name, rootpage, sql
		columns, err := parseRecord(record, 4)
		if err == nil && string(columns[0].data) == "table" && string(columns[1].data) == "Packages" {
			root = columns[3].integer()
			return errStop
		}
		return err
	})
	if err != nil && !errors.Is(err, errStop) {
		return err
	}
	if root == 0 {
		return errors.New("no table Packages")
	}
	return db.scan(root, 0, func(record []byte) error {
		columns, err := parseRecord(record, 2)
		if err != nil {
			return err
		}
		return visit(columns[1].data)
	})
}

func openSQLite(file database, start []byte) (*sqlite, error) {
	db := &sqlite{r: file, pageSize: int64(binary.BigEndian.Uint16(start[16:]))}
	if db.pageSize == 1 {
		db.pageSize = 65536
	}
	if db.pageSize < 512 || db.pageSize&(db.pageSize-1) != 0 {
		return nil, fmt.Errorf("SQLite page size %d", db.pageSize)
	}
	db.usable = db.pageSize - int64(start[20])
	if db.usable < 480 {
		return nil, fmt.Errorf("SQLite usable page size %d", db.usable)
	}
	db.log = &wal{}
	if file.log != nil {
		log, err := readWAL(file.log, file.logSize, db.pageSize)
		if err != nil {
			return nil, err
		}
		db.log = log
	}
	db.pages = max(file.size/db.pageSize, min(db.log.pages, (file.size+file.logSize)/db.pageSize))
	db.visits = 2 * (db.pages + 1)
	return db, nil
}

// page reads page n, counted from 1.
func (db *sqlite) page(n int64) ([]byte, error) {
	if n < 1 || n > db.pages {
		return nil, fmt.Errorf("page %d of %d", n, db.pages)
	}
	if db.visits--; db.visits < 0 {
		return nil, errors.New("pages refer to each other in circles")
	}
	p := make([]byte, db.pageSize)
	if at, ok := db.log.at[n]; ok {
		if _, err := db.log.r.ReadAt(p, at); err != nil {
			return nil, fmt.Errorf("page %d: %w", n, err)
		}
		return p, nil
	}
	if _, err := db.r.ReadAt(p, (n-1)*db.pageSize); err != nil {
		return nil, fmt.Errorf("page %d: %w", n, err)
	}
	return p, nil
}

// Kinds of pages of a table's tree.
const (
	tableInterior = 0x05
	tableLeaf     = 0x0d
	maxTreeDepth  = 20
)

// scan visits the records of a table in the order of their keys.
func (db *sqlite) scan(n int64, depth int, visit func(record []byte) error) error {
	if depth > maxTreeDepth {
		return errors.New("tree too deep")
	}
	p, err := db.page(n)
	if err != nil {
		return err
	}
	head := p
	if n == 1 {
		head = p[100:] // the file's own header comes first
	}
	cells := int(binary.BigEndian.Uint16(head[3:]))
	switch head[0] {
	case tableLeaf:
		return db.leaf(p, head[8:], cells, visit)
	case tableInterior:
		return db.interior(p, head, cells, depth, visit)
	}
	return fmt.Errorf("page %d is no page of a table", n)
}

func (db *sqlite) interior(p, head []byte, cells, depth int, visit func([]byte) error) error {
	for i := range cells {
		at := pointer(head[12:], i)
		if at < 0 || at+4 > len(p) {
			return errors.New("cell outside its page")
		}
		if err := db.scan(int64(binary.BigEndian.Uint32(p[at:])), depth+1, visit); err != nil {
			return err
		}
	}
	return db.scan(int64(binary.BigEndian.Uint32(head[8:])), depth+1, visit)
}

// pointer is the i-th entry of a cell pointer array, -1 outside of it.
func pointer(array []byte, i int) int {
	if len(array) < 2*(i+1) {
		return -1
	}
	return int(binary.BigEndian.Uint16(array[2*i:]))
}

func (db *sqlite) leaf(p, pointers []byte, cells int, visit func([]byte) error) error {
	for i := range cells {
		at := pointer(pointers, i)
		if at < 0 || at >= len(p) {
			return errors.New("cell outside its page")
		}
		record, err := db.payload(p, p[at:])
		if err != nil {
			return err
		}
		if err := visit(record); err != nil {
			return err
		}
	}
	return nil
}

// payload collects a cell's record, which overflows into a chain of pages
// when it is large.
func (db *sqlite) payload(p, cell []byte) ([]byte, error) {
	length, n := varint(cell)
	_, m := varint(cell[n:]) // the row's key
	if n == 0 || m == 0 || length < 0 || length > maxHeader {
		return nil, errors.New("malformed cell")
	}
	cell = cell[n+m:]
	local := db.local(length)
	if local > int64(len(cell)) {
		return nil, errors.New("cell outside its page")
	}
	if local == length {
		return cell[:length], nil
	}
	if int64(len(cell)) < local+4 {
		return nil, errors.New("cell outside its page")
	}
	record := append(make([]byte, 0, min(length, db.pages*db.pageSize)), cell[:local]...)
	for next := int64(binary.BigEndian.Uint32(cell[local:])); int64(len(record)) < length; {
		page, err := db.page(next)
		if err != nil {
			return nil, err
		}
		next = int64(binary.BigEndian.Uint32(page))
		record = append(record, page[4:min(db.usable, 4+length-int64(len(record)))]...)
	}
	return record, nil
}

// local is how much of a record of that length lies in the cell itself.
func (db *sqlite) local(length int64) int64 {
	most := db.usable - 35
	if length <= most {
		return length
	}
	least := (db.usable-12)*32/255 - 23
	if k := least + (length-least)%(db.usable-4); k <= most {
		return k
	}
	return least
}

// column is one value of a record.
type column struct {
	kind int64
	data []byte
}

// integer is the value of an integer column of at most eight bytes.
func (c column) integer() int64 {
	switch {
	case c.kind == 9:
		return 1
	case c.kind < 1 || c.kind > 6:
		return 0
	}
	n := int64(int8(c.data[0]))
	for _, b := range c.data[1:] {
		n = n<<8 | int64(b)
	}
	return n
}

// parseRecord takes the first columns of a record.
func parseRecord(record []byte, columns int) ([]column, error) {
	size, n := varint(record)
	if n == 0 || size < int64(n) || size > int64(len(record)) {
		return nil, errors.New("malformed record")
	}
	kinds, body := record[n:size], record[size:]
	list := make([]column, 0, columns)
	for range columns {
		kind, n := varint(kinds)
		length := columnLength(kind)
		if n == 0 || length < 0 || length > int64(len(body)) {
			return nil, errors.New("malformed record")
		}
		list = append(list, column{kind, body[:length]})
		kinds, body = kinds[n:], body[length:]
	}
	return list, nil
}

func columnLength(kind int64) int64 {
	switch {
	case kind >= 12:
		return (kind - 12) / 2
	case kind == 0, kind == 8, kind == 9:
		return 0
	case kind >= 1 && kind <= 4:
		return kind
	case kind == 5:
		return 6
	case kind == 6, kind == 7:
		return 8
	}
	return -1
}

// varint reads SQLite's variable-length integer of at most nine bytes; n is 0
// when the data ends first.
func varint(data []byte) (value int64, n int) {
	for i := range min(len(data), 8) {
		value = value<<7 | int64(data[i]&0x7f)
		if data[i] < 0x80 {
			return value, i + 1
		}
	}
	if len(data) < 9 {
		return 0, 0
	}
	return value<<8 | int64(data[8]), 9
}
