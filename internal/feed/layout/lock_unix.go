//go:build unix

package layout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockPoll is how often a lock that somebody else holds is tried again.
const lockPoll = 100 * time.Millisecond

// Lock keeps everybody else from changing a feeds folder, which must exist.
// The lock ends with the process at the latest. It waits for others until ctx
// is done.
func Lock(ctx context.Context, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Join(dir, ".fetch"), 0o755); err != nil {
		return nil, err
	}
	return LockFile(ctx, filepath.Join(dir, ".fetch", "lock"), "somebody else")
}

// LockFile takes a lock on a file, which is made and stays. The lock ends with
// the process at the latest. It waits for others until ctx is done; the error
// then calls them holder.
func LockFile(ctx context.Context, path, holder string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%s holds %s: %w", holder, path, ctx.Err()), f.Close())
		case <-tick.C:
		}
	}
}
