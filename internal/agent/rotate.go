package agent

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"muster/internal/agentwire"
)

// nextKeyFile holds the key that a host is about to get. It is on the disk
// before the server hears of it, so that a crash at any point leaves a key
// that the server knows.
const nextKeyFile = "key.next.json"

// nextKey is the key that replaces the current one; a new one is made unless an
// earlier attempt left its own.
func (s *state) nextKey(now time.Time) (ed25519.PrivateKey, error) {
	key, _, err := s.loadKey(nextKeyFile)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	_, key, err = ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return key, s.write(nextKeyFile, savedKey{Seed: key.Seed(), CreatedAt: now})
}

// promote makes the next key the current one.
func (s *state) promote() error {
	key, made, err := s.loadKey(nextKeyFile)
	if err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(s.dir, nextKeyFile), filepath.Join(s.dir, keyFile)); err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	s.key, s.keyAt = key, made
	return nil
}

// rotate replaces the host's key at the server, then on the disk.
func (a *Agent) rotate(ctx context.Context) error {
	next, err := a.state.nextKey(a.client.now())
	if err != nil {
		return err
	}
	err = a.replaceKey(ctx, next)
	if a.client.adjust(err, a.state) {
		err = a.replaceKey(ctx, next)
	}
	if err != nil {
		return fmt.Errorf("replace key: %w", err)
	}
	if err := a.state.promote(); err != nil {
		return err
	}
	a.cfg.Log.Info("key replaced")
	return nil
}

func (a *Agent) replaceKey(ctx context.Context, next ed25519.PrivateKey) error {
	st := a.state
	sequence, err := st.sequence()
	if err != nil {
		return err
	}
	body, err := json.Marshal(agentwire.NewKeyRequest(st.identity.HostID, sequence, next))
	if err != nil {
		return err
	}
	return a.client.post(ctx, agentwire.PathKey, body, signer{st.identity.HostID, sequence, st.key}, &agentwire.KeyResponse{})
}

// otherKey takes up the key of a replacement whose answer was lost, when the
// server no longer takes the one before. It reports whether there was one.
func (a *Agent) otherKey(err error) bool {
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok || refused.Code != agentwire.CodeBadSignature {
		return false
	}
	next, _, loading := a.state.loadKey(nextKeyFile)
	if loading != nil || next.Equal(a.state.key) {
		return false
	}
	a.state.key = next
	return true
}

// keyIsOld reports whether the key should be replaced without being asked.
func (a *Agent) keyIsOld() bool {
	return a.cfg.KeyAge > 0 && !a.state.keyAt.IsZero() && a.client.now().Sub(a.state.keyAt) >= a.cfg.KeyAge
}

// RotateKey replaces the host's key at once.
func (a *Agent) RotateKey(ctx context.Context) error { return a.rotate(ctx) }
