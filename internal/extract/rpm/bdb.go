package rpm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Berkeley DB hash, the form up to rpm 4.15. Its byte order is that of the
// machine that made it.
const (
	bdbHashMagic   = 0x00061561
	bdbMetaPage    = 8
	bdbHashPage    = 2  // unsorted
	bdbSortedPage  = 13 // sorted
	bdbOverflow    = 7
	bdbHeader      = 26 // bytes of a page's header
	bdbOffPage     = 3  // an item that lies in a chain of overflow pages
	bdbOffPageItem = 12
)

type bdb struct {
	r        io.ReaderAt
	order    binary.ByteOrder
	pageSize int64
	pages    int64
	visits   int64
}

func bdbOrder(start []byte) binary.ByteOrder {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if order.Uint32(start[12:]) == bdbHashMagic {
			return order
		}
	}
	return nil
}

func isBDB(start []byte) bool {
	return len(start) >= 72 && start[25] == bdbMetaPage && bdbOrder(start) != nil
}

func eachBDBBlob(r io.ReaderAt, size int64, start []byte, visit func([]byte) error) error {
	db := &bdb{r: r, order: bdbOrder(start)}
	db.pageSize = int64(db.order.Uint32(start[20:]))
	if db.pageSize < 512 || db.pageSize > 65536 || db.pageSize&(db.pageSize-1) != 0 {
		return fmt.Errorf("Berkeley DB page size %d", db.pageSize)
	}
	if start[24] != 0 {
		return errors.New("encrypted Berkeley DB")
	}
	db.pages = min(size/db.pageSize, int64(db.order.Uint32(start[32:]))+1)
	db.visits = 2 * (db.pages + 1)
	for n := int64(1); n < db.pages; n++ {
		if err := db.hashPage(n, visit); err != nil {
			return err
		}
	}
	return nil
}

func (db *bdb) page(n int64) ([]byte, error) {
	if n < 1 || n >= db.pages {
		return nil, fmt.Errorf("page %d of %d", n, db.pages)
	}
	if db.visits--; db.visits < 0 {
		return nil, errors.New("pages refer to each other in circles")
	}
	p := make([]byte, db.pageSize)
	if _, err := db.r.ReadAt(p, n*db.pageSize); err != nil {
		return nil, fmt.Errorf("page %d: %w", n, err)
	}
	return p, nil
}

// hashPage visits the values of one page. Items alternate: key, value. Small
// values, which lie in the page itself, are the database's counter, not
// packages.
func (db *bdb) hashPage(n int64, visit func([]byte) error) error {
	p, err := db.page(n)
	if err != nil {
		return err
	}
	if p[25] != bdbHashPage && p[25] != bdbSortedPage {
		return nil
	}
	items := int(db.order.Uint16(p[20:]))
	for i := 1; i < items && bdbHeader+2*(i+1) <= len(p); i += 2 {
		at := int(db.order.Uint16(p[bdbHeader+2*i:]))
		if at+bdbOffPageItem > len(p) || p[at] != bdbOffPage {
			continue
		}
		blob, err := db.overflow(int64(db.order.Uint32(p[at+4:])), int64(db.order.Uint32(p[at+8:])))
		if err != nil {
			return err
		}
		if err := visit(blob); err != nil {
			return err
		}
	}
	return nil
}

// overflow collects a value of that length from a chain of pages.
func (db *bdb) overflow(n, length int64) ([]byte, error) {
	if length > maxHeader || length > db.pages*db.pageSize {
		return nil, fmt.Errorf("value of %d bytes", length)
	}
	blob := make([]byte, 0, length)
	for int64(len(blob)) < length {
		p, err := db.page(n)
		if err != nil {
			return nil, err
		}
		if p[25] != bdbOverflow {
			return nil, fmt.Errorf("page %d is no overflow page", n)
		}
		held := int64(db.order.Uint16(p[22:]))
		if held == 0 || bdbHeader+held > db.pageSize {
			return nil, fmt.Errorf("overflow page %d holds %d bytes", n, held)
		}
		blob = append(blob, p[bdbHeader:bdbHeader+min(held, length-int64(len(blob)))]...)
		n = int64(db.order.Uint32(p[16:]))
	}
	return blob, nil
}
