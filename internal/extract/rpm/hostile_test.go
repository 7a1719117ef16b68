package rpm

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"muster/internal/extract/kernel"
)

// allocated is how many bytes a function allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// rawHeader is a header of tags that all mean the same data.
func rawHeader(kinds map[uint32]uint32, count uint32, data []byte) []byte {
	blob := binary.BigEndian.AppendUint32(nil, uint32(len(kinds)))
	blob = binary.BigEndian.AppendUint32(blob, uint32(len(data)))
	for _, tag := range []uint32{tagName, tagVersion, tagRelease, tagArch, tagSourceRPM, tagBaseNames, tagDirNames, tagDirIndexes} {
		if kind, ok := kinds[tag]; ok {
			for _, v := range []uint32{tag, kind, 0, count} {
				blob = binary.BigEndian.AppendUint32(blob, v)
			}
		}
	}
	return append(blob, data...)
}

// TestFilesWithoutNames: a header of zeros is as many files without names as it
// has bytes, in as many folders.
func TestFilesWithoutNames(t *testing.T) {
	zeros := rawHeader(map[uint32]uint32{tagBaseNames: typeStringArray, tagDirNames: typeStringArray, tagDirIndexes: typeInt32}, 1<<31, make([]byte, 32<<20))
	h, err := parseHeader(zeros)
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	used := allocated(func() { h.files(func([]byte) { files++ }) })
	if files != maxFiles || used > 32<<20 {
		t.Errorf("%d files, %d bytes", files, used)
	}
}

// TestOneCellManyTimes: cells of a page, slots of a table or items of a hash
// page that are all the same package are refused, not read a hundred thousand
// times.
func TestOneCellManyTimes(t *testing.T) {
	const size = 1024
	page := testSQLite()
	leaf := page[size:]
	at := binary.BigEndian.Uint16(leaf[8:])
	cells := (int(at) - 8) / 2
	binary.BigEndian.PutUint16(leaf[3:], uint16(cells))
	for n := range cells {
		binary.BigEndian.PutUint16(leaf[8+2*n:], at)
	}
	slots := testNDB(testHeader("one", "/"+strings.Repeat("x", 500)))
	for n := range 100 {
		copy(slots[ndbHeader+16*n:], slots[ndbHeader:ndbHeader+16])
	}
	hash := testBDB(testHeader("one"))
	binary.BigEndian.PutUint16(hash[512+20:], 100)
	for n := range 50 {
		binary.BigEndian.PutUint16(hash[512+bdbHeader+4*n+2:], 400)
	}
	for form, tt := range map[string]struct {
		data []byte
		want string
	}{"SQLite": {page, "overlap"}, "NDB": {slots, "overlap"}, "Berkeley DB": {hash, "circles"}} {
		visited := 0
		err := eachHeader(database{ReaderAt: bytes.NewReader(tt.data), size: int64(len(tt.data))}, func(header) error { visited++; return nil })
		if err == nil || !strings.Contains(err.Error(), tt.want) || visited > 25 {
			t.Errorf("%s: %d packages: %v", form, visited, err)
		}
	}
}

// TestSchemaTricks: views, indexes and tables whose root leads back into the
// schema or out of the file.
func TestSchemaTricks(t *testing.T) {
	const size = 1024
	for what, change := range map[string]func([]byte){
		"the schema as the table": func(b []byte) { i := bytes.Index(b, []byte("Packages\x02")); b[i+8] = 1 },
		"a page that is not":      func(b []byte) { i := bytes.Index(b, []byte("Packages\x02")); b[i+8] = 9 },
		"a view":                  func(b []byte) { i := bytes.Index(b, []byte("table")); copy(b[i:], "vieww") },
		"an index page":           func(b []byte) { b[size] = 0x0a },
		"a page of itself":        func(b []byte) { b[size] = tableInterior; b[size+3], b[size+4] = 0, 0; b[size+11] = 2 },
		"a record longer than it": func(b []byte) { at := binary.BigEndian.Uint16(b[size+8:]); b[size+int(at)] = 0xff },
	} {
		data := testSQLite()
		change(data)
		visited := 0
		err := eachHeader(database{ReaderAt: bytes.NewReader(data), size: int64(len(data))}, func(header) error { visited++; return nil })
		if err == nil || visited > 0 {
			t.Errorf("%s: %d packages, %v", what, visited, err)
		}
	}
}

// TestLongNamesAreNotKept: packages that no inventory takes are counted only.
func TestLongNamesAreNotKept(t *testing.T) {
	var blobs [][]byte
	kinds := map[uint32]uint32{tagName: typeString, tagVersion: typeString, tagRelease: typeString, tagArch: typeString, tagSourceRPM: typeString}
	for range 200 {
		blobs = append(blobs, rawHeader(kinds, 1, append(bytes.Repeat([]byte("n"), 4000), 0)))
	}
	fsys := fstest.MapFS{"usr/lib/sysimage/rpm/Packages.db": {Data: testNDB(blobs...)}}
	items, err := Read(fsys, rhel(), kernel.Running{})
	if err != nil || len(items) != 200 {
		t.Fatalf("%d, %v", len(items), err)
	}
	for _, it := range items {
		if it.Name != "" || it.Version != "" {
			t.Fatalf("kept %.20q", it.Name)
		}
	}
}
