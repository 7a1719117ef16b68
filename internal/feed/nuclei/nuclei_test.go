package nuclei_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/feed/nuclei"
	"muster/internal/testshared"
)

const (
	answer = `[{"id":"CVE-2025-25231","created_at":"2025-08-30T15:48:47Z","raw":"id: x"},
{"id":"portal-api-ssrf","created_at":"2025-08-30T03:27:44Z"},
{"id":"some-check","classification":{"cve-id":["CVE-2024-0001","x"]}},
{"id":"other-check","created_at":"2025-01-01T00:00:00Z","classification":{"cve-id":"CVE-2024-0001"}},
{"id":"CVE-2025-29925","classification":{"cve-id":[]}}]`
	index = `{"ID":"CVE-2000-0114","Info":{"Name":"n","Severity":"medium","Classification":{"CVSSScore":"5"}},"file_path":"http/cves/2000/CVE-2000-0114.yaml"}
{"ID":"CVE-2001-0537","Info":{},"file_path":"x"}
`
)

func TestParse(t *testing.T) {
	list, err := nuclei.Parse(strings.NewReader(answer))
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	if e := list["CVE-2024-0001"]; strings.Join(e.Nuclei, " ") != "some-check other-check" || e.Last.Year() != 2025 {
		t.Errorf("%+v", e)
	}
	if list, err := nuclei.Parse(strings.NewReader(index)); err != nil || len(list) != 2 || list["CVE-2000-0114"].Nuclei[0] != "CVE-2000-0114" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestRefusals(t *testing.T) {
	for _, bad := range []string{"", "[]", "{}", "5", `[{}]`, `[5]`, `[{"id":"x"}`} {
		if _, err := nuclei.Parse(strings.NewReader(bad)); !errors.Is(err, nuclei.ErrTemplates) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestRealAnswers(t *testing.T) {
	for name, cves := range map[string]int{"public.json": 2, "early.json": 0} {
		f, err := os.Open(filepath.Join(testshared.Dir(t), "advisories", "raw", "nuclei", "happy", name))
		if err != nil {
			t.Fatal(err)
		}
		list, err := nuclei.Parse(f)
		f.Close()
		if err != nil || len(list) < cves {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(answer)
	f.Add(index)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := nuclei.Parse(strings.NewReader(text)); err != nil && !errors.Is(err, nuclei.ErrTemplates) {
			t.Errorf("an error of another kind: %v", err)
		}
	})
}
