package sbomscan_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspectorscan"
	"muster/internal/sbom/sbomtest"
	"muster/internal/sbomscan"
	"muster/internal/scanner/knowledge"
	"muster/internal/testshared"
)

// answerEntry is what the comparison reads of either side's answer.
type answerEntry struct {
	ID         string
	References []struct{ ID string }
	Ratings    []struct {
		Severity, Method string
		Score            float64
		Source           struct{ Name string }
	}
	Affects    []struct{ Ref string }
	Properties []struct{ Name, Value string }
}

type answerBom struct {
	BomFormat, SpecVersion string
	Metadata               struct {
		Timestamp  string
		Properties []struct{ Name, Value string }
	}
	Components      []json.RawMessage
	Vulnerabilities []answerEntry
}

// cache is where the tests compile advisories, once for all.
var cache string

func TestMain(m *testing.M) {
	var err error
	if cache, err = os.MkdirTemp("", "sbomscan-"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(cache); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// desk opens a set of the shared advisories for the ecosystems of the
// recorded documents.
func desk(t testing.TB) *sbomscan.Service {
	t.Helper()
	feeds := filepath.Join(testshared.Dir(t), "advisories")
	return sbomscan.New(func(ctx context.Context) (*advisorydb.Set, error) {
		set, _, err := knowledge.Open(ctx, knowledge.Config{Location: feeds, Dir: cache},
			[]string{"Debian:12", "Ubuntu:22.04:LTS", "Alpine:v3.18", "PyPI", "npm", "Go"})
		return set, err
	})
}

func scan(t testing.TB, s *sbomscan.Service, document []byte, form inspectorscan.OutputFormat) []byte {
	t.Helper()
	call := &awsmodel.Call{Time: time.Date(2024, 5, 22, 15, 0, 0, 0, time.UTC)}
	out, err := s.ScanSbom(t.Context(), call, &inspectorscan.ScanSbomInput{Sbom: document, OutputFormat: form})
	if err != nil {
		t.Fatal(err)
	}
	return out.Sbom
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testshared.Dir(t), "targets", "inspector", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// names are all ids of an answer, those of references included.
func names(list []answerEntry) map[string]bool {
	out := map[string]bool{}
	for _, v := range list {
		out[v.ID] = true
		for _, r := range v.References {
			out[r.ID] = true
		}
	}
	return out
}

// fixed reports whether an entry names a version that fixes it.
func (v answerEntry) fixed() bool {
	return slices.ContainsFunc(v.Properties, func(p struct{ Name, Value string }) bool { return strings.Contains(p.Name, ":fixed_version:") })
}

// TestRecordedAnswers holds the answers against those that Amazon Inspector
// gave in May 2024. What it found with a fix must be found; the numbers of what
// is missing are what they are for a reason that stands beside them, and may
// not grow.
func TestRecordedAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles whole ecosystems")
	}
	s := desk(t)
	for name, want := range map[string]struct {
		missing int
		reason  string
	}{
		"debian-latest":          {0, ""},
		"debian-stable-20240130": {0, ""},
		"nginx-latest":           {0, ""},
		"alpine-3.18.2":          {0, ""},
		"golang-latest":          {0, ""},
		"ubuntu-latest":          {5, "Ubuntu's advisories say nothing about them"},
		"node-latest":            {1, "CVE-2023-42282: the advisory no longer says that ip 2.0.0 is affected"},
		"amazonlinux-latest":     {17, "there are no advisories of Amazon Linux"},
	} {
		t.Run(name, func(t *testing.T) {
			var theirs struct{ Sbom answerBom }
			if err := json.Unmarshal(read(t, name+"/expected-scan.cdx.json"), &theirs); err != nil {
				t.Fatal(err)
			}
			var ours answerBom
			answer := scan(t, s, read(t, name+"/sbom.cdx.json"), "")
			if err := json.Unmarshal(answer, &ours); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(name, "node") && !strings.HasPrefix(name, "golang") { // whose documents break the schema themselves, or are long
				sbomtest.CycloneDX(t, "1.5", answer)
			}
			found, missing, withFix := names(ours.Vulnerabilities), []string{}, 0
			for _, v := range theirs.Sbom.Vulnerabilities {
				if !v.fixed() {
					continue
				}
				if withFix++; !found[v.ID] {
					missing = append(missing, v.ID)
				}
			}
			t.Logf("theirs %d (%d with a fix), ours %d", len(theirs.Sbom.Vulnerabilities), withFix, len(ours.Vulnerabilities))
			if len(missing) > want.missing {
				t.Errorf("%d of %d with a fix are missing, want %d (%s): %.2000v", len(missing), withFix, want.missing, want.reason, missing)
			}
		})
	}
}

// inspectorAnswer is what is compared of the form INSPECTOR.
type inspectorAnswer struct {
	Count    map[string]int `json:"vulnerability_count"`
	Messages []struct {
		Name, Version, PURL string
		Info                string
		Observed            string `json:"info_message"`
	}
	Vulnerabilities []struct {
		ID, Severity string
		Related      []string
		Affects      []struct {
			File, Lines, Name, Version, Path string
			Installed                        string `json:"installed_version"`
			Fixed                            string `json:"fixed_version"`
		}
	}
}

// TestInspectorForm holds the form INSPECTOR against a recorded answer about
// an image of Ubuntu 14.04: the same members, the Dockerfile's findings, the
// operating system's end of life, and every vulnerability with a fix of which
// the advisories at hand know.
func TestInspectorForm(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles whole ecosystems")
	}
	var theirs, ours inspectorAnswer
	if err := json.Unmarshal(read(t, "dockerfile-checks/inspector-scan.json"), &theirs); err != nil {
		t.Fatal(err)
	}
	answer := scan(t, desk(t), read(t, "dockerfile-checks/sbom.json"), inspectorscan.OutputFormatInspector)
	if err := json.Unmarshal(answer, &ours); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, v := range ours.Vulnerabilities {
		found[v.ID] = true
		for _, id := range v.Related {
			found[id] = true
		}
	}
	missing := []string{}
	for _, v := range theirs.Vulnerabilities {
		if len(v.Affects) > 0 && v.Affects[0].Fixed != "" && !found[v.ID] {
			missing = append(missing, v.ID)
		}
	}
	t.Logf("theirs %d %v, ours %d %v", len(theirs.Vulnerabilities), theirs.Count, len(ours.Vulnerabilities), ours.Count)
	if len(missing) > 78 { // of these the advisories at hand say nothing for 14.04
		t.Errorf("%d are missing: %.2000v", len(missing), missing)
	}
	for _, id := range []string{"IN-DISCONTINUED-001", "IN-DOCKER-001", "IN-DOCKER-002", "IN-DOCKER-003", "IN-DOCKER-004", "IN-DOCKER-005-003", "IN-DOCKER-006-001"} {
		if !found[id] {
			t.Errorf("%s is missing", id)
		}
	}
}
