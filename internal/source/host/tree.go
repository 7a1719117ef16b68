package host

import (
	"io/fs"
	"os"
	"path/filepath"
)

// tree is the files below a root folder, by slash-separated names relative to
// it. A link leads to where it would lead if the folder were the root of the
// system, never out of it.
type tree interface {
	OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error)
	Stat(name string) (fs.FileInfo, error)
	Lstat(name string) (fs.FileInfo, error)
	Readlink(name string) (string, error)
}

// openTree chooses how the files below root are reached. Below another root
// than the system's own, the kernel would take absolute links to this
// machine's files.
func openTree(root string) (tree, error) {
	if root == "/" {
		return system{}, nil
	}
	return openInside(root)
}

// system is the tree of this machine.
type system struct{}

func (system) OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(system{}.path(name), flag, mode)
}
func (system) Stat(name string) (fs.FileInfo, error)  { return os.Stat(system{}.path(name)) }
func (system) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(system{}.path(name)) }
func (system) Readlink(name string) (string, error)   { return os.Readlink(system{}.path(name)) }

func (system) path(name string) string { return filepath.Join("/", name) }
