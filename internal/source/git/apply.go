package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"muster/internal/source/layers"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// Bounds of the files of a commit. One tree can stand for many folders, so
// files are counted where they lie.
const (
	maxFiles  = 2_000_000
	maxDepth  = 100
	maxLink   = 4096
	maxWanted = 4 << 30
)

// applier puts one commit on a tree.
type applier struct {
	tree    *layers.Tree
	objects storer.EncodedObjectStorer
	files   int
	wanted  int64
	err     error
}

// errStop ends a walk whose receiver wants no more.
var errStop = errors.New("no more wanted")

func (a *applier) apply(ctx context.Context, root plumbing.Hash) error {
	err := a.tree.Replay(ctx, 0, func(yield func(layers.Entry) bool) {
		a.err = a.folder(ctx, root, "", 0, yield)
	}, func(string) {})
	if errors.Is(a.err, errStop) {
		a.err = nil
	}
	return errors.Join(a.err, err)
}

// folder yields what a folder holds, and what is below it.
func (a *applier) folder(ctx context.Context, hash plumbing.Hash, name string, depth int, yield func(layers.Entry) bool) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: folders within each other deeper than %d", ErrLimit, maxDepth)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t, err := object.GetTree(a.objects, hash)
	if err != nil {
		return fmt.Errorf("folder %q: %w", name, err)
	}
	for _, m := range t.Entries {
		if a.files++; a.files > maxFiles {
			return fmt.Errorf("%w: more than %d files", ErrLimit, maxFiles)
		}
		below, ok := layers.Clean(path.Join(name, m.Name))
		if !ok || m.Name == "" || m.Name == "." || m.Name == ".." {
			continue // no Git makes such a name
		}
		if m.Mode == filemode.Dir {
			err = a.folder(ctx, m.Hash, below, depth+1, yield)
		} else {
			err = a.file(&m, below, yield)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) file(m *object.TreeEntry, name string, yield func(layers.Entry) bool) error {
	e, err := a.entry(m, name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if e.Kind != layers.LeftOut && !yield(e) {
		return errStop
	}
	return nil
}

// entry makes an entry of a file. Submodules are other repositories, and very
// large files may not have been sent.
func (a *applier) entry(m *object.TreeEntry, name string) (e layers.Entry, err error) {
	none := layers.Entry{Kind: layers.LeftOut}
	if m.Mode == filemode.Submodule {
		return none, nil
	}
	b, err := object.GetBlob(a.objects, m.Hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	e = layers.Entry{Name: name, Mode: 0o644, Size: b.Size}
	if m.Mode == filemode.Executable {
		e.Mode = fs.FileMode(0o755)
	}
	if m.Mode != filemode.Symlink && !a.tree.MayWant(e) {
		e.Mode &^= 0o111
		return e, nil
	}
	r, err := b.Reader()
	if err != nil {
		return none, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if m.Mode == filemode.Symlink {
		target, err := io.ReadAll(io.LimitReader(r, maxLink))
		e.Kind, e.Target, e.Size = layers.Link, string(target), 0
		return e, err
	}
	if a.wanted += e.Size; a.wanted > maxWanted {
		return none, fmt.Errorf("%w: more than %d bytes to look at", ErrLimit, int64(maxWanted))
	}
	return e, a.tree.Take(&e, r)
}
