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

// FixedBy is the version that mends a package; packages of other numbers than
// multiples of OneIn have no flaw.
func (s Shape) FixedBy(pkg int) int { return 1 + s.random(ofPackage, pkg).IntN(versions-1) }

// Publish writes the fleet's advisories into a folder of feeds. special is the
// version that mends the special package, "" where nothing is known about it;
// at is when that was said.
func (s Shape) Publish(dir, special string, at time.Time) error {
	return s.publish(dir, special, at, at, nil)
}

// Republish is Publish with another version that mends one of the packages,
// which may be one of those that have no flaw otherwise; 0 is as usual.
func (s Shape) Republish(dir string, pkg, fixed int, at time.Time) error {
	return s.publish(dir, "2.0.0", Epoch, at, map[int]int{pkg: fixed})
}

// publish writes the advisories; about is when the special package's was
// changed, at when those of the packages that are mended otherwise.
func (s Shape) publish(dir, special string, about, at time.Time, otherwise map[int]int) error {
	var debian, nodes []record
	for pkg := range names {
		if pkg%s.OneIn != 0 && otherwise[pkg] == 0 {
			continue
		}
		r := s.random(ofPackage, pkg)
		name, fixed := fmt.Sprintf("package-%05d", pkg), 1+r.IntN(versions-1)
		modified := Epoch
		if other := otherwise[pkg]; other > 0 {
			fixed, modified = other, at
		}
		rec := record{Modified: modified, Details: "A flaw in " + name + ".",
			Severity: []map[string]any{{"type": "CVSS_V3", "score": vectors()[skewed(r, 4)]}}}
		if ofNPM(pkg) {
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
		nodes = append(nodes, record{ID: "GHSA-fleet-special", Aliases: []string{SpecialCVE}, Modified: about, Details: "A flaw in " + special + ".",
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

// Between counts the machines that have a package of its level from one up to,
// and not including, another: those that a change of the mending version from
// the one to the other is about.
func (s Shape) Between(pkg, from, to int) int {
	name := fmt.Sprintf("package-%05d", pkg)
	about := make([]bool, s.Inventories)
	for inv := range about {
		for _, item := range s.Inventory(inv, false).Items {
			if item.Name != name {
				continue
			}
			for level := from; level < to; level++ {
				about[inv] = about[inv] || item.Version == s.versionOf(pkg, level)
			}
		}
	}
	return s.machinesWith(func(inv int) bool { return about[inv] })
}

// Special counts the machines with the special package.
func (s Shape) Special() int {
	special := s.affected()
	return s.machinesWith(func(inv int) bool { return special[inv] })
}

func (s Shape) machinesWith(has func(inventory int) bool) (n int) {
	for i := range s.Resources {
		if has(s.Resource(i).Inventory) {
			n++
		}
	}
	return n
}

// versionOf is a package's version of a level.
func (s Shape) versionOf(pkg, level int) string {
	if ofNPM(pkg) {
		return fmt.Sprintf("1.%d.0", level)
	}
	return fmt.Sprintf("1.%d-1", level)
}

// ofNPM tells the packages that are npm's from those of the distribution.
func ofNPM(pkg int) bool { return pkg >= common && pkg%8 == 0 }
