package git

import (
	"bytes"
	"context"
	"errors"
	"testing"
)

// FuzzCheck: whatever a pack says, looking at it ends without a panic, and
// within the bounds.
func FuzzCheck(f *testing.F) {
	f.Add([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x00"))
	f.Add([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x01\xb1\x02x\x9c\x03\x00\x00\x00\x00\x01"))
	f.Add([]byte("PACK\x00\x00\x00\x02\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, pack []byte) {
		err := guarded(func() error {
			return check(context.Background(), bytes.NewReader(pack), Limits{Pack: 1 << 16, Unpacked: 1 << 16, Object: 1 << 12, Objects: 100})
		})
		if len(pack) > 11 && bytes.HasPrefix(pack, []byte("PACK\x00\x00\x00\x02\xff")) && !errors.Is(err, ErrLimit) {
			t.Errorf("four billion objects: %v", err)
		}
	})
}
