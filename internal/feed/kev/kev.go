// Package kev reads CISA's catalogue of Known Exploited Vulnerabilities
// (feeds specification 4.1).
package kev

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"muster/internal/advisory"
	"muster/internal/feed"
)

const (
	maxBytes   = 64 << 20
	maxEntries = 1_000_000
)

// ErrCatalogue says that bytes are not the catalogue.
var ErrCatalogue = errors.New("not a KEV catalogue")

// Catalogue is the whole file.
type Catalogue struct {
	Version  string
	Released time.Time
	Entries  []Entry
}

// Entry is one exploited vulnerability.
type Entry struct {
	CVE string
	advisory.KEV
}

type wire struct {
	Version  string      `json:"catalogVersion"`
	Released string      `json:"dateReleased"`
	Entries  []wireEntry `json:"vulnerabilities"`
}

type wireEntry struct {
	CVE        string   `json:"cveID"`
	Name       string   `json:"vulnerabilityName"`
	Added      string   `json:"dateAdded"`
	Due        string   `json:"dueDate"`
	Action     string   `json:"requiredAction"`
	Ransomware string   `json:"knownRansomwareCampaignUse"`
	Notes      string   `json:"notes"`
	CWEs       []string `json:"cwes"`
}

// Parse reads the catalogue. An empty one is refused.
func Parse(r io.Reader) (Catalogue, error) {
	data, err := feed.ReadAll(r, maxBytes)
	if err != nil {
		return Catalogue{}, err
	}
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return Catalogue{}, fmt.Errorf("%w: %w", ErrCatalogue, err)
	}
	if len(w.Entries) == 0 || len(w.Entries) > maxEntries {
		return Catalogue{}, fmt.Errorf("%w: %d entries", ErrCatalogue, len(w.Entries))
	}
	c := Catalogue{Version: w.Version, Entries: make([]Entry, 0, len(w.Entries))}
	if c.Released, err = time.Parse("2006-01-02T15:04:05Z07:00", w.Released); err != nil {
		c.Released, _ = time.Parse(time.RFC3339Nano, w.Released)
	}
	for i, e := range w.Entries {
		entry, err := e.convert()
		if err != nil {
			return Catalogue{}, fmt.Errorf("%w: vulnerabilities[%d]: %w", ErrCatalogue, i, err)
		}
		c.Entries = append(c.Entries, entry)
	}
	return c, nil
}

func (e wireEntry) convert() (Entry, error) {
	if !advisory.IsCVE(e.CVE) {
		return Entry{}, fmt.Errorf("cveID %.40q is not a CVE id", e.CVE)
	}
	added, err := time.Parse(time.DateOnly, e.Added)
	if err != nil {
		return Entry{}, fmt.Errorf("%s: dateAdded %.40q is not a date", e.CVE, e.Added)
	}
	due, err := time.Parse(time.DateOnly, e.Due)
	if err != nil && e.Due != "" {
		return Entry{}, fmt.Errorf("%s: dueDate %.40q is not a date", e.CVE, e.Due)
	}
	return Entry{e.CVE, advisory.KEV{
		Added: added, Due: due, Name: e.Name, Action: e.Action,
		Ransomware: e.Ransomware == "Known", Notes: e.Notes, CWEs: e.CWEs,
	}}, nil
}
