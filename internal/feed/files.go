package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"muster/internal/feed/bundle"
	"muster/internal/feed/layout"
)

// Files are the files of one source, by their names in the layout.
type Files struct {
	Names []string
	Files []*File
	// Hash identifies names and contents. Validator is of all of them.
	Hash      string
	Validator Validator
}

// Close gives the files back.
func (f *Files) Close() error {
	var err error
	for _, one := range f.Files {
		err = errors.Join(err, one.Close())
	}
	return err
}

// Source fetches all files of a publisher's own data set (layout.Source), if
// they are other ones than last says. Web mirrors name their files in
// feeds.json; the publishers have other layouts, which package fetch knows.
func (m *Mirror) Source(ctx context.Context, s layout.Source, last Validator) (*Files, error) {
	names, err := m.names(ctx, s)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: %w", s.Files, ErrAbsent)
	}
	place := m.location + "#" + s.Name
	stamp, err := m.stamp(names)
	if err != nil {
		return nil, err
	}
	if stamp != "" && last.URL == place && last.ETag == stamp {
		return nil, ErrNotModified
	}
	out := &Files{Names: names, Validator: Validator{URL: place, ETag: stamp}}
	h := sha256.New()
	for _, name := range names {
		f, err := m.fetchNamed(ctx, name, Validator{})
		if err != nil {
			return nil, errors.Join(err, out.Close())
		}
		out.Files = append(out.Files, f)
		fmt.Fprintf(h, "%s %s\n", f.Hash, name)
	}
	out.Hash = hex.EncodeToString(h.Sum(nil))
	return out, nil
}

// names lists the files of a source that the place has, sorted.
func (m *Mirror) names(ctx context.Context, s layout.Source) ([]string, error) {
	switch {
	case m.bundle != nil:
		var out []string
		for _, f := range m.bundle.Manifest.Files {
			if concerns(f.File, s) {
				out = append(out, f.Path)
			}
		}
		return out, nil
	case m.dir != "":
		return m.glob(s)
	case m.location == Publishers:
		return nil, nil
	}
	list, err := m.list(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range list.Files {
		if concerns(f, s) {
			out = append(out, f.Path)
		}
	}
	slices.Sort(out)
	return out, nil
}

// concerns reports whether a file is one of the source's, whose pattern may be
// narrower than the layout's.
func concerns(f layout.File, s layout.Source) bool {
	match, err := path.Match(s.Files, f.Path)
	return f.Source == s.Name && match && err == nil
}

func (m *Mirror) glob(s layout.Source) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(escapeGlob(m.dir), filepath.FromSlash(s.Files)))
	var out []string
	for _, p := range found {
		name, relErr := filepath.Rel(m.dir, p)
		err = errors.Join(err, relErr)
		if of, ok := layout.Of(filepath.ToSlash(name)); ok && of.Name == s.Name {
			out = append(out, filepath.ToSlash(name))
		}
	}
	return out, err
}

// list fetches a web mirror's manifest once; one without has none.
func (m *Mirror) list(ctx context.Context) (layout.FileList, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listed != nil {
		return *m.listed, nil
	}
	text, err := m.text(ctx, m.address(layout.Manifest))
	l := layout.FileList{}
	if err == nil {
		l, err = layout.ParseList([]byte(text))
	}
	if errors.Is(err, ErrAbsent) {
		err = nil
	}
	if err == nil {
		m.listed = &l
	}
	return l, err
}

// stamp changes when any of the files does; "" when that cannot be told.
func (m *Mirror) stamp(names []string) (string, error) {
	h := sha256.New()
	for _, name := range names {
		var one string
		switch {
		case m.bundle != nil:
			f, _ := m.bundle.Find(name)
			one = f.SHA256
		case m.dir != "":
			f, err := os.Open(filepath.Join(m.dir, filepath.FromSlash(name)))
			if err != nil {
				return "", err
			}
			one, err = stampOf(f, time.Now())
			if err = errors.Join(err, f.Close()); err != nil || one == "" {
				return "", err
			}
		default:
			i := slices.IndexFunc(m.listed.Files, func(f layout.File) bool { return f.Path == name })
			one = m.listed.Files[i].SHA256
		}
		fmt.Fprintf(h, "%s %s\n", one, name)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// openBundle makes the mirror read from a bundle.
func (m *Mirror) openBundle(location string, trust bundle.Trust) (err error) {
	m.bundle, err = bundle.Open(location, trust)
	if err == nil && m.bundle.Manifest.Base != "" {
		base := m.bundle.Manifest.Base
		return errors.Join(fmt.Errorf("%s: it continues bundle %.16s: import both with 'muster feeds import'", location, base), m.bundle.Close())
	}
	return err
}

// fromBundle brings a file out of the bundle, unless last describes it.
func (m *Mirror) fromBundle(ctx context.Context, name string, last Validator) (*File, error) {
	f, ok := m.bundle.Find(name)
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, ErrAbsent)
	}
	validator := Validator{URL: m.location + "#" + name, ETag: f.SHA256}
	if last == validator {
		return nil, ErrNotModified
	}
	t, err := os.CreateTemp(m.temp, "bundle-*.tmp")
	if err != nil {
		return nil, err
	}
	err = m.bundle.Extract(ctx, f, t)
	if err = errors.Join(err, t.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(t.Name()))
	}
	return &File{Path: t.Name(), Size: f.Size, Hash: f.SHA256, Validator: validator, temporary: true}, nil
}

// bundled lists the ecosystems of the bundle.
func (m *Mirror) bundled() []string {
	var out []string
	for _, f := range m.bundle.Manifest.Files {
		if name, ok := strings.CutSuffix(path.Base(f.Path), ".zip"); ok && f.Source == "osv" {
			out = append(out, name)
		}
	}
	return orderable(out)
}
