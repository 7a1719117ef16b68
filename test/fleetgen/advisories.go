package fleetgen

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Epoch is when the advisories were published.
var Epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// SpecialCVE is the vulnerability of the special package.
const SpecialCVE = "CVE-2026-999999"

// record is an advisory in OSV's form.
type record struct {
	ID       string           `json:"id"`
	Modified time.Time        `json:"modified"`
	Aliases  []string         `json:"aliases,omitempty"`
	Upstream []string         `json:"upstream,omitempty"`
	Details  string           `json:"details"`
	Severity []map[string]any `json:"severity"`
	Affected []any            `json:"affected"`
}

func cve(n int) string { return fmt.Sprintf("CVE-2026-%05d", n) }

// vectors are of CRITICAL, HIGH, MEDIUM and LOW.
func vectors() []string {
	return []string{
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H",
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N",
	}
}

func affects(ecosystem, kind, name, fixed string) map[string]any {
	return map[string]any{
		"package": map[string]string{"ecosystem": ecosystem, "name": name},
		"ranges":  []any{map[string]any{"type": kind, "events": []any{map[string]string{"introduced": "0"}, map[string]string{"fixed": fixed}}}},
	}
}

// Publish writes the fleet's advisories into a folder of feeds. special is the
// version that mends the special package, "" where nothing is known about it;
// at is when that was said.
func (s Shape) Publish(dir, special string, at time.Time) error {
	var debian, nodes []record
	for pkg := range names {
		if pkg%s.OneIn != 0 {
			continue
		}
		r := s.random(ofPackage, pkg)
		name, fixed := fmt.Sprintf("package-%05d", pkg), 1+r.IntN(versions-1)
		rec := record{Modified: Epoch, Details: "A flaw in " + name + ".",
			Severity: []map[string]any{{"type": "CVSS_V3", "score": vectors()[skewed(r, 4)]}}}
		if pkg >= common && pkg%8 == 0 {
			rec.ID, rec.Aliases = fmt.Sprintf("GHSA-fleet-%05d", pkg), []string{cve(pkg)}
			rec.Affected = []any{affects("npm", "SEMVER", name, fmt.Sprintf("1.%d.0", fixed))}
			nodes = append(nodes, rec)
			continue
		}
		rec.ID, rec.Upstream = fmt.Sprintf("DSA-%d-1", 10_000+pkg), []string{cve(pkg)}
		for _, f := range families() {
			rec.Affected = append(rec.Affected, affects(f.os.Ecosystem, "ECOSYSTEM", name, fmt.Sprintf("1.%d-1", fixed)))
		}
		debian = append(debian, rec)
	}
	if special != "" {
		nodes = append(nodes, record{ID: "GHSA-fleet-special", Aliases: []string{SpecialCVE}, Modified: at, Details: "A flaw in " + special + ".",
			Severity: []map[string]any{{"type": "CVSS_V3", "score": vectors()[0]}}, Affected: []any{affects("npm", "SEMVER", specialPackage, special)}})
	}
	// A file without records would not be taken.
	nodes = append(nodes, record{ID: "GHSA-fleet-nothing", Aliases: []string{"CVE-2026-00001"}, Modified: Epoch, Details: "Of no interest.",
		Severity: []map[string]any{}, Affected: []any{affects("npm", "SEMVER", "nobody-has-this", "1.0.0")}})
	if err := writeZip(filepath.Join(dir, "osv", "Debian.zip"), debian); err != nil {
		return err
	}
	if err := writeZip(filepath.Join(dir, "osv", "npm.zip"), nodes); err != nil {
		return err
	}
	return s.writeScores(filepath.Join(dir, "epss.csv.gz"))
}

func writeZip(path string, list []record) error {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, r := range list {
		body, err := json.Marshal(r)
		if err != nil {
			return err
		}
		f, err := z.Create(r.ID + ".json")
		if err == nil {
			_, err = f.Write(body)
		}
		if err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return write(path, out.Bytes())
}

func (s Shape) writeScores(path string) error {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	fmt.Fprintf(z, "#model_version:v2025.03.14,score_date:%s\ncve,epss,percentile\n", Epoch.Format("2006-01-02T15:04:05+0000"))
	for pkg := 0; pkg < names; pkg += s.OneIn {
		score := s.random(ofPackage, pkg+names).Float64()
		fmt.Fprintf(z, "%s,%.5f,%.5f\n", cve(pkg), score*score*score, score)
	}
	if err := z.Close(); err != nil {
		return err
	}
	return write(path, out.Bytes())
}

func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}
