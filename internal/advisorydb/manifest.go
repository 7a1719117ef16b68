package advisorydb

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ManifestName is the file in a set's folder that lists its files. A folder
// without it is no set.
const ManifestName = "manifest.json"

const maxManifestBytes = 1 << 20

// Kind says what a file of a set holds.
type Kind string

// The kinds. A set has any number of files of advisories, one for each
// ecosystem and feed, and at most one of each other kind.
const (
	Advisories Kind = "advisories"
	CVEs       Kind = "cve"
	KEVs       Kind = "kev"
	Exploits   Kind = "exploits"
	EPSS       Kind = "epss"
	Products   Kind = "eol"
	// NVD and CVEList are details of CVEs like CVEs, which go before those.
	NVD     Kind = "nvd"
	CVEList Kind = "cvelist"
	// Indexes of exploits, beside Exploits.
	ExploitDB  Kind = "exploitdb"
	Metasploit Kind = "metasploit"
	Nuclei     Kind = "nuclei"
)

// Manifest lists the files of a set.
type Manifest struct {
	Format int    `json:"format"`
	Files  []Info `json:"files"`
}

// Info describes one file of a set.
type Info struct {
	Kind Kind `json:"kind"`
	// Ecosystem is OSV's name without suffix; empty for other kinds.
	Ecosystem string `json:"ecosystem,omitempty"`
	// Feed names the publisher's own feed that the advisories came by; empty
	// for OSV.
	Feed string `json:"feed,omitempty"`
	// File is the file's name in the set's folder, Size its length in bytes.
	File string `json:"file"`
	Size int64  `json:"size"`
	// Hash is the hexadecimal SHA-256 of the source that was imported.
	Hash string `json:"hash"`
	// Revision is that of the importer: a newer one imports the same source
	// again.
	Revision int `json:"revision"`
	// Records counts what was imported, withdrawn records included.
	Records int `json:"records"`
	// PublishedAt is the newest date within the data, ImportedAt when it was
	// taken over.
	PublishedAt time.Time `json:"published_at"`
	ImportedAt  time.Time `json:"imported_at"`
}

// WriteManifest makes a folder of files a set, durably.
func WriteManifest(dir string, files []Info) error {
	b, err := json.MarshalIndent(Manifest{Format: format, Files: files}, "", " ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, ManifestName)
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return SyncDir(dir)
}

// SyncDir makes the names in a folder durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ReadManifest reads the list of a set's files.
func ReadManifest(dir string) (Manifest, error) {
	var m Manifest
	path := filepath.Join(dir, ManifestName)
	info, err := os.Stat(path)
	if err != nil {
		return m, err
	}
	if info.Size() > maxManifestBytes {
		return m, fmt.Errorf("%s: %w", path, corrupt("%d bytes", info.Size()))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("%s: %w", path, corrupt("%v", err))
	}
	if m.Format != format {
		return m, fmt.Errorf("%s: %w: format %d, this program reads %d", path, ErrFormat, m.Format, format)
	}
	for _, f := range m.Files {
		if f.File == "" || strings.ContainsAny(f.File, `/\`) || f.File == ".." {
			return m, fmt.Errorf("%s: %w", path, corrupt("file name %q", f.File))
		}
	}
	return m, nil
}
