package layers

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Whiteouts, as OCI's image specification has them.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// Apply puts a layer, an unpacked tar archive, on top. Layers are numbered by
// the caller, rising. touched is called with the cleaned name of every entry
// and of everything that a whiteout names. Where the reader also is an
// io.ReaderAt and an io.Seeker, files are read from it later: it must stay
// open as long as the tree.
func (t *Tree) Apply(ctx context.Context, layer int, r io.Reader, touched func(name string)) error {
	a := applier{tree: t, layer: layer, touched: touched}
	if at, ok := r.(direct); ok {
		a.direct = at
	}
	in := tar.NewReader(r)
	for count := 0; ; count++ {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && count%1024 == 0 {
			err = ctx.Err()
		}
		if err == nil {
			err = a.entry(h, in)
		}
		if err != nil {
			return fmt.Errorf("layer %d: %w", layer+1, err)
		}
	}
}

// direct is a layer that can be read at any place.
type direct interface {
	io.ReaderAt
	io.Seeker
}

// applier reads one layer.
type applier struct {
	tree    *Tree
	layer   int
	direct  direct
	touched func(string)
}

func (a *applier) entry(h *tar.Header, r io.Reader) error {
	name, ok := clean(h.Name)
	if !ok {
		a.tree.Left++
		return nil
	}
	dir, base := path.Split(name)
	switch {
	case base == opaque:
		a.touched(path.Clean(dir))
		a.tree.clear(path.Clean(dir), a.layer)
		return nil
	case strings.HasPrefix(base, whiteout):
		hidden := dir + strings.TrimPrefix(base, whiteout)
		a.touched(hidden)
		a.tree.remove(hidden, a.layer)
		return nil
	}
	a.touched(name)
	n := &node{mode: h.FileInfo().Mode(), layer: a.layer, size: h.Size}
	switch h.Typeflag {
	case tar.TypeDir:
		n.mode, n.size = n.mode.Perm()|fs.ModeDir, 0
	case tar.TypeSymlink:
		n.mode, n.link, n.size = n.mode.Perm()|fs.ModeSymlink, clip(h.Linkname), 0
	case tar.TypeLink:
		return a.hardLink(name, h.Linkname)
	case tar.TypeReg:
		if err := a.content(name, n, r); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	default: // devices, pipes, sparse files
		n.mode, n.size = n.mode.Perm()|fs.ModeIrregular, 0
	}
	return a.tree.put(name, n)
}

func clip(link string) string { return link[:min(len(link), maxName)] }

// hardLink gives a file another name.
func (a *applier) hardLink(name, target string) error {
	target, ok := clean(target)
	if !ok {
		a.tree.Left++
		return nil
	}
	other, err := a.tree.walk(target, 0)
	if err != nil || other.mode.IsDir() {
		return nil // what it names is not in the image
	}
	n := *other
	n.layer = a.layer
	// The second name may be wanted where the first was not; nothing is known
	// of the content then, and reading it says so.
	return a.tree.put(name, &n)
}

// content keeps what is wanted. Programs are kept if Go built them: nothing
// else is looked for in programs. Files with the executable bit that are no
// such programs lose it, so that nobody tries to read them as one.
func (a *applier) content(name string, n *node, r io.Reader) error {
	if a.tree.wants(name) {
		return a.keep(n, r)
	}
	if n.mode.Perm()&0o111 == 0 || n.size < 4096 {
		n.mode &^= 0o111
		return nil
	}
	n.mode &^= 0o111
	return a.program(n, r)
}

// keep stores the content by reference if it can be, else in the spool.
func (a *applier) keep(n *node, r io.Reader) error {
	if a.direct != nil {
		at, err := a.direct.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		n.content = io.NewSectionReader(a.direct, at, n.size)
		return nil
	}
	content, err := a.tree.spool.add(r, n.size)
	n.content = content
	return err
}

// goMagic marks Go's build information in a program.
var goMagic = []byte("\xff Go buildinf:")

// program keeps a Go program and gives it its executable bit back.
func (a *applier) program(n *node, r io.Reader) error {
	start := make([]byte, 4)
	if _, err := io.ReadFull(r, start); err != nil {
		return err
	}
	if !executable(start) {
		return nil
	}
	if a.direct != nil {
		at, err := a.direct.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		found, err := contains(io.NewSectionReader(a.direct, at, n.size-4), goMagic)
		if err != nil || !found {
			return err
		}
		n.content, n.mode = io.NewSectionReader(a.direct, at-4, n.size), n.mode|0o111
		return nil
	}
	var seen finder
	content, err := a.tree.spool.add(io.TeeReader(io.MultiReader(bytes.NewReader(start), r), &seen), n.size)
	if err != nil {
		return err
	}
	if !seen.found {
		a.tree.spool.forget(n.size)
		return nil
	}
	n.content, n.mode = content, n.mode|0o111
	return nil
}

// executable recognises ELF, PE and Mach-O.
func executable(start []byte) bool {
	switch string(start) {
	case "\x7fELF", "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe":
		return true
	}
	return start[0] == 'M' && start[1] == 'Z'
}

// contains looks for the mark in a stream.
func contains(r io.Reader, mark []byte) (bool, error) {
	var f finder
	buf := make([]byte, 256<<10)
	for !f.found {
		n, err := r.Read(buf)
		_, _ = f.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, err
		}
	}
	return f.found, nil
}

// finder looks for goMagic in what is written to it.
type finder struct {
	found bool
	tail  []byte
}

func (f *finder) Write(p []byte) (int, error) {
	if f.found {
		return len(p), nil
	}
	border := append(f.tail, p[:min(len(p), len(goMagic))]...)
	f.found = bytes.Contains(border, goMagic) || bytes.Contains(p, goMagic)
	if len(p) >= len(goMagic) {
		border = p
	}
	f.tail = append([]byte(nil), border[max(0, len(border)-len(goMagic)+1):]...)
	return len(p), nil
}

// clean makes a name relative to the root; false for names that lead out of
// it, that are too long or too deep.
func clean(name string) (string, bool) {
	if len(name) > maxName || strings.ContainsRune(name, 0) {
		return "", false
	}
	name = path.Clean(strings.TrimLeft(name, "/"))
	if name == ".." || strings.HasPrefix(name, "../") || strings.Count(name, "/") > maxDepth {
		return "", false
	}
	return name, true
}
