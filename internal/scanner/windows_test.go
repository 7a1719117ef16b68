package scanner_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/report"
	"muster/internal/scanner"
	"muster/internal/scanner/knowledge"
)

// TestWindows: a missing update is one finding, as bad as the worst of what it
// covers, whatever form the machine's description has.
func TestWindows(t *testing.T) {
	cache, dir := t.TempDir(), t.TempDir()
	feeds := filepath.Join(dir, "feeds")
	put := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	put("feeds/kev.json", `{"dateReleased":"2026-11-01T00:00:00Z","vulnerabilities":[{"cveID":"CVE-2024-20674","dateAdded":"2024-02-02","dueDate":"2024-02-23"}]}`)
	put("feeds/microsoft/2024-Jan.json", `{"DocumentTracking":{"CurrentReleaseDate":"2024-02-06T08:00:00Z"},
		"ProductTree":{"FullProductName":[{"ProductID":"11571","Value":"Windows Server 2019"}]},"Vulnerability":[
		{"CVE":"CVE-2024-20674","Threats":[{"Type":3,"Description":{"Value":"Critical"}}],
		 "CVSSScoreSets":[{"BaseScore":9.0,"Vector":"CVSS:3.1/AV:A/AC:L/PR:N/UI:R/S:C/C:H/I:H/A:H","ProductID":["11571"]}],
		 "Remediations":[{"Type":2,"Description":{"Value":"5034127"},"FixedBuild":"10.0.17763.5329","Supercedence":"5033371","ProductID":["11571"]}]},
		{"CVE":"CVE-2024-20700","CVSSScoreSets":[{"BaseScore":7.5,"Vector":"CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H","ProductID":["11571"]}],
		 "Remediations":[{"Type":2,"Description":{"Value":"5034127"},"FixedBuild":"10.0.17763.5329","ProductID":["11571"]}]}]}`)
	evidence := `{"currentVersion":{"ProductName":"Windows Server 2019 Datacenter","CurrentMajorVersionNumber":10,"CurrentMinorVersionNumber":0,"CurrentBuild":"17763","UBR":5206},"hotFixes":[FIXES]}`
	scan := func(file string) *scanner.Result {
		t.Helper()
		target, err := scanner.ParseTarget(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := scanner.Scan(t.Context(), target, scanner.Options{Advisories: knowledge.Config{Location: feeds, Dir: cache}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := scan(put("windows.json", strings.ReplaceAll(evidence, "FIXES", "")))
	if r.Inventory.OS.Platform != "WINDOWS_SERVER_2019" || len(r.Findings) != 1 {
		t.Fatalf("%+v: %d findings", r.Inventory.OS, len(r.Findings))
	}
	f := r.Findings[0]
	if f.Package.VulnerabilityID != "KB5034127" || f.KEV == nil || !slices.Equal(f.Package.Related, []string{"CVE-2024-20674", "CVE-2024-20700"}) {
		t.Errorf("%+v", f)
	}
	written := write(t, report.CycloneDX, r)
	if again := scan(put("windows.cdx.json", written)); len(again.Findings) != 1 || again.Findings[0].Package.VulnerabilityID != "KB5034127" {
		t.Errorf("of its SBOM: %+v", again.Findings)
	}
	bare := `{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"operating-system","name":"Microsoft Windows Server 2019 Standard","version":"10.0.17763.5206"}]}`
	if other := scan(put("bare.cdx.json", bare)); len(other.Findings) != 1 {
		t.Errorf("of another tool's SBOM: %+v, %v", other.Findings, other.Inventory)
	}
	if done := scan(put("later.json", strings.ReplaceAll(evidence, "FIXES", `"KB5034127"`))); len(done.Findings) != 0 {
		t.Errorf("installed: %+v", done.Findings)
	}
}
