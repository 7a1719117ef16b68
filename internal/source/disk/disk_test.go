package disk_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/source/disk"
	"muster/internal/source/disk/disktest"
)

// part is a partition of a test's disk.
type part struct {
	// kind is ext4, xfs, or empty for a partition of zeros.
	kind  string
	tree  disktest.Tree
	flags []string
}

// build makes a disk by a script of sfdisk, which has a line per partition.
// starts are the partitions' first MiB, one for each part.
func build(t *testing.T, script string, starts []int64, parts []part) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "disk")
	size := starts[len(starts)-1] + 70
	disktest.Sparse(t, file, size<<20)
	disktest.Feed(t, script, "sfdisk", "-q", "--no-reread", file)
	out, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	for n, p := range parts {
		if p.kind == "" {
			continue
		}
		source, made := filepath.Join(dir, "tree"+string(rune('0'+n))), filepath.Join(dir, "fs")
		p.tree.Write(t, source)
		if p.kind == "xfs" {
			disktest.XFS(t, made, source, p.tree, 64<<20, p.flags...)
		} else {
			disktest.Ext4(t, made, source, 24<<20, p.flags...)
		}
		in, err := os.Open(made)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.NewOffsetWriter(out, starts[n]<<20), in); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(in.Close(), os.Remove(made)); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

func open(t *testing.T, file string) *disk.Disk {
	t.Helper()
	d, err := disk.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func tree(items map[string]disktest.Item) disktest.Tree { return disktest.Tree{}.Add(items) }

// system is a root with what every partition table of the tests mounts.
func system(fstab string) disktest.Tree {
	t := tree(map[string]disktest.Item{
		"etc/fstab": disktest.File(fstab), "etc/os-release": disktest.Link("../usr/lib/os-release"),
		"bin": disktest.Link("usr/bin"), "outside": disktest.Link("/../../etc/fstab"),
		"var/lib/hidden-by-the-mount": disktest.File("x"), "usr/hidden": disktest.File("x"),
	})
	return t
}

const (
	uuidVar = "0b5e0c2a-34b8-4b9b-9e43-5f3a1c2d4e5f"
	gpt     = "label: gpt\nstart=2048, size=4M, type=U\nstart=10240, size=64M\nstart=141312, size=64M, uuid=7b5e0c2a-34b8-4b9b-9e43-5f3a1c2d4e5f\n" +
		"start=272384, size=64M, name=data\n"
	// mbr has two logical partitions.
	mbr = "label: dos\nlabel-id: 0x1234abcd\nstart=2048, size=4M, type=ef\nstart=10240, size=64M\nstart=141312, type=5\n" +
		"start=143360, size=64M\nstart=276480, size=64M\n"
)

// TestJoin: the root is found wherever it lies, and what its fstab mounts is
// where the machine has it.
func TestJoin(t *testing.T) {
	disktest.Need(t, "mkfs.ext4", "mkfs.xfs", "sfdisk")
	usr := tree(map[string]disktest.Item{"lib/os-release": disktest.File("ID=debian\n"), "bin/tool": disktest.Program([]byte("x"))})
	varTree := tree(map[string]disktest.Item{"lib/dpkg/status": disktest.File("Package: a\n")})
	for name, tt := range map[string]struct {
		script, fstab string
		starts        []int64
		usrFlags      []string
	}{
		"gpt by names of several kinds": {gpt, "# comment\nUUID=" + uuidVar + "  /var xfs defaults 0 0\nPARTUUID=7B5E0C2A-34B8-4B9B-9E43-5F3A1C2D4E5F /usr auto ro 0 0\nproc /proc proc defaults 0 0\n",
			[]int64{1, 5, 69, 133}, nil},
		"mbr by devices":  {mbr, "/dev/vda5 /usr ext4 ro 0 0\n/dev/sda6 /var xfs defaults\n", []int64{1, 5, 70, 135}, nil},
		"mbr by labels":   {mbr, "LABEL=programs /usr ext4 ro 0 0\nPARTUUID=1234abcd-06 /var xfs defaults\n", []int64{1, 5, 70, 135}, []string{"-L", "programs"}},
		"gpt by its name": {gpt, "/dev/disk/by-partlabel/data /var xfs x\n/dev/nvme0n1p3\t/usr ext4 ro 0 0\n", []int64{1, 5, 69, 133}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			file := build(t, tt.script, tt.starts, []part{
				{}, {kind: "ext4", tree: system(tt.fstab)}, {kind: "ext4", tree: usr, flags: tt.usrFlags},
				{kind: "xfs", tree: varTree, flags: []string{"-m", "uuid=" + uuidVar}},
			})
			d := open(t, file)
			for name, want := range map[string]string{
				"etc/os-release": "ID=debian\n", "bin/tool": "x", "var/lib/dpkg/status": "Package: a\n", "outside": tt.fstab,
			} {
				if got, err := fs.ReadFile(d.FS, name); err != nil || string(got) != want {
					t.Errorf("%s: %q, %v", name, got, err)
				}
			}
			if _, err := fs.Stat(d.FS, "usr/hidden"); !errors.Is(err, fs.ErrNotExist) || len(d.Notes) > 0 {
				t.Errorf("what a mount covers is seen: %v, notes %q", err, d.Notes)
			}
			count := 0
			if err := fs.WalkDir(d.FS, ".", func(name string, _ fs.DirEntry, err error) error { count++; return err }); err != nil || count < 15 {
				t.Errorf("%d files, %v", count, err)
			}
		})
	}
}

// TestNotes: what is not seen is told.
func TestNotes(t *testing.T) {
	disktest.Need(t, "mkfs.ext4", "sfdisk", "debugfs")
	root := system("UUID=other /var xfs x\n/dev/mapper/vg-home /home ext4 x\n")
	file := build(t, mbr, []int64{1, 5, 70, 135}, []part{{}, {kind: "ext4", tree: root}, {kind: "ext4", tree: system("")}, {}})
	out, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	recover := []byte{0x46} // filetype, extents, recover
	for _, w := range []struct {
		at   int64
		data []byte
	}{{135<<20 + 0, []byte("LUKS\xba\xbe")}, {5<<20 + 1024 + 0x60, recover}} {
		if _, err := out.WriteAt(w.data, w.at); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	d := open(t, file)
	all := strings.Join(d.Notes, "\n")
	for _, want := range []string{"partition 6: it is encrypted (LUKS)", "/var is mounted from UUID=other", "/home is mounted", "system of / was not unmounted", "partition 5 holds another system"} {
		if !strings.Contains(all, want) {
			t.Errorf("no note %q in\n%s", want, all)
		}
	}
	if len(d.Notes) != 5 {
		t.Errorf("%d notes:\n%s", len(d.Notes), all)
	}
}

// TestContainers: the same disk gives the same files whatever it comes as, and
// without partitions.
func TestContainers(t *testing.T) {
	disktest.Need(t, "mkfs.ext4", "mkfs.xfs", "sfdisk", "qemu-img")
	root := system("").Add(map[string]disktest.Item{"usr/lib/os-release": disktest.File("ID=x\n")})
	whole := build(t, gpt, []int64{1, 5, 69, 133}, []part{{}, {kind: "xfs", tree: root}, {}, {}})
	plain := filepath.Join(t.TempDir(), "plain")
	dir := filepath.Join(t.TempDir(), "tree")
	root.Write(t, dir)
	disktest.Ext4(t, plain, dir, 24<<20)
	for _, source := range []string{whole, plain} {
		for _, format := range []string{"raw", "qcow2", "vmdk", "vpc", "vhdx"} {
			file := filepath.Join(t.TempDir(), "image")
			disktest.Run(t, "qemu-img", "convert", "-f", "raw", "-O", format, source, file)
			d := open(t, file)
			if diff := root.Compare(d.FS); diff != "" || len(d.Notes) > 0 {
				t.Errorf("%s: %s, notes %q", format, diff, d.Notes)
			}
			start := make([]byte, 64<<10)
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			if n, _ := f.Read(start); !disk.Looks(start[:n]) {
				t.Errorf("%s does not look like a disk", format)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestBroken: every broken disk is an error that says what is broken.
func TestBroken(t *testing.T) {
	disktest.Need(t, "mkfs.ext4", "mkfs.xfs", "sfdisk")
	root := system("")
	file := build(t, gpt, []int64{1, 5, 69, 133}, []part{{}, {kind: "xfs", tree: root}, {}, {}})
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for what, tt := range map[string]struct {
		data []byte
		want string
	}{
		"empty":           {nil, "neither partitions nor ext4 nor xfs"},
		"text":            {[]byte(strings.Repeat("hello ", 2000)), "neither partitions nor ext4 nor xfs"},
		"cut":             {whole[:40<<20], "partition 2: xfs: cut off"},
		"cut early":       {whole[:6000], "cut off: the disk ends before"},
		"no table":        {slices.Concat(whole[:1024], make([]byte, 1<<20)), "0 volumes"},
		"encrypted":       {append([]byte("LUKS\xba\xbe"), make([]byte, 8192)...), "encrypted (LUKS)"},
		"other partition": {slices.Concat(whole[:5<<20], make([]byte, 1<<20)), "volumes, none of them"},
	} {
		file := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(file, tt.data, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := disk.Open(file)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", what, err, tt.want)
		}
		if d != nil {
			_ = d.Close()
		}
	}
}
