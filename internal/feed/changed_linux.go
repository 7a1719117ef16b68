package feed

import (
	"os"
	"syscall"
	"time"
)

// changedAt is when content or attributes of the file last changed, which
// nobody can set.
func changedAt(info os.FileInfo) time.Time {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(s.Ctim.Unix())
	}
	return info.ModTime()
}
