// Package photon reads the lists of CVEs that Photon OS keeps per version.
package photon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"muster/internal/advisory"
	"muster/internal/feed"
)

// Bounds of a list. Real ones have 5 MB and 40,000 rows.
const (
	maxBytes = 1 << 30
	maxRows  = 10_000_000
)

// ErrList says that bytes are not a list of CVEs; the wrapping error says why.
var ErrList = errors.New("not a list of Photon OS's CVEs")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrList}, args...)...)
}

// row is what is known of a CVE in a package.
type row struct {
	CVE     string `json:"cve_id"`
	Package string `json:"pkg"`
	Fixed   string `json:"res_ver"`
	Status  string `json:"status"`
}

// Parse reads the list whose file name ends in the version,
// "cve_data_photon5.0.json", and calls each for every CVE. Rows about other
// ids are left out.
func Parse(name string, r io.Reader, each func(*advisory.Advisory) error) error {
	release, ok := strings.CutPrefix(strings.TrimSuffix(path.Base(name), ".json"), "cve_data_photon")
	if !ok || release == "" || len(release) > 20 {
		return refuse("its name %.60q does not say which version it is about", name)
	}
	byCVE, err := read(r)
	if err != nil {
		return err
	}
	for _, cve := range sortedKeys(byCVE) {
		a := advisory.Advisory{ID: cve}
		for _, r := range byCVE[cve] {
			if entry, ok := r.affected("Photon OS:" + release); ok {
				a.Affected = append(a.Affected, entry)
			}
		}
		if len(a.Affected) == 0 {
			continue
		}
		if err := each(&a); err != nil {
			return err
		}
	}
	return nil
}

func sortedKeys(m map[string][]row) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func read(r io.Reader) (map[string][]row, error) {
	d := json.NewDecoder(feed.Bounded(r, maxBytes))
	if start, err := d.Token(); err != nil || start != json.Delim('[') {
		return nil, refuse("it does not begin with a list")
	}
	byCVE := map[string][]row{}
	for n := 0; d.More(); n++ {
		var r row
		if err := d.Decode(&r); err != nil {
			return nil, refuse("row %d: %w", n, err)
		}
		if n == maxRows {
			return nil, refuse("more than %d rows", maxRows)
		}
		if advisory.IsCVE(r.CVE) && r.Package != "" && len(r.Package) < 300 {
			byCVE[r.CVE] = append(byCVE[r.CVE], r)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, refuse("%w", err)
	}
	return byCVE, nil
}

// affected makes the entry of a row; false where it says nothing.
func (r *row) affected(ecosystem string) (advisory.Affected, bool) {
	a := advisory.Affected{Ecosystem: ecosystem, Name: r.Package, Ranges: advisory.Everything()}
	known := r.Fixed != "" && r.Fixed != "NA"
	switch strings.ToLower(r.Status) {
	case "not affected":
		a.Status = advisory.StatusNotAffected
		return a, true
	case "will not fix", "wont fix", "won't fix":
		a.Status = advisory.StatusWontFix
		return a, true
	case "fixed", "":
		if known {
			a.Ranges = advisory.Below(r.Fixed)
		}
		return a, known
	}
	if known {
		a.Ranges = advisory.Below(r.Fixed)
	}
	return a, true
}
