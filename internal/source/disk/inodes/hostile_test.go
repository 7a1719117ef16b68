package inodes_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"muster/internal/source/disk/inodes"
)

// counted is a volume that counts how often a folder is listed, and says of
// folders that they are of a size.
type counted struct {
	*made
	listed map[uint64]int
	size   int64
}

func (c *counted) List(n uint64) ([]inodes.Entry, error) {
	c.listed[n]++
	return c.made.List(n)
}

func (c *counted) Inode(n uint64) (inodes.Inode, error) {
	i, err := c.made.Inode(n)
	if i.Mode.IsDir() {
		i.Size = c.size
	}
	return i, err
}

// TestLargeFolderIsListedOnce: a folder of more entries than are kept is not
// read again for each of its files.
func TestLargeFolderIsListedOnce(t *testing.T) {
	m := &made{folders: map[uint64][]inodes.Entry{2: {{Name: "big", Number: 3, Type: folder}}}, files: map[uint64]string{101: ""}}
	for n := range 300_000 {
		m.folders[3] = append(m.folders[3], inodes.Entry{Name: fmt.Sprint("f", n), Number: 101, Type: file})
	}
	v := &counted{made: m, listed: map[uint64]int{}}
	f := inodes.New(v)
	for n := range 2000 {
		if _, err := fs.Stat(f, fmt.Sprint("big/f", n)); err != nil {
			t.Fatal(err)
		}
	}
	if v.listed[2] > 2 || v.listed[3] > 2 {
		t.Errorf("listed %v", v.listed)
	}
}

// TestLongWays: folders that are together longer than any disk has them, and
// links that are longer than Linux makes them, are refused; and a folder that
// cannot be listed is not tried again.
func TestLongWays(t *testing.T) {
	m := volume()
	m.links[20] = strings.Repeat("z/../", 1000)
	if _, err := fs.Stat(inodes.New(m), "l"); err == nil || !strings.Contains(err.Error(), "a link of 5000 bytes") {
		t.Errorf("link: %v", err)
	}
	m = &made{folders: map[uint64][]inodes.Entry{2: {}}}
	for n := uint64(10); n < 200; n++ {
		m.folders[2] = append(m.folders[2], inodes.Entry{Name: fmt.Sprint(n), Number: n, Type: folder})
		m.folders[n] = nil
	}
	v := &counted{made: m, listed: map[uint64]int{}, size: 1 << 62}
	var refused error
	err := fs.WalkDir(inodes.New(v), ".", func(_ string, _ fs.DirEntry, err error) error {
		if err != nil {
			refused = err
			return fs.SkipDir
		}
		return nil
	})
	if err != nil || refused == nil || !strings.Contains(refused.Error(), "longer than any disk") || len(v.listed) > 70 {
		t.Errorf("%v, %v, %d folders listed", err, refused, len(v.listed))
	}
}
