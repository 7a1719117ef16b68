package partition_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/source/disk/disktest"
	"muster/internal/source/disk/partition"
)

const mib = 1 << 20

// describe tells volumes by where they begin: every MiB of the test's disks
// begins with its number.
func describe(t *testing.T, list []partition.Volume) string {
	t.Helper()
	out := ""
	for _, v := range list {
		b := make([]byte, 8)
		if v.Size > 0 {
			if _, err := v.ReadAt(b, 0); err != nil {
				t.Fatal(err)
			}
		}
		out += fmt.Sprintf("%s: %d at %d, %s %s\n", v, v.Size/mib, binary.LittleEndian.Uint64(b), v.UUID, v.Label)
	}
	return out
}

// numbered is a disk whose every MiB begins with its number.
func numbered(size int) []byte {
	data := make([]byte, size*mib)
	for n := range size {
		binary.LittleEndian.PutUint64(data[n*mib:], uint64(n))
	}
	return data
}

// TestTables: what sfdisk writes is found, in both kinds of tables.
func TestTables(t *testing.T) {
	disktest.Need(t, "sfdisk")
	for name, tt := range map[string]struct{ script, want string }{
		"gpt": {"label: gpt\nstart=2048, size=2M, uuid=7B5E0C2A-34B8-4B9B-9E43-5F3A1C2D4E5F, name=\"first ü\"\nstart=20480, size=3M, uuid=8b5e0c2a-34b8-4b9b-9e43-5f3a1c2d4e5f\n",
			"partition 1: 2 at 1, 7b5e0c2a-34b8-4b9b-9e43-5f3a1c2d4e5f first ü\npartition 2: 3 at 10, 8b5e0c2a-34b8-4b9b-9e43-5f3a1c2d4e5f \n"},
		"mbr": {"label: dos\nlabel-id: 0xdeadbeef\nstart=2048, size=1M\nstart=4096, size=1M\n",
			"partition 1: 1 at 1, deadbeef-01 \npartition 2: 1 at 2, deadbeef-02 \n"},
		"logical": {"label: dos\nlabel-id: 0x1\nstart=2048, size=1M\nstart=4096, type=5\nstart=6144, size=1M\nstart=10240, size=2M\nstart=16384, size=1M\n",
			"partition 1: 1 at 1, 00000001-01 \npartition 5: 1 at 3, 00000001-05 \npartition 6: 2 at 5, 00000001-06 \npartition 7: 1 at 8, 00000001-07 \n"},
	} {
		file := filepath.Join(t.TempDir(), "disk")
		if err := os.WriteFile(file, numbered(20), 0o600); err != nil {
			t.Fatal(err)
		}
		disktest.Feed(t, tt.script, "sfdisk", "-q", file)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list, notes, err := partition.Find(bytes.NewReader(data), int64(len(data)))
		if got := describe(t, list); got != tt.want || err != nil || len(notes) > 0 {
			t.Errorf("%s: %v, notes %q\n%swant\n%s", name, err, notes, got, tt.want)
		}
		if name == "gpt" { // the copy at the end
			clear(data[512:1024])
			if list, _, err = partition.Find(bytes.NewReader(data), int64(len(data))); describe(t, list) != tt.want || err != nil {
				t.Errorf("the copy: %v\n%s", err, describe(t, list))
			}
			largeSectors(data)
			if list, _, err = partition.Find(bytes.NewReader(data), int64(len(data))); describe(t, list) != tt.want || err != nil {
				t.Errorf("large sectors: %v\n%s", err, describe(t, list))
			}
		}
		if name == "mbr" {
			list, notes, err = partition.Find(bytes.NewReader(data), 2*mib+1000)
			if len(list) != 2 || len(notes) != 1 || !strings.Contains(notes[0], "partition 2 is cut off") || err != nil {
				t.Errorf("cut: %v, %v, %q", list, err, notes)
			}
		}
	}
}

// largeSectors rewrites a GPT, of which only the copy is left, for sectors of
// 4 KiB.
func largeSectors(data []byte) {
	le := binary.LittleEndian
	header, table := bytes.Clone(data[len(data)-512:][:92]), bytes.Clone(data[1024:][:4*128])
	clear(data[len(data)-512:])
	clear(data[1024:][:4*128])
	le.PutUint64(header[72:], 2)
	for ; len(table) > 0; table = table[128:] {
		if first, last := le.Uint64(table[32:]), le.Uint64(table[40:]); first > 0 {
			le.PutUint64(table[32:], first/8)
			le.PutUint64(table[40:], (last+1)/8-1)
		}
		copy(data[8192+512-len(table):], table[:128])
	}
	copy(data[4096:], header)
}

// TestLoop: a chain of logical partitions that leads back is an error.
func TestLoop(t *testing.T) {
	data := make([]byte, mib)
	entry := func(sector, n int, kind byte, start, length uint32) {
		e := data[sector*512+446+16*n:]
		e[4] = kind
		binary.LittleEndian.PutUint32(e[8:], start)
		binary.LittleEndian.PutUint32(e[12:], length)
		copy(data[sector*512+510:], "\x55\xaa")
	}
	entry(0, 0, 5, 10, 100)
	entry(10, 0, 0x83, 1, 5)
	entry(10, 1, 5, 0, 100)
	if _, _, err := partition.Find(bytes.NewReader(data), mib); err == nil || !strings.Contains(err.Error(), "chain") {
		t.Error(err)
	}
}

// lvmText is a group as LVM writes it, with a volume of two pieces and one
// that is striped.
const lvmText = `vg-one {
id = "w1sp2h-X"
seqno = 3
format = "lvm2"			# informational
extent_size = 2048
physical_volumes {
pv0 {
id = "PVPVPV-1111-1111-1111-1111-1111-111111"
device = "/dev/sda2"	# Hint only
pe_start = 2048
pe_count = 10
}
}
logical_volumes {
root {
segment_count = 2
segment1 {
start_extent = 0
extent_count = 2
type = "striped"
stripe_count = 1	# linear
stripes = [
"pv0", 5
]
}
segment2 {
start_extent = 2
extent_count = 1
type = "striped"
stripe_count = 1
stripes = [ "pv0", 2 ]
}
}
wide {
segment_count = 1
segment1 {
extent_count = 2
type = "striped"
stripe_count = 2
stripes = [ "pv0", 0, "pv0", 3 ]
}
}
}
}
# Generated by LVM2
`

// physical makes a physical volume of the disk. The text wraps around the end
// of its ring.
func physical(data []byte) {
	le := binary.LittleEndian
	label := data[512:]
	copy(label, "LABELONE")
	le.PutUint32(label[20:], 32)
	copy(label[24:], "LVM2 001")
	copy(label[32:], "PVPVPV11111111111111111111111111")
	places := label[32+40:]
	for n, v := range []uint64{mib, 0, 0, 0, 4096, 8192, 0, 0} {
		le.PutUint64(places[8*n:], v)
	}
	area := data[4096:]
	copy(area[4:], " LVM2 x[5A%r0N*>")
	const offset = 8192 - 100
	le.PutUint64(area[40:], offset)
	le.PutUint64(area[48:], uint64(len(lvmText)))
	copy(area[offset:8192], lvmText)
	copy(area[512:], lvmText[100:])
}

func TestLogicalVolumes(t *testing.T) {
	data := numbered(12)
	physical(data)
	list, notes, err := partition.Find(bytes.NewReader(data), int64(len(data)))
	if got, want := describe(t, list), "logical volume vg--one-root: 3 at 6,  \n"; got != want || err != nil {
		t.Fatalf("%v, %q\n%s", err, notes, got)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "vg-one/wide is not read") {
		t.Errorf("notes %q", notes)
	}
	got, err := io.ReadAll(io.NewSectionReader(list[0], 0, list[0].Size))
	if want := slices.Concat(data[6*mib:8*mib], data[3*mib:4*mib]); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// FuzzFind: whatever the disk is, it has volumes within it, or an error.
func FuzzFind(f *testing.F) {
	data := make([]byte, 16<<10)
	physical(data)
	f.Add(bytes.Clone(data))
	f.Add(append(make([]byte, 512), "EFI PART\x00\x00\x01\x00"+strings.Repeat("\x01\x00\x00\x00", 300)...))
	data = make([]byte, 4096)
	copy(data[510:], "\x55\xaa")
	data[450], data[454], data[458] = 5, 1, 1
	copy(data[1022:], "\x55\xaa")
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		list, _, err := partition.Find(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, v := range list {
			if v.Size < 0 || v.Mapper == "" && v.Size > int64(len(data)) {
				t.Errorf("%s has %d bytes", v, v.Size)
			}
			b := make([]byte, min(v.Size, 4096))
			if n, err := v.ReadAt(b, 0); n < len(b) && err == nil {
				t.Errorf("%s: %d bytes without an error", v, n)
			}
		}
	})
}
