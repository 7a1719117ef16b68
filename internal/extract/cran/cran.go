// Package cran recognises installed packages of R by the DESCRIPTION in the
// folder of each.
package cran

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strings"

	"muster/internal/inventory"
)

// MaxFile bounds a DESCRIPTION, in bytes.
const MaxFile = 4 << 20

// Wants reports whether the file may describe a package of R.
func Wants(name string) bool { return path.Base(name) == "DESCRIPTION" }

// Root is the library, in which further packages appear.
func Root(name string) string { return path.Dir(path.Dir(name)) }

// Parse reads the package, if it is installed: R notes then what it was built
// with. The packages of R's own base are R.
func Parse(r io.Reader) ([]inventory.Component, error) {
	fields := map[string]string{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && !strings.HasPrefix(name, " ") {
			fields[name] = strings.TrimSpace(value)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("package of R: %w", err)
	}
	c := inventory.Component{Ecosystem: "CRAN", Name: fields["Package"], Version: fields["Version"]}
	if fields["Built"] == "" || fields["Priority"] == "base" || c.Name == "" || c.Version == "" {
		return nil, nil
	}
	if fields["biocViews"] != "" && fields["Repository"] != "CRAN" {
		c.Ecosystem = "Bioconductor"
	}
	return []inventory.Component{c}, nil
}
