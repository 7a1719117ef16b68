package extract

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"muster/internal/extract/golang"
	"muster/internal/inventory"
)

// Bounds of the walk.
const (
	maxEntries = 20_000_000
	maxDepth   = 100
)

// finding is a package and the file that proves it.
type finding struct {
	Package
	file    string
	ownedBy string
	role    inventory.Role
}

// walk looks for language packages below the paths of the options.
type walk struct {
	fsys    fs.FS
	kinds   []Kind
	limit   int
	notes   *notes
	entries int
	found   []finding
	// unfit counts packages that no inventory takes: they are not kept until
	// its end, whatever they hold.
	unfit int
}

// errLimit ends a walk that has found as much as it may.
var errLimit = errors.New("limit reached")

// languagePackages walks the paths. Its error is ctx's; limits that it meets
// are notes.
func languagePackages(ctx context.Context, fsys fs.FS, opts Options, notes *notes) ([]finding, error) {
	w := &walk{fsys: fsys, kinds: append(installedKinds(), opts.More...), limit: opts.MaxPackages, notes: notes}
	if w.limit == 0 {
		w.limit = inventory.DefaultLimits().Items
	}
	defer func() { leftOut(w.unfit, notes) }()
	limited := ctx
	if opts.MaxTime > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, opts.MaxTime)
		defer cancel()
	}
	for _, root := range topmost(opts.Paths) {
		err := w.below(limited, root)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			notes.add("%s: stopped after %s in %s", NoteTooLong, opts.MaxTime, root)
			return w.found, nil
		case errors.Is(err, errLimit):
			notes.add("%s: stopped after %d packages in %s", NoteTooManyPackages, len(w.found), root)
			return w.found, nil
		}
	}
	return w.found, nil
}

// topmost cleans the paths and drops those that lie below another.
func topmost(paths []string) []string {
	var roots []string
	for _, p := range paths {
		if p = path.Clean(strings.TrimPrefix(p, "/")); fs.ValidPath(p) {
			roots = append(roots, p)
		}
	}
	slices.Sort(roots)
	roots = slices.Compact(roots)
	return slices.DeleteFunc(slices.Clone(roots), func(p string) bool {
		return slices.ContainsFunc(roots, func(q string) bool {
			return p != q && (q == "." || strings.HasPrefix(p, q+"/"))
		})
	})
}

// below walks one root. Symbolic links are not followed, so nothing is seen
// twice and nothing outside; a root that is itself a link (usr/lib64) leads to
// what another root covers, or out.
func (w *walk) below(ctx context.Context, root string) error {
	if info, err := fs.Lstat(w.fsys, root); err != nil || !info.IsDir() {
		return nil // the default paths do not exist everywhere
	}
	return fs.WalkDir(w.fsys, root, func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if w.entries++; w.entries > maxEntries {
			return errLimit
		}
		switch {
		case err != nil:
			w.notes.add("%v", err)
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return w.folder(name)
		case !d.Type().IsRegular():
			return nil
		}
		w.file(ctx, name, d)
		if len(w.found) > w.limit {
			w.found = w.found[:w.limit]
			return errLimit
		}
		return nil
	})
}

func (w *walk) folder(name string) error {
	switch name {
	case "proc", "sys", "dev": // of a root that was mounted with them
		return fs.SkipDir
	}
	if path.Base(name) == ".git" {
		return fs.SkipDir
	}
	if strings.Count(name, "/") >= maxDepth {
		w.notes.add("%s: deeper than %d folders", name, maxDepth)
		return fs.SkipDir
	}
	return nil
}

// file reads a file as every kind that wants it.
func (w *walk) file(ctx context.Context, name string, d fs.DirEntry) {
	for _, k := range w.kinds {
		if !k.Wants(name) || (k.Executable && !mayExecute(name, d)) {
			continue
		}
		packages, err := k.Read(ctx, w.fsys, name)
		if err != nil {
			w.notes.add("%s %s: %v", k.Name, name, err)
		}
		for _, p := range packages {
			if !fits(p, name) {
				w.unfit++
				continue
			}
			w.found = append(w.found, finding{Package: p, file: name, role: p.Role})
		}
	}
}

func fits(p Package, name string) bool {
	if p.Inner != "" {
		name += "!/" + p.Inner
	}
	return inventory.DefaultLimits().Fits(inventory.Item{Component: p.Component, Path: name})
}

// mayExecute tells programs by their mode, those of Windows by their name,
// whose mode says nothing.
func mayExecute(name string, d fs.DirEntry) bool {
	if ext := path.Ext(name); strings.EqualFold(ext, ".exe") {
		return true
	}
	info, err := d.Info()
	return err == nil && info.Mode().Perm()&0o111 != 0
}

// language makes items of the findings.
func language(found []finding, opts Options) []inventory.Item {
	items := make([]inventory.Item, len(found))
	for i, f := range found {
		where := opts.Prefix + f.file
		if f.Inner != "" {
			where += "!/" + f.Inner
		}
		items[i] = inventory.Item{Component: f.Component, Path: where, Role: f.role, OwnedBy: f.ownedBy}
		if opts.Instance && f.role == "" && f.Manager == inventory.ManagerGoBinary && f.Name == golang.Stdlib {
			items[i].Role = inventory.RoleToolchain
		}
		if opts.Deployed {
			items[i].Role = items[i].Role.Deployed()
		}
	}
	return items
}
