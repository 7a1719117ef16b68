package disk

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"muster/internal/source/disk/ext4"
	"muster/internal/source/disk/inodes"
	"muster/internal/source/disk/xfs"
)

// join makes one root of the volumes: that of the machine, with what its fstab
// mounts. Volumes that nothing mounts are told of.
func (d *Disk) join(found []volume) error {
	root := slices.MaxFunc(found, func(a, b volume) int { return cmp.Compare(rank(a), rank(b)) })
	fsys := inodes.New(root.files)
	d.FS = fsys
	used := map[inodes.Volume]bool{root.files: true}
	d.unclean(root, "/")
	for _, m := range fstab(fsys) {
		i := slices.IndexFunc(found, func(v volume) bool { return v.named(m.device) })
		switch {
		case m.where == "/" || (i >= 0 && used[found[i].files]):
			continue
		case i < 0:
			d.missing(m)
			continue
		}
		if err := fsys.Mount(strings.Trim(m.where, "/"), found[i].files); err != nil {
			d.note("%v", err)
			continue
		}
		used[found[i].files] = true
		d.unclean(found[i], m.where)
	}
	for _, v := range found {
		if !used[v.files] && rank(v) >= holdsSystem {
			d.note("%s holds another system, which was not looked at", v.device)
		}
	}
	return nil
}

// missing notes a mount on which packages may lie and which no volume here is.
func (d *Disk) missing(m mount) {
	for _, where := range []string{"/usr", "/var", "/opt", "/srv", "/home", "/usr/local", "/var/lib", "/usr/lib"} {
		if m.where == where {
			d.note("%s is mounted from %s, which is no volume of this disk: its files are not seen", m.where, m.device)
		}
	}
}

func (d *Disk) unclean(v volume, where string) {
	pending := false
	switch f := v.files.(type) {
	case *ext4.FS:
		pending = f.Unclean
	case *xfs.FS:
		pending = f.Unclean
	}
	if pending {
		d.note("the file system of %s was not unmounted: its latest changes wait in the journal and are not seen", where)
	}
}

// Ranks of volumes as roots: a system with packages, a system, something that
// looks like a root, anything.
const (
	holdsFiles = iota
	holdsRoot
	holdsSystem
	holdsPackages
)

// rank says how much a volume looks like the root of a machine.
func rank(v volume) int {
	fsys := inodes.New(v.files)
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			_, err := fs.Lstat(fsys, name) // may be a link into a volume of its own
			return err == nil
		})
	}
	system := has("etc/os-release", "usr/lib/os-release")
	switch {
	case system && has("var/lib/dpkg/status", "var/lib/dpkg/status.d", "var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm", "lib/apk/db/installed"):
		return holdsPackages
	case system || has("etc/fstab"):
		return holdsSystem
	case has("etc", "usr", "var"):
		return holdsRoot
	}
	return holdsFiles
}

// mount is a line of an fstab.
type mount struct{ device, where string }

// fstab reads what a machine mounts, outer folders first.
func fstab(fsys fs.FS) []mount {
	const maxMounts = 1000
	f, err := fsys.Open("etc/fstab")
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	text := make([]byte, 64<<10)
	n, _ := f.Read(text)
	var mounts []mount
	for line := range strings.Lines(string(text[:n])) {
		fields := strings.Fields(line)
		if len(fields) < 3 || strings.HasPrefix(fields[0], "#") || !strings.HasPrefix(fields[1], "/") || len(mounts) == maxMounts {
			continue
		}
		switch fields[2] {
		case "ext2", "ext3", "ext4", "xfs", "auto":
			mounts = append(mounts, mount{unescape(fields[0]), path.Clean(unescape(fields[1]))})
		}
	}
	slices.SortStableFunc(mounts, func(a, b mount) int { return cmp.Compare(len(a.where), len(b.where)) })
	return mounts
}

// unescape undoes fstab's octal escapes: "\040" is a blank.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// named reports whether an fstab means the volume by a name.
func (v volume) named(device string) bool {
	key, value, tagged := strings.Cut(device, "=")
	value = strings.Trim(value, `"`)
	if rest, ok := strings.CutPrefix(device, "/dev/disk/by-"); ok && !tagged {
		key, value, tagged = strings.Cut(rest, "/")
	}
	if tagged {
		switch strings.ToUpper(key) {
		case "UUID":
			return strings.EqualFold(value, v.uuid)
		case "LABEL":
			return value != "" && value == v.label
		case "PARTUUID":
			return value != "" && strings.EqualFold(value, v.device.UUID)
		case "PARTLABEL":
			return value != "" && value == v.device.Label
		}
		return false
	}
	name, ok := strings.CutPrefix(device, "/dev/")
	if !ok {
		return false
	}
	if v.device.Mapper != "" {
		group, volume, _ := strings.Cut(name, "/")
		mapper := strings.ReplaceAll(group, "-", "--") + "-" + strings.ReplaceAll(volume, "-", "--")
		return name == "mapper/"+v.device.Mapper || mapper == v.device.Mapper
	}
	return v.device.Number > 0 && isFirstDisk(name, v.device.Number)
}

// isFirstDisk reports whether a device is a partition of the first disk, as
// drivers name it: sda2, vda2, xvda2, hda2, nvme0n1p2, mmcblk0p2.
func isFirstDisk(name string, number int) bool {
	for _, disk := range []string{"sda", "vda", "xvda", "hda", "nvme0n1p", "mmcblk0p"} {
		if name == fmt.Sprint(disk, number) {
			return true
		}
	}
	return false
}
