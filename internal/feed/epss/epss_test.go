package epss_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/feed/epss"
	"muster/internal/testshared"
)

func pack(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestParse(t *testing.T) {
	var rows []epss.Row
	h, err := epss.Parse(bytes.NewReader(pack(t, "#model_version:v2025.03.14,score_date:2026-01-15T00:00:00+0000\ncve,epss,percentile\nCVE-1999-0001,0.03351,0.8765\nCVE-2024-3094,1,0\n")),
		func(r epss.Row) error { rows = append(rows, r); return nil })
	if err != nil || h.Model != "v2025.03.14" || h.Date.Format("2006-01-02") != "2026-01-15" {
		t.Fatalf("%+v, %v", h, err)
	}
	if len(rows) != 2 || rows[0] != (epss.Row{CVE: "CVE-1999-0001", Score: 0.03351, Percentile: 0.8765}) {
		t.Errorf("%+v", rows)
	}
}

func TestRefusals(t *testing.T) {
	keep := func(epss.Row) error { return nil }
	for name, data := range map[string][]byte{
		"empty": nil, "plain": []byte("cve,epss,percentile\n"), "no rows": pack(t, "cve,epss,percentile\n"),
		"odd id": pack(t, "XYZ-1,0,0\n"), "short": pack(t, "CVE-2024-0001\n"), "above one": pack(t, "CVE-2024-0001,1.1,0\n"),
		"not a number": pack(t, "CVE-2024-0001,NaN,0\n"), "cut": pack(t, strings.Repeat("CVE-2024-0001,0.1,0.2\n", 100))[:30],
		"long line": pack(t, strings.Repeat("x", 1<<20)),
	} {
		if _, err := epss.Parse(bytes.NewReader(data), keep); !errors.Is(err, epss.ErrScores) {
			t.Errorf("%s: %v", name, err)
		}
	}
	stop := errors.New("stop")
	if _, err := epss.Parse(bytes.NewReader(pack(t, "CVE-2024-0001,0,0\n")), func(epss.Row) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

func TestRealScores(t *testing.T) {
	f, err := os.Open(filepath.Join(testshared.Dir(t), "advisories", "small", "epss.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	h, err := epss.Parse(f, func(epss.Row) error { n++; return nil })
	if err != nil || n < 1000 || h.Date.IsZero() {
		t.Errorf("%d rows of %v, %v", n, h.Date, err)
	}
}

// TestGenerations reads a file of each generation of the model.
func TestGenerations(t *testing.T) {
	for day, want := range map[string]struct {
		model      string
		percentile float64
	}{"2021-04-14": {"", 0}, "2021-09-01": {"", 0.9981063485700858}, "2022-02-04": {"v2022.01.01", 0.99999}, "2023-03-07": {"v2023.03.01", 0.99995}} {
		f, err := os.Open(filepath.Join(testshared.Dir(t), "advisories", "raw", "epss", "epss_scores-"+day+".csv.gz"))
		if err != nil {
			t.Fatal(err)
		}
		var rows []epss.Row
		h, err := epss.Parse(f, func(r epss.Row) error { rows = append(rows, r); return nil })
		f.Close()
		if err != nil || h.Model != want.model || len(rows) != 2 || rows[0].CVE != "CVE-2020-5902" || rows[0].Percentile != want.percentile {
			t.Errorf("%s: %+v, %+v, %v", day, h, rows, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("#model_version:v,score_date:2026-01-15T00:00:00+0000\ncve,epss,percentile\nCVE-1999-0001,0.03351,0.8765\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := epss.Parse(bytes.NewReader(pack(t, text)), func(r epss.Row) error {
			if !(r.Score >= 0 && r.Score <= 1 && r.Percentile >= 0 && r.Percentile <= 1) {
				t.Errorf("%+v", r)
			}
			return nil
		})
		if err != nil && !errors.Is(err, epss.ErrScores) {
			t.Errorf("an error of another kind: %v", err)
		}
	})
}
