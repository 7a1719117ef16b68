//go:build !linux

package store

import (
	"syscall"
	"time"
)

// giveUpAfter does nothing where the system has no such option.
func giveUpAfter(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }
