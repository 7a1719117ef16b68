package scanner_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/report"
	"muster/internal/scanner"
	"muster/internal/scanner/knowledge"
)

// TestDisputed: a vulnerability that somebody denies is reported, and every
// form says so.
func TestDisputed(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"feeds/alpine/v3.18/main.json": `{"distroversion":"v3.18","reponame":"main","packages":[{"pkg":{"name":"zlib","secfixes":{"1.3-r0":["CVE-2023-6992"],"1.4-r0":["CVE-2023-45853"]}}}]}`,
		"feeds/nvd/x.json": `{"totalResults":1,"vulnerabilities":[{"cve":{"id":"CVE-2023-45853","sourceIdentifier":"x","vulnStatus":"Modified","descriptions":[{"lang":"en","value":"MiniZip"}],
			"cveTags":[{"sourceIdentifier":"x","tags":["disputed"]}]}}]}`,
		"root/etc/os-release":       "ID=alpine\nVERSION_ID=3.18.4\n",
		"root/lib/apk/db/installed": "P:zlib\nV:1.2.13-r1\nA:x86_64\no:zlib\n\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	r, err := scanner.Scan(t.Context(), scanner.Target{Kind: scanner.Dir, Name: filepath.Join(dir, "root")}, scanner.Options{
		Advisories: knowledge.Config{Location: filepath.Join(dir, "feeds"), Dir: filepath.Join(dir, "cache")}, Explain: "CVE-2023-45853",
	})
	if err != nil {
		t.Fatal(err)
	}
	disputed := 0
	for _, f := range r.Findings {
		if f.Disputed != (f.Package.VulnerabilityID == "CVE-2023-45853") {
			t.Errorf("%s: %t", f.Package.VulnerabilityID, f.Disputed)
		}
		disputed++
	}
	if disputed != 2 {
		t.Errorf("%d findings", disputed)
	}
	for format, want := range map[report.Format]string{
		report.Table: "It is disputed: somebody denies", report.JSON: `"disputed": true`,
	} {
		if text := write(t, format, r); !strings.Contains(text, want) {
			t.Errorf("%s: no %q in\n%s", format, want, text)
		}
	}
}
