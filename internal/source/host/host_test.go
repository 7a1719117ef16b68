package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

const table = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 27 0:30 / /srv/a\040b rw shared:1 master:2 - nfs4 server:/x rw
31 27 0:31 / /home/u/remote rw - fuse.sshfs u@h: rw
32 27 0:32 / /data rw - xfs /dev/vdb rw
33 27 0:33 / /run rw - tmpfs tmpfs rw
broken line
`

func TestRemoteMounts(t *testing.T) {
	if got, want := remoteMounts(table), []string{"/proc", "/srv/a b", "/home/u/remote"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func write(t *testing.T, root string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(root, files[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFS(t *testing.T) {
	root := t.TempDir()
	write(t, root, "etc/a", "1", "usr/lib/b", "2")
	h, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(h.FS(), "etc/a", "usr/lib/b"); err != nil {
		t.Error(err)
	}
}

func TestMountsAreLeftOut(t *testing.T) {
	root := t.TempDir()
	write(t, root, "data/remote/x/file", "1", "data/local/file", "2")
	h, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	h.pruned["data/remote"] = true
	entries, err := fs.ReadDir(h.FS(), "data")
	if err != nil || len(entries) != 1 || entries[0].Name() != "local" {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := fs.ReadFile(h.FS(), "data/remote/x/file"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened: %v", err)
	}
	if _, err := fs.ReadFile(h.FS(), "data/local/file"); err != nil {
		t.Error(err)
	}
}

// TestPipesDoNotBlock: a reader of a pipe without a writer would wait for ever.
// A mounted root's links mean its own files, not this machine's.
func TestLinksStayInside(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "usr/lib/os-release", "inside", "data/deep/file", "deep")
	for name, target := range map[string]string{
		"absolute": "/usr/lib/os-release", "upward": "../../../../../../usr/lib/os-release", "folder": "/data", "chain": "/folder/deep",
		"outside": "/etc/passwd", "loop": "/loop",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	h, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := h.FS()
	for name, want := range map[string]string{"absolute": "inside", "upward": "inside", "folder/deep/file": "deep", "chain/file": "deep"} {
		content, err := fs.ReadFile(files, name)
		if err != nil || string(content) != want {
			t.Errorf("%s: %q, %v", name, content, err)
		}
		if info, err := fs.Stat(files, name); err != nil || info.Size() != int64(len(want)) {
			t.Errorf("stat %s: %v, %v", name, info, err)
		}
	}
	for _, name := range []string{"outside", "loop"} {
		if content, err := fs.ReadFile(files, name); err == nil {
			t.Errorf("%s is %q", name, content)
		}
		if target, err := fs.ReadLink(files, name); err != nil || !strings.HasPrefix(target, "/") {
			t.Errorf("readlink %s: %q, %v", name, target, err)
		}
		if info, err := fs.Lstat(files, name); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("lstat %s: %v, %v", name, info, err)
		}
	}
	if entries, err := fs.ReadDir(files, "chain"); err != nil || len(entries) != 1 || entries[0].Name() != "file" {
		t.Errorf("chain holds %v, %v", entries, err)
	}
}

func TestPipesDoNotBlock(t *testing.T) {
	root := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(root, "METADATA"), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() {
		f, err := h.FS().Open("METADATA")
		if err == nil {
			err = f.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("still waiting")
	}
}

func TestMachineID(t *testing.T) {
	root := t.TempDir()
	h, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if id := h.MachineID(); id != "" {
		t.Errorf("without identity: %q", id)
	}
	write(t, root, "var/lib/dbus/machine-id", "0123456789abcdef0123456789abcdef\n")
	first := h.MachineID()
	if len(first) != 64 || strings.Contains(first, "0123456789abcdef") {
		t.Errorf("got %q", first)
	}
	write(t, root, "etc/machine-id", "0123456789abcdef0123456789abcdee\n")
	if second := h.MachineID(); second == first {
		t.Error("two machines have the same hash")
	}
}

func TestThisMachine(t *testing.T) {
	h, err := Open("/")
	if err != nil {
		t.Fatal(err)
	}
	if release, machine, err := h.Kernel(); err != nil || release == "" || machine == "" {
		t.Errorf("%q, %q, %v", release, machine, err)
	}
	if _, err := fs.Stat(h.FS(), "proc/self"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("proc is visible: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("an absent root is accepted")
	}
}

// TestMountsComeAndGo: what is mounted while a program runs is left out from
// the next look on, and comes back when it is local again.
func TestMountsComeAndGo(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "opt/share/app"), 0o755); err != nil {
		t.Fatal(err)
	}
	h, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	seen := func() bool {
		_, err := fs.Stat(h.FS(), "opt/share/app")
		entries, listed := fs.ReadDir(h.FS(), "opt")
		if listed != nil || (err == nil) != (len(entries) == 1) {
			t.Fatalf("listed %v, %v; %v", entries, listed, err)
		}
		return err == nil
	}
	before := seen()
	h.prune("30 27 0:30 / " + root + "/opt/share rw - nfs4 server:/x rw\n")
	mounted := seen()
	h.Refresh()
	if !before || mounted || !seen() {
		t.Errorf("the folder is seen: before %t, while something remote is mounted there %t, after %t", before, mounted, seen())
	}
}
