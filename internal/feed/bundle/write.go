package bundle

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"muster/internal/feed/layout"
)

// ErrEmpty says that a folder has nothing to export.
var ErrEmpty = errors.New("no feeds there")

// Write makes a bundle of a feeds folder. The file appears when it is
// complete; one of that name is replaced.
func Write(ctx context.Context, out, dir string, opts Options) (Manifest, error) {
	unlock, err := layout.Lock(ctx, dir)
	if err != nil {
		return Manifest{}, err
	}
	defer unlock()
	m, err := describe(ctx, dir, opts)
	if err != nil {
		return m, err
	}
	t, err := os.CreateTemp(filepath.Dir(out), ".bundle-*")
	if err != nil {
		return m, err
	}
	err = write(ctx, t, dir, m, opts)
	if err = errors.Join(err, t.Chmod(0o644), t.Sync(), t.Close()); err == nil {
		err = os.Rename(t.Name(), out)
	}
	if err != nil {
		return m, errors.Join(err, os.Remove(t.Name()))
	}
	return m, nil
}

// describe lists the folder's files with their origin and hash.
func describe(ctx context.Context, dir string, opts Options) (Manifest, error) {
	m := Manifest{Format: format, Version: Version}
	known, err := origins(dir)
	if err != nil {
		return m, err
	}
	base := map[string]string{}
	if opts.Base != nil {
		m.Base = opts.Base.ID
		for _, f := range opts.Base.Manifest.Files {
			base[f.Path] = f.SHA256
		}
	}
	paths, err := list(dir, opts.Sources)
	if err != nil {
		return m, err
	}
	for _, path := range paths {
		f, err := hashed(ctx, dir, path)
		if err != nil {
			return m, err
		}
		if old := known[path]; old.SHA256 == f.SHA256 {
			f.URL, f.FetchedAt = old.URL, old.FetchedAt.UTC()
		}
		if f.FetchedAt.After(m.Created) {
			m.Created = f.FetchedAt
		}
		m.Files = append(m.Files, File{f, base[path] == f.SHA256})
	}
	if len(m.Files) == 0 {
		return m, fmt.Errorf("%s: %w", dir, ErrEmpty)
	}
	return m, nil
}

func origins(dir string) (map[string]layout.File, error) {
	l, err := layout.ReadList(dir)
	if err != nil {
		return nil, err
	}
	out := map[string]layout.File{}
	for _, f := range l.Files {
		out[f.Path] = f
	}
	return out, nil
}

// list finds the files of a folder that the layout knows, by name.
func list(dir string, sources []string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != dir && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name = filepath.ToSlash(name)
		if s, ok := layout.Of(name); ok && (len(sources) == 0 || slices.Contains(sources, s.Name)) {
			out = append(out, name)
		}
		return nil
	})
	slices.Sort(out)
	return out, err
}

// hashed describes a file by its content.
func hashed(ctx context.Context, dir, path string) (layout.File, error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(path)))
	if err != nil {
		return layout.File{}, err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	n, err := io.Copy(h, &cancelled{ctx, f})
	if err != nil {
		return layout.File{}, err
	}
	if n > maxFile {
		return layout.File{}, fmt.Errorf("%s: %d bytes, more than %d", path, n, int64(maxFile))
	}
	return layout.File{Path: path, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}.Describe()
}

func write(ctx context.Context, w io.Writer, dir string, m Manifest, opts Options) error {
	manifest, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	for _, small := range []struct {
		name string
		body []byte
	}{{manifestName, manifest}, {signatureName, sign(opts.Key, manifest)}} {
		if err := header(t, small.name, int64(len(small.body))); err != nil {
			return err
		}
		if _, err := t.Write(small.body); err != nil {
			return err
		}
	}
	for _, f := range m.Files {
		if f.FromBase {
			continue
		}
		if err := add(ctx, t, dir, f); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return t.Close()
}

// header writes what is the same for everybody who makes it.
func header(t *tar.Writer, name string, size int64) error {
	return t.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o644, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR})
}

// add copies a file that must not have changed since it was described.
func add(ctx context.Context, t *tar.Writer, dir string, f File) error {
	in, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if err := header(t, f.Path, f.Size); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(t, h), &cancelled{ctx, in}); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != f.SHA256 {
		return errors.New("it changed while it was exported")
	}
	return nil
}
