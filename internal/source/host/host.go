// Package host gives this machine to look at: its local file systems as one
// fs.FS, the running kernel, and a hash that recognises the machine.
package host

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Host is a machine's root folder, or a folder that stands for one in tests.
type Host struct {
	root string
	tree tree
	// pruned are mount points that are no local disk, relative to root.
	pruned map[string]bool
}

// Open prepares the machine whose root is the folder ("/" for this one).
// Virtual and network file systems mounted below it are left out.
func Open(root string) (*Host, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("root folder: %w", err)
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("root folder: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("root folder %s is not a folder", root)
	}
	files, err := openTree(root)
	if err != nil {
		return nil, fmt.Errorf("root folder: %w", err)
	}
	h := &Host{root: root, tree: files, pruned: map[string]bool{}}
	h.Refresh()
	return h, nil
}

// Refresh leaves out what is mounted now: file systems come and go while a
// program runs. It is not to be called while somebody reads the files.
func (h *Host) Refresh() {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err == nil { // without procfs there is nothing to leave out
		h.prune(string(mounts))
	}
}

// prune leaves out what a mountinfo table has of virtual and remote file
// systems, and nothing else.
func (h *Host) prune(table string) {
	h.pruned = map[string]bool{}
	for _, point := range remoteMounts(table) {
		if rel, err := filepath.Rel(h.root, point); err == nil && fs.ValidPath(filepath.ToSlash(rel)) && rel != "." {
			h.pruned[filepath.ToSlash(rel)] = true
		}
	}
}

// Root is the absolute path of the machine's root folder.
func (h *Host) Root() string { return h.root }

// Kernel is the running kernel's release and the machine's name for its
// architecture, as uname gives them.
func (h *Host) Kernel() (release, machine string, err error) { return uname() }

// MachineID is a hash that stays the same as long as the machine's identity
// does, "" where it has none. The identity itself is confidential and is not
// told.
func (h *Host) MachineID() string {
	for _, name := range []string{"etc/machine-id", "var/lib/dbus/machine-id"} {
		id, err := fs.ReadFile(h.FS(), name)
		if text := strings.TrimSpace(string(id)); err == nil && len(text) >= 16 && text != "uninitialized" {
			sum := sha256.Sum256([]byte("muster machine identity\n" + text))
			return hex.EncodeToString(sum[:])
		}
	}
	return ""
}

// remoteMounts lists the mount points of a mountinfo table whose file systems
// are virtual or reached over a network.
func remoteMounts(table string) []string {
	var points []string
	for line := range strings.Lines(table) {
		before, after, ok := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(kind) < 1 || local(kind[0]) {
			continue
		}
		points = append(points, unescape(fields[4]))
	}
	return points
}

// local reports whether a file system of the kind lies on this machine and
// holds files that somebody installed.
func local(kind string) bool {
	switch kind {
	case "proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "configfs", "bpf",
		"mqueue", "hugetlbfs", "pstore", "efivarfs", "fusectl", "binfmt_misc", "autofs", "rpc_pipefs", "nsfs", "selinuxfs",
		"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "lustre", "afs", "ncpfs", "coda", "gfs", "gfs2", "ocfs2",
		"beegfs", "9p", "virtiofs", "vboxsf", "davfs":
		return false
	}
	// Most file systems in user space are remote (sshfs, s3fs); those that
	// are local disks say so.
	return !strings.HasPrefix(kind, "fuse.") || kind == "fuse.fuse-overlayfs" || kind == "fuse.ntfs-3g"
}

// unescape undoes mountinfo's octal escapes: "\040" is a blank.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1]) && octal(s[i+2]) && octal(s[i+3]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(c byte) bool { return c >= '0' && c <= '7' }
