// Package quality measures how well muster matches: it scans every target of
// the shared data, holds the result against what people labelled, what Amazon
// Inspector and the public OSV service answered, and, where one is at hand,
// what another scanner finds on the same advisories.
//
// The numbers are committed (testdata/scores.txt). The gate fails when one of
// them is worse than committed, and asks for a better one to be committed.
// docs/quality.md says what the numbers mean and explains each difference.
package quality

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"muster/internal/inventory"
	"muster/internal/sbom"
	"muster/internal/scanner"
	"muster/internal/scanner/knowledge"
)

// Target is one thing to scan, with what is known about the right answer.
type Target struct {
	// Name is the path below the targets' folder.
	Name string
	// Scan is the folder or file that is scanned.
	Scan scanner.Target
	// Claims are what others said; nil where nobody did.
	Claims []Claim
}

// Claim is what somebody said about one package and one vulnerability.
type Claim struct {
	// Ecosystem is OSV's; Name, Version and Source are as in an inventory.
	// Version is empty where the answer names none.
	Ecosystem, Name, Version, Source string
	// IDs all name the vulnerability.
	IDs []string
	// True: the package has it. False: it was looked at, and has not.
	True bool
}

// World is where a measurement reads and writes.
type World struct {
	// Shared is the folder of the shared data; Work takes documents made for
	// the measurement; Cache keeps compiled advisories.
	Shared, Work, Cache string
}

// Advisories is the folder of the advisories that every scanner is given.
func (w World) Advisories() string { return filepath.Join(w.Shared, "advisories") }

func (w World) path(parts ...string) string {
	return filepath.Join(append([]string{w.Shared, "targets"}, parts...)...)
}

// Scan scans a target with muster.
func (w World) Scan(ctx context.Context, t scanner.Target) (*scanner.Result, error) {
	return scanner.Scan(ctx, t, scanner.Options{
		Advisories: knowledge.Config{Location: w.Advisories(), Dir: w.Cache},
		Temp:       w.Work,
	})
}

// Targets lists everything of the shared data that can be scanned, in order.
func (w World) Targets() ([]Target, error) {
	var list []Target
	for _, find := range []func() ([]Target, error){w.files, w.inspector, w.labels, w.queries} {
		found, err := find()
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// files are the targets that nobody has labelled.
func (w World) files() ([]Target, error) {
	var list []Target
	add := func(kind scanner.Kind, name string) {
		list = append(list, Target{Name: name, Scan: scanner.Target{Kind: kind, Name: w.path(name)}})
	}
	for _, folder := range []string{"archives", "images"} {
		names, err := below(w.path(), folder)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			add(scanner.Archive, name)
		}
	}
	names, err := below(w.path(), "lockfiles")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if filepath.Base(name) != "go.sum" && !strings.Contains(name, "/parent/") { // read with the file beside or above
			add(scanner.Lock, name)
		}
	}
	systems, err := os.ReadDir(w.path("os"))
	if err != nil {
		return nil, err
	}
	for _, s := range systems {
		add(scanner.Dir, filepath.Join("os", s.Name()))
	}
	if names, err = below(w.path(), "sbom"); err != nil {
		return nil, err
	}
	for _, name := range names {
		add(scanner.SBOM, name)
	}
	return list, nil
}

// below lists the files of a folder, with the folder before their names.
func below(root, folder string) ([]string, error) {
	var names []string
	err := fs.WalkDir(os.DirFS(root), folder, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// document writes an inventory as an SBOM, so that it takes the same way to
// every scanner.
func (w World) document(name string, inv inventory.Inventory) (t scanner.Target, err error) {
	file := filepath.Join(w.Work, strings.ReplaceAll(name, "/", "-")+".cdx.json")
	f, err := os.Create(file)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	inv.Sort()
	if err := sbom.WriteCycloneDX(f, "1.5", &sbom.Document{Target: name, Inventory: inv}); err != nil {
		return t, fmt.Errorf("%s: %w", name, err)
	}
	return scanner.Target{Kind: scanner.SBOM, Name: file}, nil
}
