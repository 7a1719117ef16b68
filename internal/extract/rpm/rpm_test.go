package rpm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"muster/internal/extract/kernel"
	"muster/internal/inventory"
	"muster/internal/testshared"
)

func rhel() inventory.OS {
	return inventory.OS{ID: "rhel", Ecosystem: "Red Hat:enterprise_linux:8::baseos"}
}

func TestRealDatabase(t *testing.T) {
	fsys := os.DirFS(filepath.Join(testshared.Dir(t), "targets", "os", "rpm-ubi8-2019"))
	items, err := Read(fsys, rhel(), kernel.Running{None: true})
	if err != nil || len(items) != 178 {
		t.Fatalf("%d packages, want 178; %v", len(items), err)
	}
	byName := map[string]inventory.Item{}
	for _, it := range items {
		byName[it.Name] = it
	}
	want := inventory.Item{Component: inventory.Component{Ecosystem: rhel().Ecosystem, Name: "bind-libs-lite", Version: "32:9.11.4-16.P2.el8",
		Arch: "x86_64", Source: "bind", SourceVersion: "32:9.11.4-16.P2.el8", Manager: inventory.ManagerOS}}
	if got, ok := byName["bind-libs-lite"]; ok && got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, it := range items {
		if it.Source == "" || it.SourceVersion == "" || it.Arch == "" || strings.HasSuffix(it.Version, "-") {
			t.Errorf("incomplete: %+v", it)
		}
	}
}

func TestAbsentAndForeignDatabases(t *testing.T) {
	if _, err := Read(fstest.MapFS{}, rhel(), kernel.Running{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no database: %v", err)
	}
	for _, text := range []string{"", "hello", sqliteMagic + strings.Repeat("\x00", 100), strings.Repeat("\x00", 600)} {
		fsys := fstest.MapFS{"var/lib/rpm/Packages": {Data: []byte(text)}}
		if _, err := Read(fsys, rhel(), kernel.Running{}); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestSourcePackage(t *testing.T) {
	for _, tt := range []struct {
		p             identity
		name, version string
	}{
		{identity{sourceRPM: "bash-5.1.8-6.el9.src.rpm"}, "bash", "5.1.8-6.el9"},
		{identity{sourceRPM: "bind-9.11.4-16.el8.src.rpm", epoch: 32}, "bind", "32:9.11.4-16.el8"},
		{identity{sourceRPM: "java-1.8.0-openjdk-1.8.0.312-1.el8.nosrc.rpm"}, "java-1.8.0-openjdk", "1.8.0.312-1.el8"},
		{identity{name: "a", version: "1", release: "2"}, "a", "1-2"},
		{identity{name: "a", version: "1", release: "2", sourceRPM: "odd"}, "a", "1-2"},
	} {
		if name, version := tt.p.source(); name != tt.name || version != tt.version {
			t.Errorf("%+v: %s %s", tt.p, name, version)
		}
	}
}

func TestModuleStream(t *testing.T) {
	for label, want := range map[string]string{
		"nodejs:18:8080020230718150220:63b34585": "nodejs:18", "perl:5.26": "perl:5.26", "": "", "perl": "", ":18:1:2": "", "perl::1:2": "",
	} {
		if got := stream(label); got != want {
			t.Errorf("%q: %q", label, got)
		}
	}
}

func TestThirdParty(t *testing.T) {
	for _, tt := range []struct {
		distribution, vendor string
		want                 bool
	}{
		{"rhel", "Red Hat, Inc.", false},
		{"rhel", "Fedora Project", true},
		{"fedora", "Fedora Project", false},
		{"rhel", "", false},
		{"unheard-of", "Anyone", false},
	} {
		if got := ThirdParty(tt.distribution, tt.vendor); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

// testHeader builds a header blob of string tags and a file list.
func testHeader(name string, files ...string) []byte {
	var index, data []byte
	add := func(tag, kind uint32, count int, value []byte) {
		for _, n := range []uint32{tag, kind, uint32(len(data)), uint32(count)} {
			index = binary.BigEndian.AppendUint32(index, n)
		}
		data = append(data, value...)
	}
	add(tagName, typeString, 1, []byte(name+"\x00"))
	add(tagVersion, typeString, 1, []byte("1\x00"))
	var bases, folders, indexes []byte
	for i, f := range files {
		dir, base := filepath.Split(f)
		bases, folders = append(bases, base+"\x00"...), append(folders, dir+"\x00"...)
		indexes = binary.BigEndian.AppendUint32(indexes, uint32(i))
	}
	add(tagBaseNames, typeStringArray, len(files), bases)
	add(tagDirNames, typeStringArray, len(files), folders)
	add(tagDirIndexes, typeInt32, len(files), indexes)
	blob := binary.BigEndian.AppendUint32(nil, uint32(len(index)/entrySize))
	blob = binary.BigEndian.AppendUint32(blob, uint32(len(data)))
	return append(append(blob, index...), data...)
}

// testNDB builds an NDB file of the blobs.
func testNDB(blobs ...[]byte) []byte {
	put := func(b []byte, numbers ...uint32) []byte {
		for _, n := range numbers {
			b = binary.LittleEndian.AppendUint32(b, n)
		}
		return b
	}
	file := put(nil, ndbHeaderMagic, 0, 1, 1, 0, 0, 0, 0)
	tail := []byte{}
	for i, blob := range blobs {
		file = put(file, ndbSlotMagic, uint32(i+1), uint32(ndbPage+len(tail))/ndbBlock, 0)
		tail = append(put(tail, ndbBlobMagic, uint32(i+1), 1, uint32(len(blob))), blob...)
		tail = append(tail, make([]byte, (ndbBlock-len(tail)%ndbBlock)%ndbBlock)...)
	}
	return append(append(file, make([]byte, ndbPage-len(file))...), tail...)
}

func TestOwners(t *testing.T) {
	fsys := fstest.MapFS{"usr/lib/sysimage/rpm/Packages.db": {
		Data: testNDB(testHeader("first", "/usr/bin/a"), testHeader("second", "/usr/lib/x/b", "/c"), testHeader("gpg-pubkey", "/usr/bin/d")),
	}}
	owners, err := Owners(fsys, map[string]bool{"usr/bin/a": true, "usr/lib/x/b": true, "usr/bin/d": true, "e": true})
	if err != nil || len(owners) != 2 || owners["usr/bin/a"] != "first" || owners["usr/lib/x/b"] != "second" {
		t.Errorf("%v, %v", owners, err)
	}
	if items, err := Read(fsys, rhel(), kernel.Running{}); err != nil || len(items) != 2 {
		t.Errorf("%v, %v", items, err)
	}
}

// FuzzDatabase: no file makes the reader panic, run long or hand out more
// than it holds.
func FuzzDatabase(f *testing.F) {
	f.Add(testNDB(testHeader("a", "/b"), testHeader("c")))
	f.Add(testBDB(testHeader("in-bdb", "/x")))
	f.Add(testSQLite())
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = eachHeader(database{ReaderAt: bytes.NewReader(data), size: int64(len(data))}, func(h header) error {
			h.files(func([]byte) {})
			h.identity()
			return nil
		})
	})
}

// testSQLite is a database of two pages with one package.
func testSQLite() []byte {
	const size = 1024
	file := make([]byte, 2*size)
	copy(file, sqliteMagic)
	binary.BigEndian.PutUint16(file[16:], size)
	record := func(columns ...any) []byte {
		var kinds, body []byte
		for _, c := range columns {
			switch c := c.(type) {
			case string:
				n := 13 + 2*len(c)
				kinds, body = append(kinds, byte(n>>7)|0x80, byte(n&0x7f)), append(body, c...)
			case int:
				kinds, body = append(kinds, 1), append(body, byte(c))
			case nil:
				kinds = append(kinds, 0)
			}
		}
		return append(append([]byte{byte(len(kinds) + 1)}, kinds...), body...)
	}
	put := func(page []byte, head int, record []byte) {
		at := size - len(record) - 3
		page[head] = tableLeaf
		binary.BigEndian.PutUint16(page[head+3:], 1)
		binary.BigEndian.PutUint16(page[head+8:], uint16(at))
		page[at], page[at+1], page[at+2] = byte(len(record)>>7)|0x80, byte(len(record)&0x7f), 1
		copy(page[at+3:], record)
	}
	put(file[:size], 100, record("table", "Packages", "Packages", 2, "CREATE TABLE"))
	put(file[size:], 0, record(nil, string(testHeader("one"))))
	return file
}

// testBDB is a big-endian database of three pages with one package.
func testBDB(blob []byte) []byte {
	const size = 512
	file := make([]byte, 3*size)
	order := binary.BigEndian
	order.PutUint32(file[12:], bdbHashMagic)
	order.PutUint32(file[20:], size)
	file[25] = bdbMetaPage
	order.PutUint32(file[32:], 2)
	page := file[size:]
	order.PutUint16(page[20:], 2)
	page[25] = bdbHashPage
	order.PutUint16(page[bdbHeader+2:], 400)
	page[400] = bdbOffPage
	order.PutUint32(page[404:], 2)
	order.PutUint32(page[408:], uint32(len(blob)))
	page = file[2*size:]
	order.PutUint16(page[22:], uint16(len(blob)))
	page[25] = bdbOverflow
	copy(page[bdbHeader:], blob)
	return file
}

func TestSmallDatabases(t *testing.T) {
	for form, data := range map[string][]byte{
		"SQLite": testSQLite(), "Berkeley DB": testBDB(testHeader("one")), "NDB": testNDB(testHeader("one")),
	} {
		var names []string
		err := eachHeader(database{ReaderAt: bytes.NewReader(data), size: int64(len(data))}, func(h header) error {
			names = append(names, h.text(tagName))
			return nil
		})
		if err != nil || len(names) != 1 || names[0] != "one" {
			t.Errorf("%s: %v, %v", form, names, err)
		}
	}
}

// TestOneLongText: tags that all mean the same long text do not multiply it.
func TestOneLongText(t *testing.T) {
	const size = 1 << 20
	var entries []byte
	for _, tag := range []uint32{tagName, tagVersion, tagRelease, tagArch, tagSourceRPM, tagVendor, tagModularity} {
		for _, v := range []uint32{tag, typeString, 0, 1} {
			entries = binary.BigEndian.AppendUint32(entries, v)
		}
	}
	blob := binary.BigEndian.AppendUint32(nil, uint32(len(entries)/entrySize))
	blob = append(append(binary.BigEndian.AppendUint32(blob, size), entries...), bytes.Repeat([]byte("x"), size-1)...)
	h, err := parseHeader(append(blob, 0))
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := h.identity(); ok || p != (identity{}) {
		t.Errorf("a name of %d bytes", len(p.name))
	}
}
