package bounded

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// listed makes an archive of empty members.
func listed(t testing.TB, count int, name func(int) string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for n := range count {
		if _, err := z.CreateHeader(&zip.FileHeader{Name: name(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func number(n int) string { return fmt.Sprint("f", n) }

func TestZip(t *testing.T) {
	data := listed(t, 3000, number)
	z, err := Zip(bytes.NewReader(data), int64(len(data)), 3000)
	if err != nil || len(z.File) != 3000 {
		t.Fatal(err)
	}
	r, err := z.File[2999].Open()
	if err == nil {
		_, err = io.ReadAll(r)
	}
	if err != nil {
		t.Error(err)
	}
	if _, err := Zip(bytes.NewReader(data), int64(len(data)), 2999); !errors.Is(err, ErrTooMany) {
		t.Errorf("one too many: %v", err)
	}
	if _, err := Zip(strings.NewReader("no archive"), 10, 10); !errors.Is(err, zip.ErrFormat) {
		t.Errorf("no archive: %v", err)
	}
}

// TestZipLies: an archive that says it has fewer entries, by a number that
// wraps, or very many, for which memory would be made ready.
func TestZipLies(t *testing.T) {
	data := listed(t, 70_000, number)
	end := bytes.LastIndex(data, []byte("PK\x05\x06"))
	less := bytes.Clone(data)
	for _, at := range []int{8, 10} {
		binary.LittleEndian.PutUint16(less[end+at:], 70_000&0xffff)
	}
	long := bytes.LastIndex(less, []byte("PK\x06\x06"))
	binary.LittleEndian.PutUint64(less[long+32:], 10)
	if _, err := Zip(bytes.NewReader(less), int64(len(less)), 10_000); !errors.Is(err, ErrTooMany) {
		t.Errorf("fewer than it has: %v", err)
	}
	binary.LittleEndian.PutUint64(data[long+32:], 1<<40)
	if _, err := Zip(bytes.NewReader(data), int64(len(data)), 100_000); !errors.Is(err, ErrTooMany) || !strings.Contains(err.Error(), fmt.Sprint(1<<40)) {
		t.Errorf("more than it has: %v", err)
	}
}

// TestZipLongNames: entries without end in their names.
func TestZipLongNames(t *testing.T) {
	data := listed(t, 200, func(n int) string { return strings.Repeat(fmt.Sprint(n%10), 60_000) })
	if _, err := Zip(bytes.NewReader(data), int64(len(data)), 10_000); !errors.Is(err, ErrTooLarge) {
		t.Errorf("names of 12 MB for 10,000 entries: %v", err)
	}
}

// FuzzZip: whatever an archive is, no more entries come out than were asked
// for, and what archive/zip reads within the bounds is read.
func FuzzZip(f *testing.F) {
	f.Add(listed(f, 3, number))
	f.Add(listed(f, 0, number))
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 4
		z, err := Zip(bytes.NewReader(data), int64(len(data)), most)
		plain, plainErr := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err == nil && (len(z.File) > most || plainErr != nil || len(plain.File) != len(z.File)) {
			t.Errorf("%d entries, archive/zip has %v, %v", len(z.File), plain, plainErr)
		}
	})
}
