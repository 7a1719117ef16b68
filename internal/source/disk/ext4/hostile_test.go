package ext4_test

import (
	"encoding/binary"
	"io"
	"runtime"
	"strings"
	"testing"

	"muster/internal/source/disk/ext4"
)

// holes is a disk of any size of which a few places are written.
type holes map[int64][]byte

func (h holes) ReadAt(p []byte, at int64) (int, error) {
	clear(p)
	for start, b := range h {
		if from := max(at, start); from < min(at+int64(len(p)), start+int64(len(b))) {
			copy(p[from-at:], b[from-start:])
		}
	}
	return len(p), nil
}

const blockSize = 4096

// lying makes a file system of that many blocks in groups of so many, whose
// descriptors are holes but for the first.
func lying(blocks, perGroup int64) holes {
	le := binary.LittleEndian
	super := make([]byte, 1024)
	le.PutUint32(super[0:], 16)
	le.PutUint32(super[4:], uint32(blocks))
	le.PutUint32(super[0x18:], 2) // blocks of 4 KiB
	le.PutUint32(super[0x20:], uint32(perGroup))
	le.PutUint32(super[0x28:], 16)
	le.PutUint16(super[0x38:], 0xef53)
	le.PutUint32(super[0x4c:], 1)
	le.PutUint16(super[0x58:], 256)
	le.PutUint32(super[0x60:], 0x2|0x40|0x80)
	le.PutUint32(super[0x150:], uint32(blocks>>32))
	le.PutUint16(super[0xfe:], 64)
	descriptor := make([]byte, 64)
	le.PutUint32(descriptor[8:], 100) // inodes at block 100
	return holes{1024: super, blockSize: descriptor}
}

// inode writes an inode with what lies in place of its block map.
func (h holes) inode(number int64, mode uint16, flags uint32, size int64, blockMap []byte) {
	le := binary.LittleEndian
	b := make([]byte, 256)
	le.PutUint16(b, mode)
	le.PutUint32(b[4:], uint32(size))
	le.PutUint16(b[0x1a:], 1)
	le.PutUint32(b[0x20:], flags)
	le.PutUint32(b[0x6c:], uint32(size>>32))
	copy(b[0x28:0x64], blockMap)
	h[100*blockSize+(number-1)*256] = b
}

// node is a node of a tree of extents whose children lie in the blocks.
func node(depth uint16, blocks ...uint32) []byte {
	le := binary.LittleEndian
	b := make([]byte, 12, 12+12*len(blocks))
	le.PutUint16(b, 0xf30a)
	le.PutUint16(b[2:], uint16(len(blocks)))
	le.PutUint16(b[6:], depth)
	for _, block := range blocks {
		e := make([]byte, 12)
		le.PutUint32(e[4:], block)
		b = append(b, e...)
	}
	return b
}

// TestGroupsAreNotKept: a disk of sixteen million groups, which is a hole,
// costs no memory for them.
func TestGroupsAreNotKept(t *testing.T) {
	h := lying(16_000_000*8, 8)
	h.inode(2, 0x41ed, 0x80000, blockSize, node(0))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := ext4.Open(h, 16_000_000*8*blockSize)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.List(2)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes: %v", used, err)
	}
	if _, err := ext4.Open(h, 8*blockSize); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("a volume that is too small: %v", err)
	}
}

// TestTreesThatMeetThemselves: a block that is led to twice, by extents or by
// block numbers, is damage, however few levels there are.
func TestTreesThatMeetThemselves(t *testing.T) {
	const file, extents = 0x81a4, 0x80000
	h := lying(1_000_000, 32768)
	h[200*blockSize] = node(0)
	h[201*blockSize] = node(1, 200, 200)
	pointers := make([]byte, blockSize)
	for at := 0; at < len(pointers); at += 4 {
		binary.LittleEndian.PutUint32(pointers[at:], 300)
	}
	h[300*blockSize] = pointers
	h.inode(11, file, extents, blockSize, node(1, 200, 200))
	h.inode(12, file, extents, blockSize, node(2, 201, 200))
	h.inode(13, file, extents, blockSize, node(4, 201))
	indirect := make([]byte, 60)
	binary.LittleEndian.PutUint32(indirect[56:], 300) // three levels, all of them one block
	h.inode(14, file, 0, 1<<40, indirect)
	h.inode(15, 0x41ed, extents, 1<<62, node(1, 200))
	f, err := ext4.Open(h, 1_000_000*blockSize)
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[uint64]string{11: "block 200 twice", 12: "block 200 twice", 13: "a node of the extents", 14: "block 300 twice"} {
		if _, err := f.Content(number); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("inode %d: %v, want %q", number, err, want)
		}
	}
	if _, err := f.List(15); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("folder: %v", err)
	}
	h.inode(16, file, extents, 3, node(1, 200))
	content, err := f.Content(16)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(io.NewSectionReader(content, 0, 10)); err != nil || string(got) != "\x00\x00\x00" {
		t.Errorf("%q, %v", got, err)
	}
}
