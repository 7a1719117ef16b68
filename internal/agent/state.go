package agent

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"muster/internal/agentwire"
)

// Reasons why an agent cannot start; wrapped with particulars.
var (
	// ErrNotEnrolled: there is no identity in the state folder.
	ErrNotEnrolled = errors.New("not enrolled")
	// ErrOtherMachine: the identity belongs to another machine.
	ErrOtherMachine = errors.New("identity of another machine")
	// ErrInUse: another agent runs on the state folder.
	ErrInUse = errors.New("state folder in use")
)

// Identity is who the agent is, as the state folder remembers it.
type Identity struct {
	// Server is the address of the one server it speaks to, CA the PEM text
	// of the authorities it believes, "" for the system's.
	Server string           `json:"server"`
	CA     string           `json:"ca,omitempty"`
	HostID agentwire.HostID `json:"hostId"`
	// AccountID and Region are where the host belongs.
	AccountID string `json:"accountId"`
	Region    string `json:"region"`
	// MachineIDHash recognises a copied state folder.
	MachineIDHash string `json:"machineIdHash,omitempty"`
	// ReportIntervalSeconds is the server's wish at enrolment.
	ReportIntervalSeconds int `json:"reportIntervalSeconds"`
	// Format numbers what the files of the folder mean: an older agent leaves
	// a newer one's alone.
	Format int `json:"format,omitempty"`
}

// stateFormat is the format of the folders that this agent writes.
const stateFormat = 1

// Files of the state folder. Whoever can read keyFile can report for the host.
const (
	lockFile     = "lock"
	keyFile      = "key.json"
	identityFile = "identity.json"
	sequenceFile = "sequence.json"
)

// reserve is how many sequence numbers are taken at once: one write of the
// state folder for so many requests. Numbers lost in a crash do not matter.
const reserve = 1000

// state is the state folder, held by one process.
type state struct {
	dir  string
	lock *os.File

	identity Identity
	key      ed25519.PrivateKey
	// keyAt is when the key was made, zero where that was not noted.
	keyAt time.Time

	mu       sync.Mutex
	next     int64 // sequence number of the next request
	reserved int64 // numbers up to here are taken on disk
}

// openState locks the folder. With make it is created if it is not there;
// without, its absence is ErrNotEnrolled.
func openState(dir string, make bool) (*state, error) {
	if err := prepareFolder(dir, make); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		err = fmt.Errorf("%w: another muster-agent runs on %s", ErrInUse, dir)
		return nil, errors.Join(err, lock.Close())
	}
	return &state{dir: dir, lock: lock}, nil
}

// prepareFolder sees to it that the folder is its owner's only. One that
// holds other things is not touched: it may be shared on purpose.
func prepareFolder(dir string, make bool) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !make:
		return fmt.Errorf("%w: there is no state folder %s; run muster-agent enroll", ErrNotEnrolled, dir)
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("state folder: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("state folder: %w", err)
	case info.Mode().Perm()&0o077 == 0:
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) == 0 {
		err = os.Chmod(dir, 0o700)
	} else if err == nil {
		err = fmt.Errorf("%s is open to others (mode %o): give it mode 700, or name another folder", dir, info.Mode().Perm())
	}
	if err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	return nil
}

// close gives the lock back.
func (s *state) close() error { return s.lock.Close() }

// load reads the identity that save wrote.
func (s *state) load() (Identity, error) {
	var id Identity
	err := s.read(identityFile, &id)
	if errors.Is(err, fs.ErrNotExist) {
		return id, fmt.Errorf("%w: %s holds no identity; run muster-agent enroll", ErrNotEnrolled, s.dir)
	}
	if err != nil {
		return id, err
	}
	if _, err := agentwire.ParseHostID(string(id.HostID)); err != nil {
		return id, fmt.Errorf("%s: %w", filepath.Join(s.dir, identityFile), err)
	}
	if id.Format > stateFormat {
		return id, fmt.Errorf("%s was written by a newer muster-agent: install that version again, or enrol anew", s.dir)
	}
	key, made, err := s.loadKey(keyFile)
	if err != nil {
		return id, err
	}
	var saved struct{ Reserved int64 }
	if err := s.read(sequenceFile, &saved); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	s.identity, s.key, s.keyAt, s.next, s.reserved = id, key, made, saved.Reserved+1, saved.Reserved
	return id, nil
}

type savedKey struct {
	// Seed is the Ed25519 private key's.
	Seed      []byte    `json:"seed"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

func (s *state) loadKey(name string) (key ed25519.PrivateKey, made time.Time, err error) {
	var k savedKey
	if err := s.read(name, &k); err != nil {
		return nil, made, err
	}
	if len(k.Seed) != ed25519.SeedSize {
		return nil, made, fmt.Errorf("%s: seed of %d bytes, want %d", filepath.Join(s.dir, name), len(k.Seed), ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(k.Seed), k.CreatedAt, nil
}

// enrolmentKey is the key to enrol with. One that an unfinished enrolment
// left is used again: if only the answer was lost, the server recognises it.
func (s *state) enrolmentKey() (ed25519.PrivateKey, error) {
	key, _, err := s.loadKey(keyFile)
	if err == nil {
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	_, key, err = ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return key, s.write(keyFile, savedKey{key.Seed(), time.Now().UTC()})
}

// enrolled remembers a new identity; sequence numbers begin anew with it.
func (s *state) enrolled(id Identity) error {
	if err := s.write(sequenceFile, struct{ Reserved int64 }{0}); err != nil {
		return err
	}
	return s.write(identityFile, id)
}

// forget removes the identity and its key, so that the next enrolment makes a
// new one.
func (s *state) forget() error {
	for _, name := range []string{identityFile, keyFile, nextKeyFile, sequenceFile, baseFile, pendingFile, deepInspectionFile} {
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("state folder: %w", err)
		}
	}
	return nil
}

// sequence gives the number of the next request: always one that no earlier
// request of this identity can have had.
func (s *state) sequence() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next > s.reserved {
		if err := s.write(sequenceFile, struct{ Reserved int64 }{s.next + reserve}); err != nil {
			return 0, err
		}
		s.reserved = s.next + reserve
	}
	n := s.next
	s.next++
	return n, nil
}

// continueAfter skips the numbers that the server has seen: the folder was
// restored from a backup.
func (s *state) continueAfter(last int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = max(s.next, last+1)
}

func (s *state) read(name string, into any) error {
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(s.dir, name), err)
	}
	return nil
}

// write replaces a file so that it is whole at any time, also after a crash.
func (s *state) write(name string, content any) error {
	data, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	if err := replaceFile(filepath.Join(s.dir, name), append(data, '\n')); err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	return nil
}

func replaceFile(name string, data []byte) error {
	temporary := name + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, name); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
