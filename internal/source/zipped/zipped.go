// Package zipped puts zip archives on a tree of layers: a source tree, a
// serverless function, and the layers that a function is given.
package zipped

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"muster/internal/extract/bounded"
	"muster/internal/source/layers"
)

// Bounds of an archive; a function unpacks to 250 MB at most.
const (
	maxMembers = 1_000_000
	maxLink    = 4096
	maxWanted  = 4 << 30
)

// ErrFormat says that an archive is damaged or exceeds a bound; the wrapping
// error says which.
var ErrFormat = errors.New("zip archive")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// Open reads the directory of an archive of no more members than Apply takes.
func Open(in io.ReaderAt, size int64) (*zip.Reader, error) {
	z, err := bounded.Zip(in, size, maxMembers)
	if err != nil {
		return nil, refuse("%w", err)
	}
	return z, nil
}

// Apply puts an archive on top of a tree, below a folder ("" for the root).
// Contents that are wanted are copied to the tree.
func Apply(ctx context.Context, tree *layers.Tree, layer int, in io.ReaderAt, size int64, folder string) error {
	z, err := Open(in, size)
	if err != nil {
		return err
	}
	a := &applier{tree: tree, folder: folder}
	err = tree.Replay(ctx, layer, func(yield func(layers.Entry) bool) {
		for n, m := range z.File {
			if n%1024 == 0 && ctx.Err() != nil {
				return
			}
			e, err := a.entry(m)
			if err != nil {
				a.err = refuse("%s: %v", m.Name, err)
				return
			}
			if !yield(e) {
				return
			}
		}
	}, func(string) {})
	return errors.Join(a.err, err)
}

// applier reads one archive.
type applier struct {
	tree   *layers.Tree
	folder string
	wanted int64
	err    error
}

// entry makes an entry of a member.
func (a *applier) entry(m *zip.File) (layers.Entry, error) {
	name, ok := layers.Clean(strings.ReplaceAll(m.Name, `\`, "/"))
	if !ok {
		return layers.Entry{Kind: layers.LeftOut}, nil
	}
	mode := permissions(m)
	e := layers.Entry{Name: path.Join(a.folder, name), Mode: mode.Perm(), Size: int64(m.UncompressedSize64)}
	switch {
	case e.Size < 0:
		return e, errors.New("a negative size")
	case mode.IsDir():
		e.Kind, e.Size = layers.Folder, 0
		return e, nil
	case mode&fs.ModeSymlink != 0:
		return a.link(e, m)
	case !mode.IsRegular():
		e.Kind, e.Size = layers.Other, 0
		return e, nil
	}
	return e, a.content(&e, m)
}

// permissions are those of the system on which the archive was made. One that
// knows no permissions to execute, Windows, may have put programs there.
func permissions(m *zip.File) fs.FileMode {
	const unix, darwin = 3, 19
	mode := m.Mode()
	if maker := m.CreatorVersion >> 8; maker != unix && maker != darwin && mode.IsRegular() {
		mode |= 0o111
	}
	return mode
}

func (a *applier) link(e layers.Entry, m *zip.File) (_ layers.Entry, err error) {
	if e.Size > maxLink {
		return layers.Entry{Kind: layers.LeftOut}, nil
	}
	r, err := m.Open()
	if err != nil {
		return e, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	target, err := io.ReadAll(io.LimitReader(r, maxLink))
	e.Kind, e.Target, e.Size = layers.Link, string(target), 0
	return e, err
}

// content copies what the tree wants. Of what a member holds it is believed
// no more than it says.
func (a *applier) content(e *layers.Entry, m *zip.File) (err error) {
	if !a.tree.MayWant(*e) {
		e.Mode &^= 0o111
		return nil
	}
	if a.wanted += e.Size; a.wanted > maxWanted {
		return fmt.Errorf("more than %d bytes to look at", int64(maxWanted))
	}
	r, err := m.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return a.tree.Take(e, r)
}
