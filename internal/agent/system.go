package agent

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// systemStopping asks systemd whether the machine is going down. Without
// systemd nobody knows, and the answer is no.
func systemStopping() bool {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	// It fails whenever the state is not "running", so only the word counts.
	out, _ := exec.CommandContext(ctx, "systemctl", "is-system-running").Output()
	return strings.TrimSpace(string(out)) == "stopping"
}

// paced makes looks through the file system take no more than a part of one
// processor, in percent: it waits before the next file as long as the process
// is over it.
func paced(fsys fs.FS, percent int) fs.FS {
	if percent <= 0 || percent >= 100 {
		return fsys
	}
	return &pacedFS{fsys: fsys, percent: percent, began: time.Now(), used: processorTime()}
}

type pacedFS struct {
	fsys    fs.FS
	percent int
	began   time.Time
	used    time.Duration
}

var (
	_ fs.ReadDirFS  = (*pacedFS)(nil)
	_ fs.StatFS     = (*pacedFS)(nil)
	_ fs.ReadLinkFS = (*pacedFS)(nil)
)

// mostRest bounds one pause, so that a look ends soon after it is cancelled.
const mostRest = 200 * time.Millisecond

func (p *pacedFS) rest() {
	used := processorTime() - p.used
	if ahead := used*100/time.Duration(p.percent) - time.Since(p.began); ahead > 0 {
		time.Sleep(min(ahead, mostRest))
	}
}

func (p *pacedFS) Open(name string) (fs.File, error) {
	p.rest()
	return p.fsys.Open(name)
}

func (p *pacedFS) ReadDir(name string) ([]fs.DirEntry, error) {
	p.rest()
	return fs.ReadDir(p.fsys, name)
}

func (p *pacedFS) Stat(name string) (fs.FileInfo, error) { return fs.Stat(p.fsys, name) }

func (p *pacedFS) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(p.fsys, name) }

func (p *pacedFS) ReadLink(name string) (string, error) { return fs.ReadLink(p.fsys, name) }

// processorTime is what the process has used of processors so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
