package rust

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"muster/internal/extract/bounded"
)

// executable is a minimal 64-bit ELF file with one section.
func executable(t testing.TB, name string, section []byte) []byte {
	t.Helper()
	const header, entry = 64, 64
	names := "\x00" + name + "\x00.shstrtab\x00"
	var b bytes.Buffer
	b.Write([]byte{0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	tableAt := uint64(header + len(section) + len(names))
	put := func(values ...any) {
		for _, v := range values {
			if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(uint16(2), uint16(62), uint32(1), uint64(0), uint64(0), tableAt, uint32(0), uint16(header), uint16(0), uint16(0), uint16(entry), uint16(3), uint16(2))
	b.Write(section)
	b.WriteString(names)
	b.Write(make([]byte, entry))
	put(uint32(1), uint32(1), uint64(0), uint64(0), uint64(header), uint64(len(section)), uint32(0), uint32(0), uint64(1), uint64(0))
	put(uint32(len(name)+2), uint32(3), uint64(0), uint64(0), uint64(header+len(section)), uint64(len(names)), uint32(0), uint32(0), uint64(1), uint64(0))
	return b.Bytes()
}

func packed(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const crates = `{"packages":[{"name":"app","version":"0.1.0","source":"local","root":true},{"name":"time","version":"0.1.43","source":"crates.io"},
	{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},{"name":"x","version":"1.0.0","source":"git"}]}`

func TestRead(t *testing.T) {
	found, err := Read(bytes.NewReader(executable(t, ".dep-v0", packed(t, crates))))
	if err != nil || len(found) != 1 || found[0].Name != "time" || found[0].Version != "0.1.43" {
		t.Errorf("%+v, %v", found, err)
	}
	for _, file := range []string{"", "#!/bin/sh\n", "MZ", string(executable(t, ".text", nil)), "\x7fELF"} {
		if _, err := Read(strings.NewReader(file)); !errors.Is(err, ErrNotAuditable) {
			t.Errorf("%q: %v", file, err)
		}
	}
	for name, section := range map[string][]byte{"not packed": []byte(crates), "not JSON": packed(t, "crates"), "cut": packed(t, crates)[:20]} {
		if _, err := Read(bytes.NewReader(executable(t, ".dep-v0", section))); err == nil || errors.Is(err, ErrNotAuditable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(executable(f, ".dep-v0", packed(f, crates)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if found, err := Read(bytes.NewReader(data)); err != nil && found != nil {
			t.Error("crates and an error")
		}
	})
}

// TestManyCrates: a few bytes that unpack to very many crates end at the
// bound, before the list of them is made.
func TestManyCrates(t *testing.T) {
	text := `{"packages":[{}` + strings.Repeat(",{}", maxCrates) + `]}`
	if _, err := Read(bytes.NewReader(executable(t, ".dep-v0", packed(t, text)))); !errors.Is(err, bounded.ErrTooMany) {
		t.Error(err)
	}
}
