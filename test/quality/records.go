package quality

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// Records knows which advisories are at hand, read from the published files
// themselves and by none of muster's code, so that a fault of muster's shows.
type Records struct {
	// about lists, for each id asked about, the packages that the records of
	// that id name.
	about map[string][]entry
}

type entry struct{ record, ecosystem, name string }

type record struct {
	ID        string   `json:"id"`
	Aliases   []string `json:"aliases"`
	Upstream  []string `json:"upstream"`
	Related   []string `json:"related"`
	Withdrawn string   `json:"withdrawn"`
	Affected  []struct {
		Package struct {
			Ecosystem string `json:"ecosystem"`
			Name      string `json:"name"`
		} `json:"package"`
	} `json:"affected"`
}

// ReadRecords reads what the advisories say about the claims' ids.
func ReadRecords(advisories string, targets []Target) (*Records, error) {
	r := &Records{about: map[string][]entry{}}
	for _, t := range targets {
		for _, c := range t.Claims {
			for _, id := range c.IDs {
				r.about[id] = nil
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(advisories, "osv", "*.zip"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if err := r.readZip(f); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
	}
	return r, nil
}

func (r *Records) readZip(name string) (err error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	for _, f := range z.File {
		if err := r.readRecord(f); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

func (r *Records) readRecord(f *zip.File) (err error) {
	body, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if !r.mentioned(string(data)) {
		return nil
	}
	var rec record
	if err := json.Unmarshal(data, &rec); err != nil {
		return err
	}
	if rec.Withdrawn != "" {
		return nil
	}
	for _, id := range rec.names() {
		if _, asked := r.about[id]; !asked {
			continue
		}
		for _, a := range rec.Affected {
			r.about[id] = append(r.about[id], entry{rec.ID, a.Package.Ecosystem, strings.ToLower(a.Package.Name)})
		}
	}
	return nil
}

// names are the ids of the vulnerabilities that a record is about. Notices of
// the rpm family name them as related.
func (r *record) names() []string {
	list := slices.Concat([]string{r.ID}, r.Aliases, r.Upstream)
	if len(list) == 1 {
		list = append(list, r.Related...)
	}
	return list
}

// mentioned spares most records their decoding: a record that is asked about
// holds an id between quotes.
func (r *Records) mentioned(text string) bool {
	for part := range strings.SplitSeq(text, `"`) {
		if _, ok := r.about[part]; ok && len(part) > 4 {
			return true
		}
	}
	return false
}

// atHand returns a record about the claim's vulnerability, package and
// release, "" where there is none.
func (r *Records) atHand(c Claim) string {
	for _, id := range c.IDs {
		for _, e := range r.about[id] {
			if sameRelease(e.ecosystem, c.Ecosystem) && names(e, strings.ToLower(c.Name), strings.ToLower(c.Source)) {
				return e.record
			}
		}
	}
	return ""
}

// names reports whether an entry is about a package. AlmaLinux's notices list
// some of the packages that a source was built as: one of them is enough.
func names(e entry, name, source string) bool {
	if e.name == name || e.name == source {
		return true
	}
	return strings.HasPrefix(e.ecosystem, "AlmaLinux:") && strings.HasPrefix(e.name, source+"-")
}

// sameRelease compares ecosystems without Ubuntu's LTS and Pro.
func sameRelease(a, b string) bool {
	plain := strings.NewReplacer(":LTS", "", "Pro:", "").Replace
	return plain(a) == plain(b)
}
