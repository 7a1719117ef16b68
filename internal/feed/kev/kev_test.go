package kev_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/feed/kev"
	"muster/internal/testshared"
)

func TestCatalogueOfToday(t *testing.T) {
	f, err := os.Open(filepath.Join(testshared.Dir(t), "advisories", "kev.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := kev.Parse(f)
	if err != nil || len(c.Entries) < 1000 || c.Released.IsZero() {
		t.Fatalf("%d entries of %v, %v", len(c.Entries), c.Released, err)
	}
	for _, e := range c.Entries {
		if e.Added.Year() < 2021 || e.Due.Before(e.Added) || e.Action == "" {
			t.Errorf("%+v", e)
		}
	}
}

func TestParse(t *testing.T) {
	c, err := kev.Parse(strings.NewReader(`{"catalogVersion":"2026.01.15","dateReleased":"2026-01-15T14:00:00.1234Z","vulnerabilities":[
		{"cveID":"CVE-2021-44228","vulnerabilityName":"Log4Shell","dateAdded":"2021-12-10","dueDate":"2021-12-24","requiredAction":"update","knownRansomwareCampaignUse":"Known","notes":"n","cwes":["CWE-20"]},
		{"cveID":"CVE-2020-0001","dateAdded":"2021-11-03","dueDate":"","knownRansomwareCampaignUse":"Unknown"}]}`))
	if err != nil || c.Version != "2026.01.15" || c.Released.Year() != 2026 {
		t.Fatalf("%+v, %v", c, err)
	}
	first, second := c.Entries[0], c.Entries[1]
	if first.CVE != "CVE-2021-44228" || !first.Ransomware || !first.Due.Equal(time.Date(2021, 12, 24, 0, 0, 0, 0, time.UTC)) || first.CWEs[0] != "CWE-20" {
		t.Errorf("%+v", first)
	}
	if second.Ransomware || !second.Due.IsZero() {
		t.Errorf("%+v", second)
	}
}

func TestRefusals(t *testing.T) {
	for _, bad := range []string{
		"", "null", "[]", "{}", `{"vulnerabilities":[]}`, `{"vulnerabilities":[{"cveID":"X"}]}`,
		`{"vulnerabilities":[{"cveID":"CVE-2020-0001","dateAdded":"soon"}]}`,
		`{"vulnerabilities":[{"cveID":"CVE-2020-0001","dateAdded":"2020-01-01","dueDate":"x"}]}`,
	} {
		if _, err := kev.Parse(strings.NewReader(bad)); !errors.Is(err, kev.ErrCatalogue) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"vulnerabilities":[{"cveID":"CVE-2020-0001","dateAdded":"2020-01-01"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := kev.Parse(strings.NewReader(text))
		if err == nil && len(c.Entries) == 0 {
			t.Error("an empty catalogue was accepted")
		}
	})
}
