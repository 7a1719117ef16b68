package exports

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNoCellIsAFormula: whatever the cells hold, and wherever the text is cut
// into pieces, a spreadsheet reads the same cells, with an apostrophe before
// those that it would take for formulas.
func TestNoCellIsAFormula(t *testing.T) {
	cell := rapid.StringOf(rapid.SampledFrom([]rune("=+-@\t\r\n\",'aä ")))
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, 3, 3), 1, 5).Draw(t, "rows")
		var text bytes.Buffer
		if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		var state cellState
		var out []byte
		for rest := text.Bytes(); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			out, rest = append(out, neutralize(rest[:n], &state)...), rest[n:]
		}
		got, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		before, err := csv.NewReader(bytes.NewReader(text.Bytes())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range got {
			for j, c := range row {
				if want := before[i][j]; c != want && c != "'"+want {
					t.Errorf("%q became %q", want, c)
				}
				if c != "" && strings.ContainsAny(c[:1], "=+-@\t") {
					t.Errorf("%q is a formula", c)
				}
			}
		}
	})
}
