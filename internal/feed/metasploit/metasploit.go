// Package metasploit reads the Metasploit Framework's list of modules,
// modules_metadata_base.json.
package metasploit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/feed"
)

// maxBytes bounds the list; the real one has 12 MB.
const maxBytes = 512 << 20

// ErrModules says that bytes are not the list.
var ErrModules = errors.New("not a list of Metasploit modules")

type wire struct {
	Name       string   `json:"fullname"`
	Type       string   `json:"type"`
	References []string `json:"references"`
	// Disclosed is a day, or null.
	Disclosed *string `json:"disclosure_date"`
}

// Parse reads the list and returns the modules by CVE. Only what attacks
// counts: exploits and auxiliary modules. An empty list is refused.
func Parse(r io.Reader) (map[string]advisory.Exploits, error) {
	data, err := feed.ReadAll(r, maxBytes)
	if err != nil {
		return nil, err
	}
	var modules map[string]wire
	if err := json.Unmarshal(data, &modules); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModules, err)
	}
	if len(modules) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrModules)
	}
	out := map[string]advisory.Exploits{}
	for _, key := range slices.Sorted(maps.Keys(modules)) {
		m := modules[key]
		if m.Name == "" {
			return nil, fmt.Errorf("%w: %.60q has no fullname", ErrModules, key)
		}
		if m.Type != "exploit" && m.Type != "auxiliary" {
			continue
		}
		for _, reference := range m.References {
			if cve := strings.TrimSpace(reference); advisory.IsCVE(cve) {
				known := out[cve]
				known.Add(advisory.Exploits{Metasploit: []string{m.Name}, Last: m.disclosed()})
				out[cve] = known
			}
		}
	}
	return out, nil
}

// disclosed is zero where the day is not known.
func (m *wire) disclosed() time.Time {
	if m.Disclosed == nil {
		return time.Time{}
	}
	t, _ := time.Parse(time.DateOnly, *m.Disclosed)
	return t
}
