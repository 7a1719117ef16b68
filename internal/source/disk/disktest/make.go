package disktest

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// Need skips a test where a program is missing; where the variable CI is set
// it fails, because there nothing may be skipped quietly.
func Need(tb testing.TB, programs ...string) {
	tb.Helper()
	for _, p := range programs {
		if _, err := find(p); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			tb.Fatalf("there is no %s: test/needs.sh installs it", p)
		}
		tb.Skipf("there is no %s: test/needs.sh installs it", p)
	}
}

// find looks also where users who are not root have no path to.
func find(program string) (string, error) {
	if found, err := exec.LookPath(program); err == nil {
		return found, nil
	}
	return exec.LookPath("/usr/sbin/" + program)
}

// Run runs a program that Need has found.
func Run(tb testing.TB, program string, args ...string) string {
	tb.Helper()
	return Feed(tb, "", program, args...)
}

// Feed is Run with an input.
func Feed(tb testing.TB, input, program string, args ...string) string {
	tb.Helper()
	file, err := find(program)
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), file, args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "E2FSPROGS_FAKE_TIME=1700000000")
	out, err := cmd.CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok && program == "e2fsck" && exit.ExitCode() < 4 {
		err = nil // it has changed something, as asked
	}
	if err != nil {
		tb.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Sparse makes an empty file of a size.
func Sparse(tb testing.TB, file string, size int64) {
	tb.Helper()
	f, err := os.Create(file)
	if err != nil {
		tb.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}

// Ext4 makes a file system of the ext family of a folder.
func Ext4(tb testing.TB, file, dir string, size int64, flags ...string) {
	tb.Helper()
	Sparse(tb, file, size)
	Run(tb, "mkfs.ext4", append(append([]string{"-q", "-F", "-d", dir}, flags...), file)...)
}

// XFS makes an xfs of a folder.
func XFS(tb testing.TB, file, dir string, t Tree, size int64, flags ...string) {
	tb.Helper()
	Sparse(tb, file, size)
	proto := filepath.Join(tb.TempDir(), "proto")
	if err := os.WriteFile(proto, []byte(prototype(t, dir)), 0o600); err != nil {
		tb.Fatal(err)
	}
	cmd := append([]string{"-q", "-f", "-p", proto}, flags...)
	if size < 300<<20 {
		cmd = append(cmd, "--unsupported")
	}
	Run(tb, "mkfs.xfs", append(cmd, file)...)
}

// prototype describes a tree as mkfs.xfs wants it (mkfs.xfs(8), "-p").
func prototype(t Tree, dir string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "/dev/null\n0 0\nd--755 0 0\n")
	open := []string{"."}
	for _, name := range t.sorted() {
		for open[len(open)-1] != path.Dir(name) {
			open = open[:len(open)-1]
			fmt.Fprintln(&b, "$")
		}
		item := t[name]
		switch {
		case item.Mode.IsDir():
			fmt.Fprintf(&b, "%s d--%o 0 0\n", path.Base(name), item.Mode.Perm())
			open = append(open, name)
		case item.Link != "":
			fmt.Fprintf(&b, "%s l--777 0 0 %s\n", path.Base(name), item.Link)
		default:
			fmt.Fprintf(&b, "%s ---%o 0 0 %s\n", path.Base(name), item.Mode.Perm(), filepath.Join(dir, filepath.FromSlash(name)))
		}
	}
	b.WriteString(strings.Repeat("$\n", len(open)))
	return b.String()
}

// sorted are the paths, each folder directly before what is in it.
func (t Tree) sorted() []string {
	byFolder := map[string][]string{}
	for _, name := range t.Names() {
		byFolder[path.Dir(name)] = append(byFolder[path.Dir(name)], name)
	}
	var list []string
	var below func(string)
	below = func(dir string) {
		for _, name := range byFolder[dir] {
			list = append(list, name)
			below(name)
		}
	}
	below(".")
	return list
}
