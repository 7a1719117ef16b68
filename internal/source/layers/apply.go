package layers

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"
	"unicode/utf8"
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
	a := applier{tree: t, layer: layer, touched: touched, keep: t, note: func(Entry) {}}
	if at, ok := r.(direct); ok {
		a.direct = at
	}
	return a.run(ctx, r)
}

// Draft takes what is to be remembered of a layer.
type Draft interface {
	// Add keeps exactly size bytes of r, Forget takes the last ones back.
	Add(r io.Reader, size int64) (*io.SectionReader, error)
	Forget(size int64)
	// Note is told of every entry, in order.
	Note(e Entry)
}

// Record is Apply, and tells a draft what to remember. Contents are read from
// the draft later: it must stay open as long as the tree.
func (t *Tree) Record(ctx context.Context, layer int, r io.Reader, d Draft, touched func(name string)) error {
	a := applier{tree: t, layer: layer, touched: touched, keep: d, note: d.Note}
	return a.run(ctx, r)
}

// Replay puts a layer on top of which the entries were remembered.
func (t *Tree) Replay(ctx context.Context, layer int, entries iter.Seq[Entry], touched func(name string)) error {
	a := applier{tree: t, layer: layer, touched: touched, note: func(Entry) {}}
	for e := range entries {
		if err := a.entry(e); err != nil {
			return fmt.Errorf("layer %d: %w", layer+1, err)
		}
	}
	return ctx.Err()
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
	keep    interface {
		Add(r io.Reader, size int64) (*io.SectionReader, error)
		Forget(size int64)
	}
	note func(Entry)
}

func (a *applier) run(ctx context.Context, r io.Reader) error {
	if _, seeks := r.(io.Seeker); !seeks {
		r = interruptible{ctx, r} // one entry may be of any size
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
		var e Entry
		if err == nil {
			e, err = a.read(h, in)
		}
		if err == nil {
			a.note(e)
			err = a.entry(e)
		}
		if err != nil {
			return fmt.Errorf("layer %d: %w", a.layer+1, err)
		}
	}
}

// interruptible ends with its context.
type interruptible struct {
	ctx context.Context
	io.Reader
}

func (i interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.Reader.Read(p)
}

// Kind is what an entry of a layer is.
type Kind uint8

// The kinds of entries.
const (
	File Kind = iota
	Folder
	Link
	HardLink
	// Other is a device, a pipe, a sparse file.
	Other
	// Whiteout takes away a name of lower layers, Opaque all in a folder.
	Whiteout
	Opaque
	// LeftOut has no name that could be used.
	LeftOut
)

// Entry is what one entry of a layer does.
type Entry struct {
	Kind Kind
	// Name is cleaned; a whiteout's is what it takes away.
	Name string
	// Target is where links lead.
	Target string
	// Mode has the permissions only.
	Mode fs.FileMode
	Size int64
	// Content is nil where nobody wants it.
	Content *io.SectionReader
}

// read makes an entry of a header and of what follows it.
func (a *applier) read(h *tar.Header, r io.Reader) (Entry, error) {
	name, ok := Clean(h.Name)
	if !ok {
		return Entry{Kind: LeftOut}, nil
	}
	dir, base := path.Split(name)
	switch {
	case base == opaque:
		return Entry{Kind: Opaque, Name: path.Clean(dir)}, nil
	case strings.HasPrefix(base, whiteout):
		return Entry{Kind: Whiteout, Name: dir + strings.TrimPrefix(base, whiteout)}, nil
	}
	e := Entry{Name: name, Mode: h.FileInfo().Mode().Perm()}
	switch h.Typeflag {
	case tar.TypeDir:
		e.Kind = Folder
	case tar.TypeSymlink:
		e.Kind, e.Target = Link, clip(h.Linkname)
	case tar.TypeLink:
		if len(h.Linkname) > maxName {
			return Entry{Kind: LeftOut}, nil
		}
		e.Kind, e.Target = HardLink, h.Linkname
	case tar.TypeReg:
		if sparse(h) {
			e.Kind = Other
			break
		}
		e.Size = h.Size
		if err := a.content(&e, r); err != nil {
			return e, fmt.Errorf("%s: %w", name, err)
		}
	default:
		e.Kind = Other
	}
	return e, nil
}

// sparse reports whether a file has holes, which a few bytes make as large as
// they like. Nothing that holds packages is stored so.
func sparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// entry does what an entry says.
func (a *applier) entry(e Entry) error {
	if e.Kind == LeftOut {
		a.tree.Left++
		return nil
	}
	a.touched(e.Name)
	n := &node{mode: e.Mode, layer: a.layer, size: e.Size}
	switch e.Kind {
	case Opaque:
		a.tree.clear(e.Name, a.layer)
		return a.tree.within()
	case Whiteout:
		a.tree.remove(e.Name, a.layer)
		return a.tree.within()
	case HardLink:
		return a.hardLink(e.Name, e.Target)
	case Folder:
		n.mode |= fs.ModeDir
	case Link:
		n.mode |= fs.ModeSymlink
		n.link = readable(e.Target)
	case Other:
		n.mode |= fs.ModeIrregular
	}
	if e.Content != nil {
		n.content = e.Content
	}
	return a.tree.put(e.Name, n)
}

func clip(link string) string { return link[:min(len(link), maxName)] }

// hardLink gives a file another name.
func (a *applier) hardLink(name, target string) error {
	target, ok := Clean(target)
	if !ok {
		a.tree.Left++
		return nil
	}
	other, err := a.tree.walk(target, 0)
	if err != nil || other.mode.IsDir() {
		return a.tree.within() // what it names is not in the image
	}
	n := *other
	n.layer = a.layer
	// The second name may be wanted where the first was not; nothing is known
	// of the content then, and reading it says so.
	return a.tree.put(name, &n)
}

// content keeps what is wanted. Programs are kept if they say what they were
// built of: nothing else is looked for in programs. Files with the executable
// bit that are no such programs lose it, so that nobody tries to read them as
// one.
func (a *applier) content(e *Entry, r io.Reader) (err error) {
	if a.tree.wants(e.Name) {
		e.Content, err = a.contents(r, e.Size)
		return err
	}
	program := mayBeProgram(*e)
	e.Mode &^= 0o111
	if !program {
		return nil
	}
	return a.program(e, r)
}

func mayBeProgram(e Entry) bool { return e.Mode&0o111 != 0 && e.Size >= 4096 }

// MayWant reports whether Take looks at the content of a file.
func (t *Tree) MayWant(e Entry) bool { return t.wants(e.Name) || mayBeProgram(e) }

// Take gives an entry its content, for Replay, if it is wanted.
func (t *Tree) Take(e *Entry, r io.Reader) error {
	a := applier{tree: t, keep: t}
	return a.content(e, r)
}

// contents keeps a content by reference if it can be, else by copy.
func (a *applier) contents(r io.Reader, size int64) (*io.SectionReader, error) {
	if a.direct == nil {
		return a.keep.Add(r, size)
	}
	at, err := a.direct.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(a.direct, at, size), nil
}

// marks are what programs contain that say what they were built of: Go's build
// information, and the section of cargo-auditable.
var marks = [][]byte{[]byte("\xff Go buildinf:"), []byte(".dep-v0")}

// program keeps a program that says what it was built of, and gives it its
// executable bit back.
func (a *applier) program(e *Entry, r io.Reader) error {
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
		found, err := contains(io.NewSectionReader(a.direct, at, e.Size-4))
		if err != nil || !found {
			return err
		}
		e.Content, e.Mode = io.NewSectionReader(a.direct, at-4, e.Size), e.Mode|0o111
		return nil
	}
	var seen finder
	content, err := a.keep.Add(io.TeeReader(io.MultiReader(bytes.NewReader(start), r), &seen), e.Size)
	if err != nil {
		return err
	}
	if !seen.found {
		a.keep.Forget(e.Size)
		return nil
	}
	e.Content, e.Mode = content, e.Mode|0o111
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

// contains looks for the marks in a stream.
func contains(r io.Reader) (bool, error) {
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

// finder looks for the marks in what is written to it.
type finder struct {
	found bool
	tail  []byte
}

func (f *finder) Write(p []byte) (int, error) {
	if f.found {
		return len(p), nil
	}
	longest := len(marks[0])
	border := append(f.tail, p[:min(len(p), longest)]...)
	for _, m := range marks {
		f.found = f.found || bytes.Contains(border, m) || bytes.Contains(p, m)
	}
	if len(p) >= longest {
		border = p
	}
	f.tail = append([]byte(nil), border[max(0, len(border)-longest+1):]...)
	return len(p), nil
}

// Clean makes a name relative to the root; false for names that lead out of
// it, that are too long or too deep.
func Clean(name string) (string, bool) {
	if len(name) > maxName || strings.ContainsRune(name, 0) {
		return "", false
	}
	name = path.Clean(strings.TrimLeft(readable(name), "/"))
	if name == ".." || strings.HasPrefix(name, "../") || strings.Count(name, "/") > maxDepth {
		return "", false
	}
	return name, true
}

// readable gives names that are no UTF-8 characters for the bytes that are
// none: of private use, one for each, so that different names stay different.
// Package fs takes no other names, and a folder of such a name would hide what
// lies in it.
func readable(name string) string {
	const private = 0xf700
	if utf8.ValidString(name) {
		return name
	}
	var b strings.Builder
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		if r == utf8.RuneError && size == 1 {
			r = private + rune(name[0])
		}
		b.WriteRune(r)
		name = name[size:]
	}
	return b.String()
}
