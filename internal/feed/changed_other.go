//go:build !linux

package feed

import (
	"os"
	"time"
)

func changedAt(info os.FileInfo) time.Time { return info.ModTime() }
