package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// openInside gives the tree below root, resolved by the kernel as if root were
// the system's (openat2 with RESOLVE_IN_ROOT, Linux 5.6), so that nobody who
// changes the tree meanwhile can lead a reader out of it. Where that call is
// missing or forbidden, absolute links are errors.
func openInside(root string) (tree, error) {
	folder, err := os.Open(root)
	if err != nil {
		return nil, err
	}
	in := inside{folder}
	probe, err := in.open("open", ".", unix.O_PATH)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		folder.Close()
		return os.OpenRoot(root)
	}
	if err != nil {
		folder.Close()
		return nil, err
	}
	return in, probe.Close()
}

// inside is the tree below a folder that is kept open.
type inside struct{ root *os.File }

// busy bounds how often a look-up is repeated that a rename disturbed.
const busy = 64

func (in inside) open(op, name string, flags int) (*os.File, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags) | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	var err error
	for range busy {
		var fd int
		fd, err = unix.Openat2(int(in.root.Fd()), name, &how)
		runtime.KeepAlive(in.root)
		if err == nil {
			return os.NewFile(uintptr(fd), filepath.Join(in.root.Name(), name)), nil
		}
		if err != unix.EAGAIN && err != unix.EINTR {
			break
		}
	}
	return nil, &fs.PathError{Op: op, Path: filepath.Join(in.root.Name(), name), Err: err}
}

func (in inside) OpenFile(name string, flag int, _ fs.FileMode) (*os.File, error) {
	return in.open("open", name, flag)
}

func (in inside) Stat(name string) (fs.FileInfo, error) { return in.stat("stat", name, unix.O_PATH) }

func (in inside) Lstat(name string) (fs.FileInfo, error) {
	return in.stat("lstat", name, unix.O_PATH|unix.O_NOFOLLOW)
}

func (in inside) stat(op, name string, flags int) (fs.FileInfo, error) {
	f, err := in.open(op, name, flags)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

func (in inside) Readlink(name string) (string, error) {
	f, err := in.open("readlink", name, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return "", err
	}
	defer f.Close()
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(f.Fd()), "", target)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: f.Name(), Err: err}
	}
	return string(target[:n]), nil
}
