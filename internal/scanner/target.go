package scanner

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"muster/internal/extract/lockfile"
	"muster/internal/extract/windows"
	"muster/internal/sbom"
	"muster/internal/source/disk"
)

// Kind is what a target is, as users write it before the colon.
type Kind string

// The kinds of targets.
const (
	Dir     Kind = "dir"
	Lock    Kind = "lock"
	SBOM    Kind = "sbom"
	Archive Kind = "archive"
	Image   Kind = "image"
	Disk    Kind = "disk"
	// Windows is what a Windows machine says of itself, in a file.
	Windows Kind = "windows"
)

// Target is one thing to scan.
type Target struct {
	Kind Kind
	// Name is a path or an image reference.
	Name string
}

// String is the target as users write it.
func (t Target) String() string { return string(t.Kind) + ":" + t.Name }

// Container reports whether the target is a container image.
func (t Target) Container() bool { return t.Kind == Image || t.Kind == Archive }

// ErrTarget says that a text names nothing that can be scanned; the wrapping
// error says why, and what could be written instead.
var ErrTarget = errors.New("no target")

func noTarget(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrTarget}, args...)...)
}

// ParseTarget reads KIND:NAME, or a bare path whose kind is detected.
func ParseTarget(text string) (Target, error) {
	kind, name, ok := strings.Cut(text, ":")
	if ok {
		switch Kind(kind) {
		case Dir, Lock, SBOM, Archive, Image, Disk, Windows:
			if name == "" {
				return Target{}, noTarget("%q names nothing after the colon", text)
			}
			return Target{Kind(kind), name}, readable(Kind(kind), name)
		}
	}
	if text == "" {
		return Target{}, noTarget("it is empty")
	}
	info, err := os.Stat(text)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Target{}, notThere(text)
	case err != nil:
		return Target{}, fmt.Errorf("%w: %w", ErrTarget, err)
	case info.IsDir():
		return Target{detectFolder(text), text}, nil
	case !info.Mode().IsRegular():
		return Target{}, readable(Archive, text)
	}
	kind2, err := detectFile(text)
	return Target{kind2, text}, err
}

// notThere says of a text that it is no path, and how an image is named by what
// other programs take for one.
func notThere(text string) error {
	reference := text
	for _, prefix := range []string{"docker-daemon:", "docker://", "registry:", "docker:", "oci:", "podman:", "oci-registry:"} {
		reference = strings.TrimPrefix(reference, prefix)
	}
	if reference == "" || strings.ContainsAny(reference, " \\@") && !strings.Contains(reference, "@sha256:") || reference[0] == '/' || reference[0] == '.' {
		return noTarget("there is no file or folder %q", text)
	}
	return noTarget("there is no file or folder %q; for an image of a registry write image:%s", text, reference)
}

// readable refuses pipes and devices, whose opening may wait for ever and
// which cannot be read twice, and files that are not there.
func readable(kind Kind, name string) error {
	if kind == Dir || kind == Image {
		return nil
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return noTarget("there is no file or folder %q", name)
	case err != nil || info.Mode().IsRegular() || info.IsDir():
		return nil
	}
	return noTarget("%s is a pipe or a device; write it to a file first", name)
}

// detectFolder tells an OCI layout from other folders.
func detectFolder(path string) Kind {
	if _, err := os.Stat(filepath.Join(path, "oci-layout")); err == nil {
		return Archive
	}
	return Dir
}

// detectFile goes by the name where names are decided, else by how the
// content begins.
func detectFile(path string) (Kind, error) {
	if lockfile.Wants(filepath.Base(path)) {
		return Lock, nil
	}
	start, err := beginning(path)
	switch {
	case err != nil:
		return "", err
	case sbom.Looks(start):
		return SBOM, nil
	case windows.Looks(start):
		return Windows, nil
	case looksPacked(start):
		return Archive, nil
	case disk.Looks(start):
		return Disk, nil
	}
	return "", noTarget("%s is no lock file, SBOM, archive or disk that muster knows; where you know better, write lock:, sbom:, archive: or disk: before the path", path)
}

func beginning(path string) (start []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	start = make([]byte, 64<<10)
	n, err := io.ReadFull(f, start)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return start[:n], err
}

// looksPacked recognises tar, gzip, zstd and zip.
func looksPacked(start []byte) bool {
	const tarMagicAt = 257
	for _, magic := range []string{"\x1f\x8b", "\x28\xb5\x2f\xfd", "PK\x03\x04"} {
		if bytes.HasPrefix(start, []byte(magic)) {
			return true
		}
	}
	return len(start) > tarMagicAt && bytes.HasPrefix(start[tarMagicAt:], []byte("ustar"))
}
