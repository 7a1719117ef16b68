package xfs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/source/disk/disktest"
	"muster/internal/source/disk/inodes"
	"muster/internal/source/disk/xfs"
)

// open opens a file system that lies in a file.
func open(t testing.TB, file string) (*xfs.FS, *inodes.FS) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	v, err := xfs.Open(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return v, inodes.New(v)
}

// variants are what mkfs makes: both versions, small and large blocks and
// inodes, folders with and without types.
var variants = map[string][]string{
	"version 5":           nil,
	"small blocks":        {"-b", "size=1024"},
	"large folder blocks": {"-n", "size=16384"},
	"large inodes":        {"-i", "size=2048"},
	"without big times":   {"-m", "bigtime=0,inobtcount=0"},
	"many extents":        {"-i", "nrext64=1"},
	"version 4":           {"-m", "crc=0"},
	"version 4, no types": {"-m", "crc=0", "-n", "ftype=0", "-b", "size=512"},
}

// TestReadsBack: random trees come back as they were, whatever they are
// written as.
func TestReadsBack(t *testing.T) {
	disktest.Need(t, "mkfs.xfs")
	for name, flags := range variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range 2 {
				dir, file := filepath.Join(t.TempDir(), "tree"), filepath.Join(t.TempDir(), "disk")
				tree := disktest.Random(seed)
				tree.Write(t, dir)
				disktest.XFS(t, file, dir, tree, 64<<20, flags...)
				v, fsys := open(t, file)
				if diff := tree.Compare(fsys); diff != "" || v.Unclean {
					t.Errorf("tree %d: %s, unclean %t", seed, diff, v.Unclean)
				}
			}
		})
	}
}

// TestLargeFolder: folders of thousands have names and index in many blocks.
func TestLargeFolder(t *testing.T) {
	disktest.Need(t, "mkfs.xfs")
	tree := disktest.Large()
	dir, file := filepath.Join(t.TempDir(), "tree"), filepath.Join(t.TempDir(), "disk")
	tree.Write(t, dir)
	disktest.XFS(t, file, dir, tree, 128<<20, "-L", "root", "-m", "uuid=0b5e0c2a-34b8-4b9b-9e43-5f3a1c2d4e5f")
	v, fsys := open(t, file)
	if diff := tree.Compare(fsys); diff != "" {
		t.Error(diff)
	}
	if v.Label != "root" || !strings.HasPrefix(v.UUID, "0b5e0c2a-34b8-") {
		t.Errorf("label %q, %q", v.Label, v.UUID)
	}
}
