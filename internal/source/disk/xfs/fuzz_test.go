package xfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"muster/internal/source/disk/disktest"
	"muster/internal/source/disk/inodes"
	"muster/internal/source/disk/xfs"
)

// FuzzOpen changes bytes of a file system: whatever they are, it can be walked
// to an end, and what is wrong is an error.
func FuzzOpen(f *testing.F) {
	disktest.Need(f, "mkfs.xfs")
	const size = 16 << 20
	dir, file := filepath.Join(f.TempDir(), "tree"), filepath.Join(f.TempDir(), "disk")
	tree := disktest.Small()
	tree.Write(f, dir)
	disktest.XFS(f, file, dir, tree, 16<<20, "-m", "uuid=0b5e0c2a-34b8-4b9b-9e43-5f3a1c2d4e5f")
	disk, err := os.Open(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = disk.Close() })
	f.Add([]byte{})
	f.Add([]byte("\x00\x04\x00\x00\xff"))
	f.Add([]byte("\x78\x00\x00\x00\xff\x00\x10\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, patches []byte) {
		v, err := xfs.Open(disktest.Patched{Disk: disk, Patches: patches, Limit: 1 << 20}, size)
		if err == nil {
			disktest.Walk(inodes.New(v))
		}
	})
}
