// Package container opens disk images: raw, qcow2, VMDK, VHD and VHDX. What a
// machine would see as its disk can then be read at any place, without a copy.
//
// An image may name other files. They are opened only if they lie in the
// image's own folder or below it, and nothing else of this machine is.
package container

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrFormat says that an image is damaged, or of a kind that is not read; the
// wrapping error says which.
var ErrFormat = errors.New("disk image")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// Bounds of an image.
const (
	maxDisk  = 1 << 50
	maxChain = 8
	// maxTable bounds what is kept in memory of the tables of an image and of
	// all that it consists of.
	maxTable = 64 << 20
)

// Disk is an image that is open for reading. It is safe for concurrent use.
type Disk struct {
	io.ReaderAt
	// Size of the disk in bytes.
	Size int64
	// Format is raw, qcow2, vmdk, vhd or vhdx.
	Format string
	// Notes say what to know of the content: a virtual machine is writing it,
	// or went down while it did.
	Notes []string

	closers []io.Closer
}

// Close closes the image's files.
func (d *Disk) Close() error {
	var err error
	for _, c := range d.closers {
		err = errors.Join(err, c.Close())
	}
	return err
}

// Open opens an image, recognised by its content.
func Open(name string) (*Disk, error) {
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	d := &Disk{closers: []io.Closer{root}}
	f, err := os.Open(name) // the user's own word may lead anywhere
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	o := opener{root: root, disk: d, recent: &recent{pieces: map[pieceKey][]byte{}}}
	layer, err := o.file(f, "")
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	d.ReaderAt, d.Size, d.Format = layer, layer.size, layer.format
	return d, nil
}

// layer is one image of a chain.
type layer struct {
	io.ReaderAt
	size   int64
	format string
}

// opener opens an image and those it stands on.
type opener struct {
	root   *os.Root
	disk   *Disk
	recent *recent
	depth  int
	// tables is how many bytes of tables are kept.
	tables int64
}

// table reads a table that is kept while the image is open.
func (o *opener) table(f *os.File, length, at int64) ([]byte, error) {
	if length > maxTable-o.tables {
		return nil, refuse("damaged: more than %d bytes of tables", maxTable)
	}
	o.tables += length
	table := make([]byte, length)
	return table, full(f, table, at)
}

// file recognises an image; format, where it is told, is believed for raw
// images only, which nothing else tells from others.
func (o *opener) file(f *os.File, format string) (*layer, error) {
	o.disk.closers = append(o.disk.closers, f)
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, refuse("%s is no regular file", f.Name())
	}
	if o.depth++; o.depth > maxChain {
		return nil, refuse("more than %d images stand on each other", maxChain)
	}
	if format == "raw" {
		return o.raw(f, info.Size())
	}
	start := make([]byte, 1024)
	n, err := f.ReadAt(start, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	l, err := o.recognise(f, start[:n], info.Size())
	if err == nil && (l.size < 0 || l.size > maxDisk) {
		err = refuse("damaged: a disk of %d bytes", l.size)
	}
	return l, err
}

func (o *opener) recognise(f *os.File, start []byte, size int64) (*layer, error) {
	switch {
	case bytes.HasPrefix(start, []byte(qcowMagic)):
		return o.qcow2(f, size)
	case bytes.HasPrefix(start, []byte(vmdkMagic)):
		return o.vmdk(f, size)
	case bytes.HasPrefix(start, []byte(descriptorMagic)):
		return o.descriptor(f, size)
	case bytes.HasPrefix(start, []byte(vhdxMagic)):
		return o.vhdx(f, size)
	case bytes.HasPrefix(start, []byte("COWD")):
		return nil, refuse("it is a snapshot of ESX (COWD), which is not read; convert the virtual machine's disk as a whole")
	}
	if footer, ok := vhdFooter(f, size); ok {
		return o.vhd(f, size, footer)
	}
	return o.raw(f, size)
}

// Looks reports whether a file begins as one of the formats does that can be
// told by that.
func Looks(start []byte) bool {
	for _, m := range []string{qcowMagic, vmdkMagic, descriptorMagic, vhdxMagic, vhdMagic} {
		if bytes.HasPrefix(start, []byte(m)) {
			return true
		}
	}
	return false
}

func (o *opener) raw(f *os.File, size int64) (*layer, error) {
	return &layer{f, size, "raw"}, nil
}

// sibling opens a file that an image names, if it lies beside the image or
// below its folder.
func (o *opener) sibling(name string) (*os.File, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, refuse("it stands on %q, and only files beside it are opened; put them there, or convert it to one file (qemu-img convert)", name)
	}
	info, err := o.root.Stat(filepath.FromSlash(name))
	if err == nil && !info.Mode().IsRegular() { // opening a pipe would wait
		return nil, refuse("%q is no regular file", name)
	}
	f, err := o.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, refuse("it stands on %q: %v", name, err)
	}
	return f, nil
}

func (o *opener) note(format string, args ...any) {
	o.disk.Notes = append(o.disk.Notes, fmt.Sprintf(format, args...))
}
