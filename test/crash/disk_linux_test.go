package crash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"muster/internal/testshared"
)

// onDisk prepares a command that sees a copy of the good state at data, on a
// disk of its own of some megabytes. prepare is a shell's, run before it in
// the folder above data. The disk is gone with the command.
func onDisk(t *testing.T, good, data string, megabytes int, prepare string, args ...string) *exec.Cmd {
	t.Helper()
	disk := filepath.Dir(data)
	script := fmt.Sprintf(`mount -t tmpfs -o size=%dm tmpfs "$1" && cp -r "$2" "$3" && cd "$1" && { %s; } && shift 3 && exec "$@"`, megabytes, prepare)
	return exec.Command("unshare", append([]string{needDisks(t), "sh", "-c", script, "sh", disk, good, data, muster(t)}, args...)...)
}

// needDisks says which option of unshare gives a command a disk of its own:
// the one that everybody may use where the system has user namespaces, or
// root's. Where there is neither the test is skipped, but not in CI.
func needDisks(t *testing.T) string {
	t.Helper()
	var why []string
	for _, option := range []string{"-Urm", "-m"} {
		out, err := exec.Command("unshare", option, "mount", "-t", "tmpfs", "tmpfs", t.TempDir()).CombinedOutput()
		if err == nil {
			return option
		}
		why = append(why, fmt.Sprintf("unshare %s: %v: %s", option, err, out))
	}
	testshared.Missing(t, "no disks of our own here, which need user namespaces or root with CAP_SYS_ADMIN: "+strings.Join(why, "; "))
	return ""
}

const (
	fill     = `head -c 100M /dev/zero >filler 2>/dev/null; true`
	readOnly = `mount -o remount,ro .`
)

func TestUnusableDisksAreRefusedInWords(t *testing.T) {
	muster(t)
	needDisks(t)
	good := goodState(t)
	data := filepath.Join(t.TempDir(), "data")
	environment := []string{"MUSTER_DATA=" + data}
	for _, c := range []struct {
		name, prepare, want string
		commands            [][]string
	}{
		{"full", fill, "the disk is full", [][]string{serve, demo, admin, status}},
		{"read-only", readOnly, "read-only file system", [][]string{serve, demo, admin}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, args := range c.commands {
				refusedInWords(t, onDisk(t, good, data, 8, c.prepare, args...), environment, c.want)
			}
		})
	}
}

// TestFullDiskLosesNothing fills the disk under a server that works. It refuses
// what it cannot keep, keeps what it has acknowledged, and goes on when there is
// room again.
func TestFullDiskLosesNothing(t *testing.T) {
	p := newProcess(t, "")
	needDisks(t)
	p.start(t)
	c := p.signUp(t)
	p.kill()
	good, data := p.data, filepath.Join(t.TempDir(), "data")
	p.data = data
	p.startAs(t, onDisk(t, good, data, 16, "true", "server"))
	filler := fmt.Sprintf("/proc/%d/root%s/filler", p.cmd.Process.Pid, filepath.Dir(data))
	u := &users{clients: c}
	create := func() error {
		name := u.fresh("user")
		_, err := c.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name})
		if err == nil {
			u.put(name, "")
		}
		return err
	}
	for range 10 {
		must(t, create())
	}
	_ = os.WriteFile(filler, make([]byte, 32<<20), 0o600) // as much as fits
	refusals := 0
	for range 300 {
		if create() != nil {
			refusals++
		}
	}
	if refusals == 0 {
		t.Error("the full disk does not show")
	}
	u.check(t)
	must(t, os.Remove(filler))
	must(t, create())
	u.check(t)
	t.Logf("%d of 300 calls refused, %d users kept", refusals, u.acknowledged())
	p.failures.list = nil // they were called for
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it did not end cleanly: %v", err)
	}
}
