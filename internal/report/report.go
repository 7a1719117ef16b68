// Package report writes what a scan found, for people and for programs. Every
// form is a pure function of the result: no clock, no chance, the same bytes
// for the same result.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"muster/internal/sbom"
	"muster/internal/scanner"
)

// Format is how a result is written.
type Format string

// The formats. CycloneDX without a version is the newest that muster writes.
const (
	Table     Format = "table"
	JSON      Format = "json"
	CycloneDX Format = "cyclonedx"
	SPDX      Format = "spdx"
	SPDXTags  Format = "spdx-tag-value"
	OpenVEX   Format = "openvex"
	SARIF     Format = "sarif"
	Inspector Format = "inspector"
)

// writers are the functions behind the formats.
func writers() map[Format]func(io.Writer, *scanner.Result, Options) error {
	all := map[Format]func(io.Writer, *scanner.Result, Options) error{
		Table: writeTable, JSON: writeJSON, SPDX: writeSPDX, SARIF: writeSARIF, Inspector: writeInspector,
		SPDXTags: writeSPDXTags, OpenVEX: writeOpenVEX,
	}
	for _, spec := range sbom.CycloneDXVersions() { // the last one is the default
		write := func(w io.Writer, r *scanner.Result, opts Options) error { return writeCycloneDX(w, spec, r, opts) }
		all[CycloneDX], all[CycloneDX+"-"+Format(spec)] = write, write
	}
	return all
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
	// Color allows terminal colours in tables, and Width is how many columns
	// they may take; 0 means any number.
	Color bool
	Width int
	// Baseline says what is new; nil means that nobody asked.
	Baseline *Difference
	// Version is the program's own.
	Version string
	// Created is the date that SPDX demands of a document; zero means the date
	// of the newest advisory, so that nothing depends on when it was written.
	Created time.Time
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
