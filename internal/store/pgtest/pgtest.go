// Package pgtest starts throw-away PostgreSQL clusters for tests: on a Unix
// socket in a temporary folder, without durability, gone with the process that
// started them however that ends.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNoBinaries means that initdb and postgres are neither on the PATH nor where
// Debian's and other packages put them.
var ErrNoBinaries = errors.New("no PostgreSQL binaries found (Debian: apt install postgresql)")

// Cluster is a running PostgreSQL with a superuser "muster".
type Cluster struct {
	// URL leads to the database "postgres" of the cluster.
	URL      string
	dir, bin string
	as       *syscall.Credential
	settings []string
	// guard is a shell that has postgres as its child; it ends both, and
	// removes the folder, when its standard input closes.
	guard *exec.Cmd
	stdin io.Closer
}

// Start makes and starts a cluster; it takes a second or two. As root the
// cluster runs under an unprivileged user, because PostgreSQL refuses root.
// Settings, as name=value, come after the usual ones.
func Start(ctx context.Context, settings ...string) (*Cluster, error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := privateDir(as)
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, bin: bin, as: as, settings: settings, URL: "postgres://muster@/postgres?host=" + url.QueryEscape(dir)}
	if err := c.start(ctx, bin, as); err != nil {
		return nil, errors.Join(err, c.Stop(), os.RemoveAll(dir))
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, bin string, as *syscall.Credential) error {
	data := filepath.Join(c.dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "--pgdata", data, "--username", "muster",
		"--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir = c.dir
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	if err := c.launch(bin, data, as); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	return c.waitReady(ctx)
}

// The postgres to end may be another one than was started at first (Control).
const guardScript = `"$@" >log 2>&1 & cat >/dev/null; pid=$(head -n 1 data/postmaster.pid) && kill -QUIT $pid; wait; ` +
	`while [ -n "$pid" ] && kill -0 $pid; do sleep 0.02; done 2>/dev/null; cd /; rm -rf "$0"`

// launch starts the guard in a session of its own, so that an interrupt from
// the keyboard does not reach it before it has cleaned up.
func (c *Cluster) launch(bin, data string, as *syscall.Credential) (err error) {
	args := append([]string{"-c", guardScript, c.dir, filepath.Join(bin, "postgres"), "-D", data}, c.options()...)
	c.guard = exec.Command("/bin/sh", args...)
	c.guard.Dir = c.dir
	c.guard.SysProcAttr = &syscall.SysProcAttr{Credential: as, Setsid: true}
	if c.stdin, err = c.guard.StdinPipe(); err != nil {
		return err
	}
	return c.guard.Start()
}

// options are those of postgres.
func (c *Cluster) options() []string {
	list := []string{"-k", c.dir}
	for _, setting := range append([]string{
		"listen_addresses=", "max_connections=300", "shared_buffers=64MB",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off",
	}, c.settings...) {
		list = append(list, "-c", setting)
	}
	return list
}

func (c *Cluster) waitReady(ctx context.Context) error {
	deadline := time.Now().Add(60 * time.Second)
	for {
		conn, err := pgx.Connect(ctx, c.URL)
		if err == nil {
			return conn.Close(ctx)
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("postgres does not answer: %w; its log: %s", err, log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Socket is the path of the Unix socket that the cluster listens at.
func (c *Cluster) Socket() string { return filepath.Join(c.dir, ".s.PGSQL.5432") }

// Control stops, starts or restarts the cluster: its arguments are pg_ctl's,
// such as "restart", "-m", "immediate". It returns when that is done.
func (c *Cluster) Control(ctx context.Context, args ...string) error {
	args = append([]string{"-D", filepath.Join(c.dir, "data"), "-w", "-s", "-l", filepath.Join(c.dir, "log"), "-o", strings.Join(c.options(), " ")}, args...)
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, "pg_ctl"), args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as, Setsid: true}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_ctl %v: %w: %s", args, err, out)
	}
	return nil
}

// Stop ends the cluster and removes its folder. Without Stop the same happens
// when this process ends.
func (c *Cluster) Stop() error {
	if c.guard == nil || c.guard.Process == nil {
		return nil
	}
	if err := c.stdin.Close(); err != nil {
		return fmt.Errorf("stop postgres: %w", err)
	}
	if err := c.guard.Wait(); err != nil {
		return fmt.Errorf("stop postgres: %w", err)
	}
	return nil
}

// findBinaries returns the folder of initdb and postgres, the newest of those
// that distributions install beside each other.
func findBinaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			if _, err := os.Stat(filepath.Join(filepath.Dir(real), "postgres")); err == nil {
				return filepath.Dir(real), nil
			}
		}
	}
	var found []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin"} {
		list, err := filepath.Glob(filepath.Join(pattern, "initdb"))
		if err != nil {
			return "", err
		}
		found = append(found, list...)
	}
	if len(found) == 0 {
		return "", ErrNoBinaries
	}
	return filepath.Dir(slices.MaxFunc(found, compareDigits)), nil
}

// compareDigits orders paths by the number in them, so that 9 is before 15.
func compareDigits(a, b string) int {
	number := func(s string) int {
		n, _ := strconv.Atoi(strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, s))
		return n
	}
	return number(a) - number(b)
}

// unprivileged is whom to run as: nil for ourselves, or for root the user
// postgres or nobody.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}

// privateDir makes the cluster's folder. Its path is short, because the path
// of a Unix socket has at most 107 bytes.
func privateDir(as *syscall.Credential) (string, error) {
	base := os.TempDir()
	if len(base) > 60 {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "muster-pg-")
	if err != nil {
		return "", err
	}
	if as != nil {
		err = os.Chown(dir, int(as.Uid), int(as.Gid))
	}
	return dir, err
}
