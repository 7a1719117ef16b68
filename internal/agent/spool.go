package agent

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"muster/internal/agentwire"
	"muster/internal/inventory"
)

// Files of the state folder that outlive a restart besides the identity.
const (
	// baseFile is the inventory that the server last took, from which the next
	// difference starts.
	baseFile = "base.json.gz"
	// pendingFile is what the server has not taken yet: one report, because
	// the newest is the only one that is still true.
	pendingFile = "pending.json.gz"
)

// maxSpooled bounds a file of the spool, in bytes on the disk.
const maxSpooled = agentwire.MaxCompressed

// pending is a report that could not be delivered.
type pending struct {
	CollectedAt  time.Time           `json:"collectedAt"`
	Evidence     *agentwire.Evidence `json:"evidence,omitempty"`
	EvidenceHash string              `json:"evidenceHash,omitempty"`
	Inventory    json.RawMessage     `json:"inventory"`
}

// putBase remembers what the server took.
func (s *state) putBase(inv *inventory.Inventory) error {
	body, err := agentwire.EncodeInventory(*inv)
	if err != nil {
		return err
	}
	return s.spool(baseFile, body)
}

// base returns what the server last took; nil where that is not known. A file
// that cannot be read costs one whole inventory, no more.
func (s *state) base() *inventory.Inventory {
	body, err := s.unspool(baseFile)
	if err != nil {
		return nil
	}
	inv, err := agentwire.DecodeInventory(bytes.NewReader(body), inventory.DefaultLimits())
	if err != nil {
		return nil
	}
	return &inv
}

// putPending keeps the report that could not be delivered, in place of an older
// one.
func (s *state) putPending(inv *inventory.Inventory, collected time.Time, e *agentwire.Evidence, evidenceHash string) error {
	body, err := agentwire.EncodeInventory(*inv)
	if err == nil {
		body, err = json.Marshal(pending{CollectedAt: collected, Evidence: e, EvidenceHash: evidenceHash, Inventory: body})
	}
	if err != nil {
		return err
	}
	return s.spool(pendingFile, body)
}

// pending returns the report that an earlier process could not deliver; nil
// where there is none, or none that can be read.
func (s *state) pending() (*pending, *inventory.Inventory) {
	body, err := s.unspool(pendingFile)
	if err != nil {
		return nil, nil
	}
	p := &pending{}
	if json.Unmarshal(body, p) != nil {
		return nil, nil
	}
	inv, err := agentwire.DecodeInventory(bytes.NewReader(p.Inventory), inventory.DefaultLimits())
	if err != nil {
		return nil, nil
	}
	return p, &inv
}

// delivered forgets the report that was waiting.
func (s *state) delivered() error {
	if err := os.Remove(filepath.Join(s.dir, pendingFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("state folder: %w", err)
	}
	return nil
}

func (s *state) spool(name string, body []byte) error {
	packed := agentwire.Compress(body)
	if len(packed) > maxSpooled {
		return fmt.Errorf("state folder: %s would have %d bytes, at most %d", name, len(packed), maxSpooled)
	}
	if err := replaceFile(filepath.Join(s.dir, name), packed); err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	return nil
}

func (s *state) unspool(name string) (_ []byte, err error) {
	f, err := os.Open(filepath.Join(s.dir, name))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(io.LimitReader(f, maxSpooled))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(z, 2*agentwire.MaxBody+1))
	if err == nil && len(body) > 2*agentwire.MaxBody {
		err = agentwire.ErrTooLarge
	}
	return body, err
}
