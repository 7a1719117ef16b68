// Package report writes what a scan found, for people and for programs. Every
// form is a pure function of the result: no clock, no chance, the same bytes
// for the same result.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"muster/internal/scanner"
)

// Format is how a result is written.
type Format string

// The formats. CycloneDX without a version is the newest that muster writes.
const (
	Table Format = "table"
	JSON  Format = "json"
)

// writers are the functions behind the formats.
func writers() map[Format]func(io.Writer, *scanner.Result, Options) error {
	return map[Format]func(io.Writer, *scanner.Result, Options) error{
		Table: writeTable, JSON: writeJSON,
	}
}

// Formats lists all formats by name.
func Formats() []Format {
	var list []Format
	for f := range writers() {
		list = append(list, f)
	}
	slices.Sort(list)
	return list
}

// Options tune a report.
type Options struct {
	// All shows in tables what is hidden by default: informational findings
	// and every package instead of the first few.
	All bool
	// Color allows terminal colours in tables.
	Color bool
	// Version is the program's own.
	Version string
}

// Parse checks the name of a format.
func Parse(name string) (Format, error) {
	if writers()[Format(name)] != nil {
		return Format(name), nil
	}
	var names []string
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return "", fmt.Errorf("format %q is none of %s", name, strings.Join(names, ", "))
}

// Write writes a result.
func Write(w io.Writer, f Format, r *scanner.Result, opts Options) error {
	write := writers()[f]
	if write == nil {
		return fmt.Errorf("no format %q", f)
	}
	return write(w, r, opts)
}
