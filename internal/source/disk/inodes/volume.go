// Package inodes makes one fs.FS of file systems that know their files by
// inode number, as mounting them would: names are looked up folder by folder,
// symbolic links are resolved within the root, and further volumes cover
// folders of the first.
//
// What is on a disk may lie. A folder that has two names, as hard links to
// folders or loops would give it, is an error where it is met the second time,
// so every walk ends. Listings are cached up to a bound.
package inodes

import (
	"io"
	"io/fs"
	"time"
)

// Volume is one file system. It is read by several goroutines at once.
type Volume interface {
	// Root is the inode of the root folder.
	Root() uint64
	// Inode describes a file. Its error says what is wrong with it.
	Inode(number uint64) (Inode, error)
	// List gives a folder's entries in any order, without "." and "..".
	List(number uint64) ([]Entry, error)
	// Link is where a symbolic link points to.
	Link(number uint64) (string, error)
	// Content is what a regular file holds: Size bytes, holes being zero.
	Content(number uint64) (io.ReaderAt, error)
}

// Inode describes a file.
type Inode struct {
	// Mode has the type and the permissions.
	Mode fs.FileMode
	// Size is in bytes.
	Size     int64
	Modified time.Time
}

// Entry is a name in a folder.
type Entry struct {
	Name   string
	Number uint64
	// Type is the type alone; Unknown where the folder does not tell.
	Type fs.FileMode
}

// Unknown is the type of an entry that only its inode tells.
const Unknown = fs.ModeIrregular | fs.ModeType

// Mode turns the mode of Unix on-disk formats into Go's.
func Mode(unix uint16) fs.FileMode {
	mode := fs.FileMode(unix & 0o777)
	switch unix >> 12 {
	case 0x1:
		mode |= fs.ModeNamedPipe
	case 0x2:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case 0x4:
		mode |= fs.ModeDir
	case 0x6:
		mode |= fs.ModeDevice
	case 0x8:
	case 0xa:
		mode |= fs.ModeSymlink
	case 0xc:
		mode |= fs.ModeSocket
	default:
		mode |= fs.ModeIrregular
	}
	for bit, m := range map[uint16]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if unix&bit != 0 {
			mode |= m
		}
	}
	return mode
}

// FileType turns the type byte that ext4 and xfs keep in folders into Go's.
func FileType(b byte) fs.FileMode {
	switch b {
	case 1:
		return 0
	case 2:
		return fs.ModeDir
	case 3:
		return fs.ModeDevice | fs.ModeCharDevice
	case 4:
		return fs.ModeDevice
	case 5:
		return fs.ModeNamedPipe
	case 6:
		return fs.ModeSocket
	case 7:
		return fs.ModeSymlink
	}
	return Unknown
}
