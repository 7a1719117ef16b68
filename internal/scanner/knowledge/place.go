package knowledge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/feed"
	"muster/internal/refresh/compile"
)

const (
	objectsFolder = "objects"
	placesFolder  = "places"
	infoSuffix    = ".json"
)

// maxPlaceBytes bounds a remembered place; forty sources have 20 kB.
const maxPlaceBytes = 4 << 20

// place is what is remembered of a location.
type place struct {
	Location string           `json:"location"`
	Entries  map[string]entry `json:"entries"`
}

// entry is a source of a location as it was last seen.
type entry struct {
	Info      advisorydb.Info `json:"info"`
	Validator feed.Validator  `json:"validator"`
	CheckedAt time.Time       `json:"checked_at"`
	// Absent: the location does not offer it.
	Absent bool `json:"absent,omitempty"`
}

func newPlace(location string) place { return place{Location: location, Entries: map[string]entry{}} }

func (c *cache) object(file string) string { return filepath.Join(c.Dir, objectsFolder, file) }

func (c *cache) placeFile() string {
	sum := sha256.Sum256([]byte(c.Location))
	return filepath.Join(c.Dir, placesFolder, hex.EncodeToString(sum[:12])+".json")
}

// objectName is unique for what a source's content is compiled to.
func objectName(s compile.Source, hash string) string {
	return fmt.Sprintf("%s-r%d-%s", hash[:32], compile.Revision, s.File())
}

// readPlace reads what is remembered. What cannot be understood is forgotten:
// it can be made again.
func readPlace(path, location string) (place, error) {
	p := newPlace(location)
	b, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	var read place
	if json.Unmarshal(b, &read) != nil || read.Location != location || read.Entries == nil {
		return p, nil
	}
	for _, e := range read.Entries {
		if !e.Absent && (e.Info.File == "" || strings.ContainsAny(e.Info.File, `/\`)) {
			return p, nil
		}
	}
	return read, nil
}

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxPlaceBytes {
		return nil, fs.ErrNotExist
	}
	return os.ReadFile(path)
}

func (p *place) write(path, temp string) error { return writeJSON(path, temp, p) }

func readInfo(path string) (advisorydb.Info, error) {
	var info advisorydb.Info
	b, err := readSmall(path)
	if err != nil {
		return info, err
	}
	return info, json.Unmarshal(b, &info)
}

// writeJSON puts a small file in place at once.
func writeJSON(path, temp string, value any) error {
	b, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(temp, "note-")
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// prune removes objects that no place refers to, and what processes that died
// left behind. Young ones stay: another process may be about to refer to them.
// It is housekeeping; whatever fails is tried again the next time.
func (c *cache) prune() {
	used := map[string]bool{}
	places, _ := filepath.Glob(filepath.Join(c.Dir, placesFolder, "*.json"))
	for _, file := range places {
		var p place
		b, err := readSmall(file)
		if err != nil || json.Unmarshal(b, &p) != nil {
			return
		}
		for _, e := range p.Entries {
			used[e.Info.File], used[e.Info.File+infoSuffix] = true, true
		}
	}
	objects, _ := filepath.Glob(filepath.Join(c.Dir, objectsFolder, "*"))
	drafts, _ := filepath.Glob(filepath.Join(c.Dir, "making-*"))
	for _, file := range append(objects, drafts...) {
		info, err := os.Stat(file)
		if err == nil && !used[filepath.Base(file)] && c.Now().Sub(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(file)
		}
	}
}
