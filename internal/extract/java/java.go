// Package java reads Java archives (jar, war, ear, par) and those nested in
// them, and says which Maven artifacts they carry. Identity comes from
// pom.properties, then from the manifest; a group is never guessed from a file
// name alone (feeds specification 7.5): of artifacts that are known to name
// none, the folder of the classes has to agree.
package java

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"muster/internal/extract/bounded"
	"muster/internal/inventory"
)

// Bounds. An archive is read in parts; nested archives that are compressed are
// held in memory while they are read.
const (
	MaxFile     = 4 << 30
	maxEntries  = 200_000
	maxDepth    = 5
	maxNested   = 64 << 20  // one nested archive
	maxUnpacked = 512 << 20 // all that one outer archive makes us unpack
	maxText     = 1 << 20   // pom.properties, MANIFEST.MF
)

// Artifact is a Maven artifact found in an archive.
type Artifact struct {
	inventory.Component
	// Inner is the path of the nested archive that carries it, "" for the
	// outer one; further levels are separated by "!/".
	Inner string
}

// Wants reports whether the file is an archive to read.
func Wants(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".jar", ".war", ".ear", ".par",
		".hpi", ".jpi", // plug-ins of Jenkins
		".nar", ".sar", ".kar", ".lpkg": // of NiFi, JBoss, Karaf and Liferay
		return true
	}
	return false
}

// Root is the folder in which further archives appear.
func Root(name string) string { return path.Dir(name) }

// Read returns the artifacts of an archive and of the archives in it. A
// nested archive that cannot be read does not hide the others: its error is
// joined to the result.
func Read(r io.ReaderAt, size int64, name string) ([]Artifact, error) {
	s := &scan{left: maxUnpacked}
	err := s.archive(r, size, path.Base(name), "", 0)
	return s.found, errors.Join(append(s.failed, err)...)
}

type scan struct {
	found  []Artifact
	failed []error
	// left is how many bytes may still be unpacked: the answer to archives
	// that unfold without end.
	left int64
	// entries counts those of all archives together; full is set when there are
	// more than may be.
	entries int
	full    bool
}

func (s *scan) archive(r io.ReaderAt, size int64, base, inner string, depth int) error {
	z, err := bounded.Zip(r, size, max(0, maxEntries-s.entries))
	if errors.Is(err, bounded.ErrTooMany) {
		s.full = true // or each further archive would be read as far as this one
	}
	if err != nil {
		return fmt.Errorf("archive %s: %w", base, err)
	}
	s.entries += len(z.File)
	var own identities
	for _, f := range z.File {
		if s.full {
			break
		}
		switch {
		case isPomProperties(f.Name):
			s.try(f, func(text []byte) { own.addProperties(text) })
		case f.Name == "META-INF/MANIFEST.MF":
			s.try(f, func(text []byte) { own.manifest = parseManifest(text) })
		case path.Ext(f.Name) == ".class":
			own.addClass(f.Name)
		case Wants(f.Name) && depth < maxDepth:
			if err := s.nested(r, f, joinInner(inner, f.Name), depth); err != nil {
				s.failed = append(s.failed, err)
			}
		}
	}
	for _, c := range own.components(base) {
		s.found = append(s.found, Artifact{c, inner})
	}
	return nil
}

func joinInner(inner, name string) string {
	if inner == "" {
		return name
	}
	return inner + "!/" + name
}

// isPomProperties: shaded archives keep those of their parts in other folders
// than Maven's, and the file says itself what it is about.
func isPomProperties(name string) bool { return path.Base(name) == "pom.properties" }

// try reads a small text entry; an unreadable one is noted and skipped.
func (s *scan) try(f *zip.File, use func([]byte)) {
	text, err := s.unpack(f, maxText)
	if err != nil {
		s.failed = append(s.failed, err)
		return
	}
	use(text)
}

// unpack reads an entry of at most limit bytes, whatever its header says.
func (s *scan) unpack(f *zip.File, limit int64) (data []byte, err error) {
	limit = min(limit, s.left)
	if f.UncompressedSize64 > uint64(limit) {
		return nil, fmt.Errorf("%s: %w: %d bytes", f.Name, bounded.ErrTooLarge, f.UncompressedSize64)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	data, err = io.ReadAll(bounded.Reader(r, limit))
	s.left -= int64(len(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return data, nil
}

// nested reads an archive within one. Stored ones, as Spring Boot packs them,
// are read in place.
func (s *scan) nested(outer io.ReaderAt, f *zip.File, inner string, depth int) error {
	base := path.Base(f.Name)
	if f.Method == zip.Store {
		offset, err := f.DataOffset()
		if err != nil {
			return fmt.Errorf("%s: %w", inner, err)
		}
		size := int64(min(f.UncompressedSize64, MaxFile))
		return s.archive(io.NewSectionReader(outer, offset, size), size, base, inner, depth+1)
	}
	data, err := s.unpack(f, maxNested)
	if err != nil {
		return err
	}
	return s.archive(bytes.NewReader(data), int64(len(data)), base, inner, depth+1)
}
