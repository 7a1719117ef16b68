package cli

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scanPlace is a small world: a lock file with two vulnerable packages, and the
// advisories about them.
type scanPlace struct {
	t    *testing.T
	dir  string
	lock string
}

func newScanPlace(t *testing.T) *scanPlace {
	p := &scanPlace{t: t, dir: t.TempDir()}
	record := func(id, name, fixed string) string {
		return fmt.Sprintf(`{"id":%q,"modified":"2024-01-01T00:00:00Z","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
		 "affected":[{"package":{"ecosystem":"npm","name":%q},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, id, name, fixed)
	}
	p.put("feeds/npm/all.zip", zipped(t, map[string]string{
		"GHSA-1111-1111-1111.json": record("GHSA-1111-1111-1111", "one", "1.5.0"),
		"GHSA-2222-2222-2222.json": record("GHSA-2222-2222-2222", "two", "2.5.0"),
	}))
	p.lock = p.install("1.0.0", "2.0.0")
	return p
}

func (p *scanPlace) put(name, text string) string {
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func (p *scanPlace) install(one, two string) string {
	return p.put("package-lock.json", fmt.Sprintf(`{"lockfileVersion":3,"packages":{"node_modules/one":{"version":%q},"node_modules/two":{"version":%q}}}`, one, two))
}

// scan runs muster scan on the lock file.
func (p *scanPlace) scan(args ...string) (code int, stdout, stderr string) {
	var out, messages bytes.Buffer
	all := append([]string{"scan", p.lock, "--feeds", filepath.Join(p.dir, "feeds"), "--cache", filepath.Join(p.dir, "cache")}, args...)
	code = Main(all, &out, &messages)
	return code, out.String(), messages.String()
}

// want scans and checks the code and parts of what is said.
func (p *scanPlace) want(code int, parts []string, args ...string) string {
	p.t.Helper()
	got, out, messages := p.scan(args...)
	if got != code {
		p.t.Errorf("%v: exit %d, want %d: %s", args, got, code, messages)
	}
	for _, part := range parts {
		if !strings.Contains(out+messages, part) {
			p.t.Errorf("%v: no %q in\n%s%s", args, part, out, messages)
		}
	}
	return out
}

// TestVEX: statements take findings out and say so in every form; they can be
// made from a scan.
func TestVEX(t *testing.T) {
	p := newScanPlace(t)
	no := p.put("no.json", `{"@context":"https://openvex.dev/ns/v0.2.0","statements":[
	 {"vulnerability":{"name":"GHSA-1111-1111-1111"},"products":[{"@id":"pkg:npm/one@1.0.0"}],"status":"not_affected","justification":"vulnerable_code_not_in_execute_path","impact_statement":"never called"},
	 {"vulnerability":{"name":"GHSA-9999-9999-9999"},"products":[{"@id":"pkg:npm/one"}],"status":"fixed"}]}`)
	p.want(3, []string{"2 vulnerabilities"}, "--fail-on", "critical")
	p.want(3, []string{"1 vulnerabilities: 1 critical", "1 are left out by VEX statements", "note: 1 of 2 VEX statements speak of nothing"}, "--fail-on", "critical", "--vex", no)
	p.want(0, []string{"GHSA-1111-1111-1111 one 1.0.0: statement 1 of no.json says not_affected: vulnerable_code_not_in_execute_path: never called"}, "--all", "--vex", no)
	p.want(0, []string{"is not reported", "because statement 1 of no.json says not_affected"}, "--vex", no, "--explain", "GHSA-1111-1111-1111")
	p.want(0, []string{`"suppressed": [`, `"justification": "vulnerable_code_not_in_execute_path"`, `"origin": "statement 1 of no.json"`}, "--vex", no, "--format", "json")
	p.want(0, []string{`"kind": "external"`, `"status": "accepted"`}, "--vex", no, "--format", "sarif")
	p.want(0, []string{`"state": "not_affected"`, `"justification": "code_not_reachable"`, `"state": "in_triage"`}, "--vex", no, "--format", "cyclonedx")
	p.want(1, []string{"--vex", "nowhere"}, "--vex", "/nowhere.json")
	p.want(1, []string{"not a VEX document"}, "--vex", p.put("bad.json", "{}"))

	// Our own statements, of both forms, come back and say the same.
	for _, format := range []string{"openvex", "cyclonedx"} {
		file := filepath.Join(p.dir, format)
		p.want(0, nil, "--vex", no, "--format", format, "--output", file)
		p.want(0, []string{"1 vulnerabilities", "1 are left out"}, "--vex", file)
	}
	file := p.put("yes.json", strings.ReplaceAll(p.want(0, nil, "--format", "openvex"), `"status": "affected"`, `"status": "fixed"`))
	p.want(0, []string{"No vulnerabilities are left.", "2 are left out"}, "--fail-on", "low", "--vex", file)
}

// TestBaseline: only what an earlier report lacks is new and fails.
func TestBaseline(t *testing.T) {
	p := newScanPlace(t)
	file := filepath.Join(p.dir, "base.json")
	p.want(0, nil, "--format", "json", "--output", file)
	p.want(0, []string{"Since the baseline: 0 new, 0 fixed"}, "--baseline", file, "--fail-on", "low")
	p.install("1.0.1", "2.6.0") // an update that does not help, and one that does
	p.want(0, []string{"Since the baseline: 0 new, 1 fixed", "fixed: GHSA-2222-2222-2222 critical (two)"}, "--baseline", file, "--fail-on", "low")
	p.want(0, nil, "--format", "json", "--output", file)
	p.install("1.0.1", "2.0.0")
	p.want(3, []string{"GHSA-2222-2222-2222 new", "Since the baseline: 1 new, 0 fixed", "the worst new finding is CRITICAL"}, "--baseline", file, "--fail-on", "high")
	p.want(0, []string{`"baselineState": "new"`, `"baselineState": "unchanged"`}, "--baseline", file, "--format", "sarif")
	var out struct {
		Baseline struct{ New int }
		Findings []struct {
			ID  string
			New bool
		}
	}
	if err := json.Unmarshal([]byte(p.want(0, nil, "--baseline", file, "--format", "json")), &out); err != nil || out.Baseline.New != 1 || len(out.Findings) != 2 {
		t.Errorf("%+v, %v", out, err)
	}
	p.want(1, []string{"--baseline", "not a report written with --format json"}, "--baseline", p.lock)
	p.want(1, []string{"--baseline", "no such file"}, "--baseline", "/nowhere")
}

// TestOutputs: several reports of one scan, and wrong wishes.
func TestOutputs(t *testing.T) {
	p := newScanPlace(t)
	at := func(name string) string { return filepath.Join(p.dir, name) }
	out := p.want(0, []string{"2 vulnerabilities"}, "-o", "json="+at("a.json"), "-o", "sarif="+at("a.sarif"), "-o", "spdx-tag-value="+at("a.spdx"))
	if !strings.Contains(out, "SEVERITY") {
		t.Errorf("no table: %s", out)
	}
	for name, want := range map[string]string{"a.json": `"schema": "muster-scan-1"`, "a.sarif": `"version": "2.1.0"`, "a.spdx": "SPDXVersion: SPDX-2.3"} {
		data, err := os.ReadFile(at(name))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v, %.200s", name, err, data)
		}
	}
	if out = p.want(0, nil, "-o", at("table.txt"), "-o", "json="+at("b=c.json")); out != "" {
		t.Errorf("standard output has %q", out)
	}
	for _, c := range [][2]string{
		{"-o a -o b", "would get the same report"}, {"-o json=", "names no file"}, {"-o json=x -o sarif=./x", "named twice"}, {"--format html", "is none of"},
	} {
		p.want(2, []string{c[1]}, strings.Fields(c[0])...)
	}
	p.want(1, []string{"report:"}, "-o", "json=/nowhere/x")
}

// zipped packs files.
func zipped(t *testing.T, files map[string]string) string {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, text := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}
