package dpkg

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"muster/internal/extract/kernel"
	"muster/internal/inventory"
)

// TestOneLargeFileManyTimes: files of a distroless image that are all one large
// file are read as far as one database may be long.
func TestOneLargeFileManyTimes(t *testing.T) {
	large := &fstest.MapFile{Data: []byte(strings.Repeat("Package: a\nVersion: 1\n"+strings.Repeat(" a line of a description that goes on\n", 25_000)+"\n", 50)), ModTime: time.Time{}, Mode: 0o644}
	fsys := fstest.MapFS{}
	for n := range 40 {
		fsys[fmt.Sprintf("%s/p%02d", StatusFolder, n)] = large
	}
	items, err := Read(counting{fsys}, inventory.OS{Ecosystem: "Debian:12"}, kernel.Running{})
	if err == nil || !strings.Contains(err.Error(), "too large") || len(items) == 0 || int64(len(items))*int64(len(large.Data))/50 > maxStatus {
		t.Errorf("%d packages: %v", len(items), err)
	}
}

// counting hides everything but opening.
type counting struct{ fs.FS }
