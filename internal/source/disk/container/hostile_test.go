package container_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"muster/internal/source/disk/container"
)

// sparse is a VMDK extent of grains of one sector, one to a table, with a
// directory of that many entries, all of which lead to one place.
func sparse(entries int) []byte {
	le := binary.LittleEndian
	b := make([]byte, 512+4*entries+512)
	copy(b, "KDMV")
	le.PutUint32(b[4:], 1)
	le.PutUint64(b[12:], uint64(entries))
	le.PutUint64(b[20:], 1)
	le.PutUint32(b[44:], 1)
	le.PutUint64(b[56:], 1)
	for n := range entries {
		le.PutUint32(b[512+4*n:], uint32(1+4*entries/512))
	}
	return b
}

// open opens what a folder of files begins with, and says how many bytes were
// allocated.
func open(t *testing.T, first string, files map[string][]byte) (*container.Disk, uint64, error) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d, err := container.Open(filepath.Join(dir, first))
	runtime.ReadMemStats(&after)
	if d != nil {
		t.Cleanup(func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return d, after.TotalAlloc - before.TotalAlloc, err
}

// TestOneExtentManyTimes: a description that names one file hundreds of times
// has no more tables than a disk may have, and reading it keeps no more of
// them than of one.
func TestOneExtentManyTimes(t *testing.T) {
	const entries = 1 << 18 // a table of a MiB
	text := "# Disk DescriptorFile\n" + strings.Repeat(fmt.Sprintf("RW %d SPARSE \"extent\"\n", entries), 500)
	_, used, err := open(t, "disk", map[string][]byte{"disk": []byte(text), "extent": sparse(entries)})
	if err == nil || !strings.Contains(err.Error(), "bytes of tables") || used > 100<<20 {
		t.Errorf("%d bytes: %v", used, err)
	}
	text = "# Disk DescriptorFile\n" + strings.Repeat("RW 64 SPARSE \"extent\"\n", 1000)
	d, used, err := open(t, "disk", map[string][]byte{"disk": []byte(text), "extent": sparse(64)})
	if err != nil || d.Size != 64*1000*512 || used > 8<<20 {
		t.Fatalf("%d bytes: %v", used, err)
	}
	var p [1]byte
	for at := int64(0); at < d.Size; at += 512 {
		if _, err := d.ReadAt(p[:], at); err != nil {
			t.Fatal(err)
		}
	}
}

// qcow makes a header of version 2 that stands on an image of that name.
func qcow(backing string) []byte {
	be := binary.BigEndian
	b := make([]byte, 1024)
	copy(b, "QFI\xfb")
	be.PutUint32(b[4:], 2)
	be.PutUint64(b[8:], 200)
	be.PutUint32(b[16:], uint32(len(backing)))
	be.PutUint32(b[20:], 9)
	be.PutUint64(b[24:], 512)
	be.PutUint32(b[36:], 1)
	be.PutUint64(b[40:], 512)
	copy(b[200:], backing)
	return b
}

// TestBackingNames: nothing that an image names is waited for, or followed in
// circles.
func TestBackingNames(t *testing.T) {
	for name, want := range map[string]string{
		"pipe": "is no regular file", "self": "more than 8 images", ".": "is no regular file",
		"json:{\"driver\":\"nbd\"}": "stands on", "/dev/zero": "only files beside it", "a/../../x": "only files beside it", "nbd://127.0.0.1:1": "stands on",
	} {
		if _, _, err := open(t, "self", map[string][]byte{"self": qcow(name)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// TestLyingQcow: tables that lead back into tables, off the file and to
// compressed clusters that are none.
func TestLyingQcow(t *testing.T) {
	for what, tt := range map[string]struct {
		entry uint64
		want  string
	}{
		"its own table":       {512, ""}, // data is whatever lies there
		"off the file":        {1 << 40, "cut off"},
		"compressed, off":     {1<<62 | 1<<40, "cut off"},
		"compressed, nothing": {1 << 62, "compressed cluster"},
	} {
		b := append(qcow(""), make([]byte, 512)...)
		binary.BigEndian.PutUint64(b[8:], 0)
		binary.BigEndian.PutUint64(b[512:], 1024)
		binary.BigEndian.PutUint64(b[1024:], tt.entry)
		d, _, err := open(t, "disk", map[string][]byte{"disk": b})
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.ReadAt(make([]byte, 512), 0)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", what, err, tt.want)
		}
	}
}
