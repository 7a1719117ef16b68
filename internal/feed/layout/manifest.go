package layout

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// ManifestVersion is the version of the manifest's form. A reader refuses
// another one.
const ManifestVersion = 1

// maxManifestBytes bounds a manifest; a thousand files have 400 kB.
const maxManifestBytes = 32 << 20

// FileList is the manifest of a feeds folder.
type FileList struct {
	Version int    `json:"version"`
	Files   []File `json:"files"`
}

// File is one fetched file and where it came from.
type File struct {
	Path   string `json:"path"`
	Source string `json:"source"`
	// URL is where it was fetched, or the address of the archive or index it
	// was made from; "" when that is not known.
	URL       string    `json:"url,omitempty"`
	FetchedAt time.Time `json:"fetched_at,omitzero"`
	Size      int64     `json:"size"`
	// SHA256 is hexadecimal.
	SHA256 string `json:"sha256"`
	// Schema, Licence and Attribution are the source's (see Source).
	Schema      string `json:"schema"`
	Licence     string `json:"licence"`
	Attribution string `json:"attribution"`
}

// Describe fills in what the table says about the file's source.
func (f File) Describe() (File, error) {
	s, ok := Of(f.Path)
	if !ok {
		return f, fmt.Errorf("%q is no file of a feeds folder", f.Path)
	}
	f.Source, f.Schema, f.Licence, f.Attribution = s.Name, s.Schema, s.Licence, s.Attribution
	return f, nil
}

// Sorted orders files by path.
func Sorted(files []File) []File {
	return slices.SortedFunc(slices.Values(files), func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
}

// ReadList reads a folder's manifest; a folder without one has an empty list.
func ReadList(dir string) (FileList, error) {
	b, err := readSmall(filepath.Join(dir, Manifest))
	if errors.Is(err, fs.ErrNotExist) {
		return FileList{Version: ManifestVersion}, nil
	}
	if err != nil {
		return FileList{}, err
	}
	return ParseList(b)
}

// ParseList reads a manifest. Files outside the layout are refused.
func ParseList(b []byte) (FileList, error) {
	var l FileList
	if err := json.Unmarshal(b, &l); err != nil {
		return l, fmt.Errorf("%s: %w", Manifest, err)
	}
	if l.Version != ManifestVersion {
		return l, fmt.Errorf("%s: version %d; this program knows version %d", Manifest, l.Version, ManifestVersion)
	}
	for _, f := range l.Files {
		if s, ok := Of(f.Path); !ok || s.Name != f.Source {
			return l, fmt.Errorf("%s: %.100q of source %.40q is no file of a feeds folder", Manifest, f.Path, f.Source)
		}
	}
	return l, nil
}

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxManifestBytes {
		return nil, fmt.Errorf("%s: %d bytes, more than %d", path, info.Size(), maxManifestBytes)
	}
	return os.ReadFile(path)
}

// WriteList puts a folder's manifest in place.
func WriteList(dir string, l FileList) error {
	l.Version, l.Files = ManifestVersion, Sorted(l.Files)
	b, err := json.MarshalIndent(l, "", " ")
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(dir, Manifest), append(b, '\n'))
}

// WriteFile replaces a small file as a whole, durably.
func WriteFile(name string, b []byte) error {
	t, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = t.Write(b)
	if err = errors.Join(err, t.Chmod(0o644), t.Sync(), t.Close()); err == nil {
		err = os.Rename(t.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	return nil
}
