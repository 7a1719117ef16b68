package lockfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"muster/internal/extract/bounded"
	"muster/internal/inventory"
)

// ownReader returns muster's reader of a format, nil where there is none: of
// formats that scalibr does not read, or reads only in part.
func ownReader(name string) func(fsys fs.FS, name string, list *listing) error {
	base := path.Base(name)
	switch base {
	case "yarn.lock":
		return textReader(readYarn)
	case "pnpm-lock.yaml":
		return textReader(readPNPM)
	case "Package.resolved":
		return textReader(readSwift)
	case "Podfile.lock":
		return textReader(readPods)
	case "Manifest.toml", "JuliaManifest.toml":
		return textReader(readJulia)
	case "conan.lock":
		return textReader(readConan)
	case "conanfile.txt":
		return textReader(readConanFile)
	case "build.sbt.lock":
		return textReader(readSBT)
	case "rebar.lock":
		return textReader(readRebar)
	case "environment.yml", "environment.yaml":
		return textReader(readConda)
	}
	switch {
	case isPip(name):
		return readRequirements
	case strings.HasSuffix(base, "Packages.props"):
		return textReader(readCentral)
	case isWorkflow(name):
		return textReader(readWorkflow)
	}
	return nil
}

// textReader makes a reader of files from one of texts.
func textReader(read func(data []byte, list *listing) error) func(fs.FS, string, *listing) error {
	return func(fsys fs.FS, name string, list *listing) error {
		data, err := readText(fsys, name)
		if err != nil {
			return err
		}
		return read(data, list)
	}
}

// readText reads a file in whatever encoding its byte order mark names.
func readText(fsys fs.FS, name string) (data []byte, err error) {
	f, _, err := bounded.Open(fsys, name, maxFile)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(bounded.Text(bounded.Reader(f, maxFile)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// errTooMany says that a file lists more packages than are read.
var errTooMany = fmt.Errorf("more than %d packages", maxPackages)

// listing collects the packages of a file, each once.
type listing struct {
	found       []inventory.Component
	development marks
}

func newListing() *listing { return &listing{development: marks{}} }

// add takes a package whose version is decided.
func (l *listing) add(c inventory.Component, development bool) error {
	if c.Name == "" || c.Version == "" {
		return nil
	}
	if len(l.found) == maxPackages {
		return errTooMany
	}
	if _, seen := l.development[c]; !seen {
		l.found = append(l.found, c)
	}
	l.development.note(c, development)
	return nil
}

// lines are the lines of a text without their ends, "\r\n" among them.
func lines(data []byte) []string {
	return slices.Collect(func(yield func(string) bool) {
		for line := range strings.Lines(string(data)) {
			if !yield(strings.TrimRight(line, "\r\n")) {
				return
			}
		}
	})
}
