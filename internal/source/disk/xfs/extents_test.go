package xfs

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/source/disk/disktest"
)

// TestTreeOfExtents rewrites a file's extents as a tree: mkfs makes one extent
// of every file, and only use makes so many that they leave the inode.
func TestTreeOfExtents(t *testing.T) {
	disktest.Need(t, "mkfs.xfs")
	const block = 4096
	text := []byte(strings.Repeat("a", block) + strings.Repeat("b", block) + strings.Repeat("c", block))
	tree := disktest.Tree{}.Add(map[string]disktest.Item{"file": disktest.Program(text), "room": disktest.Program(text)})
	dir, file := filepath.Join(t.TempDir(), "tree"), filepath.Join(t.TempDir(), "disk")
	tree.Write(t, dir)
	disktest.XFS(t, file, dir, tree, 16<<20)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := f.List(f.Root())
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v, %v", entries, err)
	}
	target, room := entries[0].Number, entries[1].Number
	if entries[0].Name != "file" {
		target, room = room, target
	}
	first, node := firstBlock(t, f, target), firstBlock(t, f, room)
	write := tamper{f, data}
	write.root(target, 1, node)
	// The third block, a hole, what was never written, the first block.
	write.leaf(node, [][4]uint64{{0, 0, first + 2, 1}, {1, 2, first + 1, 1}, {0, 3, first, 1}})
	content, err := f.Content(target)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(io.NewSectionReader(content, 0, 4*block))
	if want := append(text[2*block:], make([]byte, 2*block)...); err != nil || !bytes.Equal(got, append(want[:3*block], text[:block]...)[:len(got)]) || len(got) != len(text) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for what, damage := range map[string]func(){
		"a loop":         func() { write.root(target, 2, node); write.inner(node, 1, node) },
		"too deep":       func() { write.root(target, 200, node) },
		"no such block":  func() { write.root(target, 1, 1<<40) },
		"overlap":        func() { write.root(target, 1, node); write.leaf(node, [][4]uint64{{0, 0, first, 2}, {0, 1, first, 1}}) },
		"off the disk":   func() { write.root(target, 1, node); write.leaf(node, [][4]uint64{{0, 0, first, 1<<21 - 1}}) },
		"far away":       func() { write.root(target, 1, node); write.leaf(node, [][4]uint64{{0, 1<<54 - 1, first, 1}}) },
		"too many":       func() { write.root(target, 1, node); write.count(node, 60_000) },
		"another's node": func() { write.root(target, 1, first) },
		"twice":          func() { write.root(target, 2, node); write.twice(node, first); write.count(first, 0) },
	} {
		damage()
		if _, err := f.Content(target); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func firstBlock(t *testing.T, f *FS, number uint64) uint64 {
	t.Helper()
	i, err := f.inode(number)
	if err != nil || i.extents != 1 {
		t.Fatalf("%+v, %v", i, err)
	}
	return binary.BigEndian.Uint64(i.fork)&0x1ff<<43 | binary.BigEndian.Uint64(i.fork[8:])>>21
}

// tamper changes a file system.
type tamper struct {
	fs   *FS
	data []byte
}

// root makes an inode the root of a tree with one child.
func (w tamper) root(number uint64, level uint16, child uint64) {
	at, _ := w.fs.address(number >> w.fs.inodeLog)
	raw := w.data[at+int64(number&(1<<w.fs.inodeLog-1))*w.fs.inodeSize:][:w.fs.inodeSize]
	raw[5] = formTree
	fork := raw[176:]
	binary.BigEndian.PutUint16(fork, level)
	binary.BigEndian.PutUint16(fork[2:], 1)
	binary.BigEndian.PutUint64(fork[4+8*((len(fork)-4)/16):], child)
}

func (w tamper) node(block uint64, level, count uint16) []byte {
	at, _ := w.fs.address(block)
	b := w.data[at:][:w.fs.blockSize]
	copy(b, "BMA3")
	binary.BigEndian.PutUint16(b[4:], level)
	binary.BigEndian.PutUint16(b[6:], count)
	return b[72:]
}

func (w tamper) count(block uint64, count uint16) { w.node(block, 0, count) }

func (w tamper) inner(block uint64, level uint16, child uint64) {
	b := w.node(block, level, 1)
	binary.BigEndian.PutUint64(b[8*(len(b)/16):], child)
}

// twice makes a node whose two children are one.
func (w tamper) twice(block, child uint64) {
	b := w.node(block, 1, 2)
	binary.BigEndian.PutUint64(b[8*(len(b)/16):], child)
	binary.BigEndian.PutUint64(b[8*(len(b)/16)+8:], child)
}

func (w tamper) leaf(block uint64, records [][4]uint64) {
	b := w.node(block, 0, uint16(len(records)))
	for n, r := range records {
		binary.BigEndian.PutUint64(b[16*n:], r[0]<<63|r[1]<<9|r[2]>>43)
		binary.BigEndian.PutUint64(b[16*n+8:], r[2]<<21|r[3])
	}
}
