// Package disk gives the files of a machine's disk images, without mounting
// anything: containers (qcow2, VMDK …), partitions and logical volumes, ext4
// and xfs. What the machine mounts by its fstab is joined to one fs.FS, in
// which symbolic links stay within the root.
package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"muster/internal/source/disk/container"
	"muster/internal/source/disk/ext4"
	"muster/internal/source/disk/inodes"
	"muster/internal/source/disk/partition"
	"muster/internal/source/disk/xfs"
)

// ErrNoRoot says that no file system of a disk holds a machine or any files;
// the wrapping error says what is there instead.
var ErrNoRoot = errors.New("no file system to look at")

// Disk is a disk that is open for reading.
type Disk struct {
	// FS are the files as the machine sees them.
	FS fs.FS
	// Notes say what is not seen: volumes that are encrypted or of other
	// kinds, changes that wait in a journal.
	Notes []string

	image *container.Disk
}

// Close closes the image's files.
func (d *Disk) Close() error { return d.image.Close() }

// volume is a file system on a volume.
type volume struct {
	device      partition.Volume
	files       inodes.Volume
	uuid, label string
}

// Open opens a disk image.
func Open(name string) (*Disk, error) {
	image, err := container.Open(name)
	if err != nil {
		return nil, err
	}
	d := &Disk{image: image, Notes: image.Notes}
	if err := d.find(); err != nil {
		return nil, errors.Join(err, image.Close())
	}
	return d, nil
}

// find looks at the volumes and joins those of the machine.
func (d *Disk) find() error {
	list, notes, err := partition.Find(d.image, d.image.Size)
	if err != nil {
		return err
	}
	d.Notes = append(d.Notes, notes...)
	var found []volume
	var failed []error
	for _, v := range list {
		opened, err := open(v)
		switch {
		case err != nil:
			failed = append(failed, fmt.Errorf("%s: %w", v, err))
		case opened != nil:
			found = append(found, *opened)
		}
	}
	if len(found) == 0 {
		return errors.Join(append([]error{fmt.Errorf("%w: %s", ErrNoRoot, contents(list))}, failed...)...)
	}
	for _, err := range failed {
		d.note("%v", err)
	}
	return d.join(found)
}

func (d *Disk) note(format string, args ...any) {
	d.Notes = append(d.Notes, fmt.Sprintf(format, args...))
}

// startSize is how much of a volume tells its kind.
const startSize = 128 << 10

func beginning(v partition.Volume) ([]byte, error) {
	start := make([]byte, min(startSize, v.Size))
	if _, err := v.ReadAt(start, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return start, nil
}

// open opens the file system of a volume; nil for one that holds none that a
// machine would have its packages on.
func open(v partition.Volume) (*volume, error) {
	start, err := beginning(v)
	if err != nil {
		return nil, err
	}
	switch {
	case xfs.Looks(start):
		f, err := xfs.Open(v, v.Size)
		if err != nil {
			return nil, err
		}
		return &volume{v, f, f.UUID, f.Label}, nil
	case ext4.Looks(start):
		f, err := ext4.Open(v, v.Size)
		if err != nil {
			return nil, err
		}
		return &volume{v, f, f.UUID, f.Label}, nil
	}
	if kind := unread(start); kind != "" {
		return nil, fmt.Errorf("it is %s, which is not read", kind)
	}
	return nil, nil
}

// unread names what could hold a machine's files but is not read.
func unread(start []byte) string {
	for _, k := range []struct {
		at          int
		magic, name string
	}{
		{0, "LUKS\xba\xbe", "encrypted (LUKS)"}, {3, "-FVE-FS-", "encrypted (BitLocker)"}, {0x10040, "_BHRfS_M", "btrfs"},
		{3, "NTFS    ", "NTFS"}, {0, "hsqs", "squashfs"}, {1024, "\xe2\xe1\xf5\xe0", "EROFS"}, {0x8001, "CD001", "an ISO 9660 disc"},
		{0x1020, "\xfc\x4e\x2b\xa9", "a member of a RAID"}, {0x1000, "\xfc\x4e\x2b\xa9", "a member of a RAID"},
		{0x438, "\x10\x20\xf5\xf2", "F2FS"}, {0x400, "\x10\x20\xf5\xf2", "F2FS"},
	} {
		if len(start) >= k.at+len(k.magic) && bytes.HasPrefix(start[k.at:], []byte(k.magic)) {
			return k.name
		}
	}
	return ""
}

// contents says in words what a disk without files has.
func contents(list []partition.Volume) string {
	if len(list) == 1 && list[0].Number == 0 && list[0].Mapper == "" {
		return "neither partitions nor ext4 nor xfs"
	}
	return fmt.Sprintf("%d volumes, none of them ext4 or xfs", len(list))
}

// Looks reports whether a file that begins so may be a disk image: one of the
// containers, a table of partitions, or a file system. start has 64 KiB, or
// the whole file.
func Looks(start []byte) bool {
	return container.Looks(start) || ext4.Looks(start) || xfs.Looks(start) ||
		len(start) >= 520 && (start[510] == 0x55 && start[511] == 0xaa || strings.HasPrefix(string(start[512:]), "EFI PART"))
}
