package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// files are the members of an archive, or the files of a folder.
type files interface {
	// open returns a member that can be read at any place; fs.ErrNotExist.
	open(name string) (*section, error)
	close() error
}

// section is an open member.
type section struct {
	*io.SectionReader
	closer io.Closer
}

func (s *section) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}

// readAll reads a small member.
func readAll(f files, name string) ([]byte, error) {
	s, err := f.open(name)
	if err != nil {
		return nil, err
	}
	if s.Size() > maxDocument {
		return nil, errors.Join(refuse("%s has %d bytes", name, s.Size()), s.Close())
	}
	data, err := io.ReadAll(s)
	return data, errors.Join(err, s.Close())
}

// folder is an OCI layout that is not packed.
type folder struct{ root *os.Root }

func (f folder) open(name string) (*section, error) {
	file, err := f.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = refuse("%s is no file", name)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &section{io.NewSectionReader(file, 0, info.Size()), file}, nil
}

func (f folder) close() error { return f.root.Close() }

// Bounds of an archive of an image, which holds three files a layer, or of an
// exported root: its members, the bytes of a name, and of all names.
const (
	maxMembers = 2_000_000
	maxName    = 4096
	maxNames   = 256 << 20
)

// archive is an unpacked tar file, listed once.
type archive struct {
	file    *os.File
	members map[string]member
	// temporary: the file is a copy of ours.
	temporary bool
}

type member struct {
	at, size int64
	link     string
}

// openArchive lists a tar file. One that is packed as a whole is unpacked into
// a temporary file first, because its members are needed in another order.
func openArchive(name, temp string) (_ *archive, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	a := &archive{file: f, members: map[string]member{}}
	if err = a.unpack(temp); err == nil {
		err = a.list()
	}
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *archive) unpack(temp string) error {
	var whole budget
	r, err := unpack(a.file, &whole)
	if err != nil {
		return refuse("%v", err)
	}
	if r == io.ReadCloser(a.file) {
		return nil
	}
	out, err := os.CreateTemp(temp, "muster-image-*.tmp")
	if err != nil {
		return errors.Join(err, r.Close())
	}
	_, err = io.Copy(out, r)
	if err != nil {
		err = refuse("%v", err)
	}
	err = errors.Join(err, r.Close())
	a.file, a.temporary = out, true
	_ = os.Remove(out.Name()) // keeps its content while open; where not, close removes it
	return err
}

func (a *archive) list() error {
	size, err := a.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	whole := io.NewSectionReader(a.file, 0, size)
	in := tar.NewReader(whole)
	for names := 0; ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return refuse("%v", err)
		}
		if len(h.Name) > maxName || len(h.Linkname) > maxName {
			continue // no image's own name is as long
		}
		if names += len(h.Name) + len(h.Linkname); len(a.members) == maxMembers || names > maxNames {
			return refuse("more than %d members, or %d bytes of their names", maxMembers, maxNames)
		}
		at, err := whole.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		name := path.Clean(strings.TrimLeft(h.Name, "/"))
		switch h.Typeflag {
		case tar.TypeReg:
			if h.Size > size-at {
				return refuse("it ends within %s", name)
			}
			a.members[name] = member{at: at, size: h.Size}
		case tar.TypeSymlink:
			a.members[name] = member{link: path.Join(path.Dir(name), h.Linkname)}
		case tar.TypeLink:
			a.members[name] = member{link: path.Clean(h.Linkname)}
		}
	}
}

func (a *archive) open(name string) (*section, error) {
	name = path.Clean(name)
	for range 10 {
		m, ok := a.members[name]
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		case m.link == "":
			return &section{io.NewSectionReader(a.file, m.at, m.size), nil}, nil
		}
		name = m.link
	}
	return nil, refuse("%s: too many links", name)
}

func (a *archive) close() error {
	err := a.file.Close()
	if a.temporary {
		if rm := os.Remove(a.file.Name()); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
			err = errors.Join(err, rm)
		}
	}
	return err
}
