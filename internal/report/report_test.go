package report_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/finding"
	"muster/internal/inventory"
	"muster/internal/match"
	"muster/internal/report"
	"muster/internal/sbom/sbomtest"
	"muster/internal/scanner"
	"muster/internal/scanner/knowledge"
	"muster/internal/testshared"
	"muster/internal/vex"
)

// results are two real scans, one of them with statements.
func results(t testing.TB) map[string]*scanner.Result {
	t.Helper()
	shared, cache := testshared.Dir(t), t.TempDir()
	out := map[string]*scanner.Result{}
	for _, target := range []scanner.Target{
		{Kind: scanner.Lock, Name: filepath.Join(shared, "targets/lockfiles/boulder-2021/go.mod")},
		{Kind: scanner.SBOM, Name: filepath.Join(shared, "targets/inspector/node-latest/sbom.cdx.json")},
	} {
		statements := vex.NewSet()
		err := statements.Read("v", []byte(`{"@context":"https://openvex.dev/ns","statements":[
		 {"vulnerability":{"name":"CVE-2022-41723"},"products":[{"@id":"pkg:golang/golang.org/x/net"}],"status":"not_affected","justification":"component_not_present","impact_statement":"x"},
		 {"vulnerability":{"name":"CVE-2024-33602"},"products":[{"@id":"pkg:deb/debian/libc6"}],"status":"fixed"},
		 {"vulnerability":{"name":"CVE-2024-2961"},"products":[{"@id":"pkg:deb/debian/libc6"}],"status":"under_investigation"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		r, err := scanner.Scan(t.Context(), target, scanner.Options{
			Advisories: knowledge.Config{Location: filepath.Join(shared, "advisories", "small"), Dir: cache}, VEX: statements,
		})
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(target.Name)] = r
	}
	return out
}

func write(t testing.TB, f report.Format, r *scanner.Result, opts report.Options) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := report.Write(&buf, f, r, opts); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestSchemas holds what is written against the published schemas and against
// the readers of those who published them.
func TestSchemas(t *testing.T) {
	for name, r := range results(t) {
		if len(r.Findings) < 20 || len(r.Suppressed) == 0 {
			t.Fatalf("%s: %d findings, %d suppressed", name, len(r.Findings), len(r.Suppressed))
		}
		for _, version := range []string{"1.4", "1.5", "1.6"} {
			bom := sbomtest.CycloneDX(t, version, write(t, report.Format("cyclonedx-"+version), r, report.Options{Version: "1.0"}))
			if n := len(*bom.Vulnerabilities); n != len(r.Findings)+len(r.Suppressed) {
				t.Errorf("%s: CycloneDX %s has %d vulnerabilities, want %d", name, version, n, len(r.Findings)+len(r.Suppressed))
			}
		}
		for _, format := range []report.Format{report.SPDX, report.SPDXTags} {
			doc := sbomtest.SPDX(t, write(t, format, r, report.Options{Version: "1.0"}))
			if n := len(doc.Packages); n < len(r.Inventory.Items)+1 || doc.SPDXVersion != "SPDX-2.3" {
				t.Errorf("%s: %s has %d packages, %s", name, format, n, doc.SPDXVersion)
			}
		}
		checkSARIF(t, write(t, report.SARIF, r, report.Options{}))
	}
}

// TestSARIFTellsOfEnds: a log says which release gets no more fixes, and what
// somebody denies.
func TestSARIFTellsOfEnds(t *testing.T) {
	for name, r := range results(t) {
		r.Coverage = append(slices.Clone(r.Coverage), scanner.Coverage{
			Ecosystem: "Ubuntu:18.04:LTS", State: scanner.Judged, SupportEnded: true,
			SupportedUntil: time.Date(2023, 5, 31, 0, 0, 0, 0, time.UTC), PaidUntil: time.Date(2028, 4, 1, 0, 0, 0, 0, time.UTC),
		})
		r.Findings[0].Disputed = true
		text := string(write(t, report.SARIF, r, report.Options{}))
		for _, want := range []string{
			`"Ubuntu:18.04:LTS: support ended on 2023-05-31; with Ubuntu Pro until 2028-04-01"`, `"disputed"`, "somebody denies that it is a vulnerability",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s", name, want)
			}
		}
	}
}

// checkSARIF holds a log to what SARIF 2.1.0 demands of the members written.
func checkSARIF(t *testing.T, data []byte) {
	t.Helper()
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID, HelpURI     string
						FullDescription struct{ Text string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
				Suppressions []struct{ Kind, Status, Justification string }
			}
		}
	}
	if err := json.Unmarshal(data, &log); err != nil || log.Version != "2.1.0" || len(log.Runs) != 1 {
		t.Fatalf("%v, %.200s", err, data)
	}
	run := log.Runs[0]
	rules := map[string]bool{}
	for _, r := range run.Tool.Driver.Rules {
		if u, err := url.Parse(r.HelpURI); rules[r.ID] || err != nil || !u.IsAbs() || r.FullDescription.Text == "" {
			t.Errorf("rule %+v", r)
		}
		rules[r.ID] = true
	}
	suppressed := 0
	for _, r := range run.Results {
		where := r.Locations[0].PhysicalLocation
		_, err := url.Parse(where.ArtifactLocation.URI)
		if err != nil || where.Region.StartLine < 1 || r.Message.Text == "" || run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID ||
			!slices.Contains([]string{"error", "warning", "note"}, r.Level) {
			t.Errorf("result %+v, %v", r, err)
		}
		for _, s := range r.Suppressions {
			suppressed++
			if s.Kind != "external" || s.Status != "accepted" || s.Justification == "" {
				t.Errorf("%+v", s)
			}
		}
	}
	if suppressed == 0 {
		t.Error("nothing is suppressed")
	}
}

// made is a small result by hand.
func made(t testing.TB) *scanner.Result {
	t.Helper()
	lib := func(name, version, path string) inventory.Item {
		return inventory.Item{Component: inventory.Component{Ecosystem: "npm", Name: name, Version: version, Manager: inventory.ManagerNPM}, Path: path}
	}
	inv := inventory.Inventory{Items: []inventory.Item{lib("left", "1.0.0", "a/very/long/way/down/to/the/very/end/package-lock.json"), lib("日本語のパッケージ", "2.0.0", "p"), lib("x\x1b[31my", "3.0.0", "q")}}
	inv.Sort()
	r, err := scanner.Judge(t.Context(), scanner.Target{Kind: scanner.Dir, Name: "/srv\u202e/app"}, inv, advisorydb.Empty(), scanner.Judging{})
	if err != nil {
		t.Fatal(err)
	}
	for i, severity := range []finding.Severity{finding.Critical, finding.High, finding.Informational} {
		it := inv.Items[i%len(inv.Items)]
		f := scanner.Finding{State: match.Fixed, Affects: []scanner.Affect{{Item: it, State: match.Fixed, FixedVersion: "9.0.0"}}}
		f.Severity, f.Fix = severity, finding.Yes
		f.Package = &finding.PackageDetails{VulnerabilityID: "CVE-2024-100" + string('1'+rune(i)), Packages: []finding.Package{{Name: it.Name, Version: it.Version, Path: it.Path, FixedIn: "9.0.0"}}}
		r.Findings = append(r.Findings, f)
	}
	r.Findings[0].KEV = &finding.KEV{AddedAt: time.Unix(0, 0)}
	r.Findings[1].Disputed = true
	return r
}

// TestTableWidths: no line of a table is wider than the terminal, whatever the
// characters; strangers' words move no cursor; what matters stays.
func TestTableWidths(t *testing.T) {
	r := made(t)
	for _, width := range []int{80, 100, 140} {
		text := string(write(t, report.Table, r, report.Options{Width: width, Color: true}))
		if strings.Contains(text, "\u202e") || strings.Contains(text, "x\x1b") {
			t.Errorf("foreign control characters in %q", text)
		}
		for _, want := range []string{"CVE-2024-1001 !", "CVE-2024-1002 ?", "? is disputed", "9.0.0", "3 vulnerabilities:", "Informational ones are shown with --all", "UPDATE", "NOT JUDGED", "日本語のパッケージ"} {
			if !strings.Contains(text, want) {
				t.Errorf("%d: no %q in\n%s", width, want, text)
			}
		}
		for line := range strings.SplitSeq(text, "\n") {
			if n := cells(line); n > width && !strings.Contains(line, "NOT JUDGED") {
				t.Errorf("%d: %d columns: %s", width, n, line)
			}
		}
	}
	plain := string(write(t, report.Table, r, report.Options{All: true}))
	if !strings.Contains(plain, "a/very/long/way/down/to/the/very/end/package-lock.json") || strings.Contains(plain, "\x1b") || !strings.Contains(plain, "CVE-2024-1003") {
		t.Errorf("without a terminal:\n%s", plain)
	}
}

// cells counts a line's columns without colours; of the test's characters only
// the Japanese ones are wide.
func cells(line string) int {
	n, escape := 0, false
	for _, r := range line {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		case r >= 0x3000:
			n += 2
		default:
			n++
		}
	}
	return n
}

// TestFormats: every format is written, twice the same, and unknown ones are
// refused with the list of those there are.
func TestFormats(t *testing.T) {
	r := made(t)
	for _, f := range report.Formats() {
		a, b := write(t, f, r, report.Options{}), write(t, f, r, report.Options{})
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s: %d bytes, then %d", f, len(a), len(b))
		}
	}
	if _, err := report.Parse("html"); err == nil || !strings.Contains(err.Error(), "spdx-tag-value") {
		t.Error(err)
	}
}
