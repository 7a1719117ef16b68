package report

import (
	"io"

	"muster/internal/indent"
	"muster/internal/sbomscan"
	"muster/internal/scanner"
)

// writeInspector writes what ScanSbom would answer in its form INSPECTOR.
func writeInspector(w io.Writer, r *scanner.Result, opts Options) error {
	return indent.Encode(w, sbomscan.Inspector(r, opts.Created))
}
