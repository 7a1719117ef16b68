package ext4_test

import (
	"os"
	"path/filepath"
	"testing"

	"muster/internal/source/disk/disktest"
	"muster/internal/source/disk/ext4"
	"muster/internal/source/disk/inodes"
)

// open opens a file system that lies in a file.
func open(t testing.TB, file string) (*ext4.FS, *inodes.FS) {
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
	v, err := ext4.Open(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return v, inodes.New(v)
}

// variants are what mkfs makes: every way in which blocks, inodes and folders
// are laid out.
var variants = map[string][]string{
	"ext2, 1 KiB blocks":       {"-t", "ext2", "-b", "1024"},
	"ext2 without types":       {"-t", "ext2", "-O", "^filetype"},
	"ext3":                     {"-t", "ext3", "-b", "2048"},
	"ext4":                     {"-t", "ext4"},
	"1 KiB blocks":             {"-t", "ext4", "-b", "1024"},
	"small inodes":             {"-t", "ext4", "-I", "128"},
	"inline data":              {"-t", "ext4", "-O", "inline_data", "-I", "512"},
	"meta block groups":        {"-t", "ext4", "-b", "1024", "-g", "1024", "-O", "meta_bg,^resize_inode"},
	"neither 64bit nor groups": {"-t", "ext4", "-O", "^64bit,^flex_bg,^metadata_csum"},
	"sparse_super2, bigalloc":  {"-t", "ext4", "-O", "sparse_super2,bigalloc"},
}

// TestReadsBack: random trees come back as they were, whatever they are
// written as.
func TestReadsBack(t *testing.T) {
	disktest.Need(t, "mkfs.ext4")
	for name, flags := range variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range 2 {
				dir, file := filepath.Join(t.TempDir(), "tree"), filepath.Join(t.TempDir(), "disk")
				tree := disktest.Random(seed)
				if name == "inline data" {
					tree.Fill() // mke2fs 1.47 cuts such files at their first hole
				}
				tree.Write(t, dir)
				disktest.Ext4(t, file, dir, 24<<20, flags...)
				_, fsys := open(t, file)
				if diff := tree.Compare(fsys); diff != "" {
					t.Errorf("tree %d: %s", seed, diff)
				}
			}
		})
	}
}

// TestLargeFolder: thousands of entries make an index, large files with holes
// make trees of extents and three levels of block numbers.
func TestLargeFolder(t *testing.T) {
	disktest.Need(t, "mkfs.ext4")
	tree := disktest.Large()
	dir := filepath.Join(t.TempDir(), "tree")
	tree.Write(t, dir)
	for name, flags := range map[string][]string{"blocks": {"-t", "ext2", "-b", "1024"}, "extents": {"-t", "ext4", "-b", "1024"}} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "disk")
			disktest.Ext4(t, file, dir, 64<<20, append(flags, "-N", "8000")...)
			disktest.Run(t, "e2fsck", "-fyD", file)
			_, fsys := open(t, file)
			if diff := tree.Compare(fsys); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}
