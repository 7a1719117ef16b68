package cve_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/advisory"
	"muster/internal/feed/cve"
	"muster/internal/testshared"
)

func pack(t testing.TB, text string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestParse(t *testing.T) {
	var got []advisory.Intel
	err := cve.Parse(pack(t, `{"id":"CVE-2024-3094","title":"t","description":"d","published":"2024-03-29T16:51:12Z","modified":"2024-05-01","cwe":["CWE-506"],"ubuntu_priority":"critical","cvss":[{"source":"nvd","vector":"CVSS:3.1/AV:N","score":10}],"ssvc":{"Exploitation":"none","Automatable":"yes","Technical Impact":"total"}}

{"id":"CVE-2010-2497","published":"2010-08-19T10:00:00.000"}
`), func(i advisory.Intel) error { got = append(got, i); return nil })
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	i := got[0]
	if i.Scores[0] != (advisory.Score{Source: "nvd", Vector: "CVSS:3.1/AV:N", Base: 10}) || i.SSVC.TechnicalImpact != "total" ||
		i.CWEs[0] != "CWE-506" || i.UbuntuPriority != "critical" || !i.Modified.Equal(time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", i)
	}
}

func TestRefusals(t *testing.T) {
	keep := func(advisory.Intel) error { return nil }
	for _, bad := range []string{"", "\n\n", "{", `{"id":"x"}`, `{"id":"CVE-2024-0001","published":"soon"}`, `{"id":"CVE-2024-0001","cvss":[{"score":"high"}]}`} {
		if err := cve.Parse(pack(t, bad), keep); !errors.Is(err, cve.ErrDetails) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := cve.Parse(strings.NewReader("{}"), keep); !errors.Is(err, cve.ErrDetails) {
		t.Errorf("not packed: %v", err)
	}
}

func TestRealDetails(t *testing.T) {
	f, err := os.Open(filepath.Join(testshared.Dir(t), "advisories", "small", "cve.ndjson.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, scored := 0, 0
	err = cve.Parse(f, func(i advisory.Intel) error {
		n++
		if len(i.Scores) > 0 {
			scored++
		}
		return nil
	})
	if err != nil || n < 100 || scored == 0 {
		t.Errorf("%d CVEs, %d with a score, %v", n, scored, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"id":"CVE-2024-3094","cvss":[{"source":"nvd","vector":"v","score":1}],"ssvc":{"Exploitation":"poc"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		err := cve.Parse(pack(t, text), func(i advisory.Intel) error {
			if !advisory.IsCVE(i.CVE) {
				t.Errorf("%q", i.CVE)
			}
			return nil
		})
		if err != nil && !errors.Is(err, cve.ErrDetails) {
			t.Errorf("an error of another kind: %v", err)
		}
	})
}
