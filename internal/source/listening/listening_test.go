package listening

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"muster/internal/agentwire"
)

const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

func line(local, remote, state string, inode int) string {
	return fmt.Sprintf("   0: %s %s %s 00000000:00000000 00:00000000 00000000     0        0 %d 1 0000000000000000 100 0 0 10 0\n", local, remote, state, inode)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

// machine has a server in IPv4 and IPv6, one in a container whose program was
// replaced, a socket that nobody is seen to hold, and what must not be listed:
// an established connection, a client of a name server.
func machine(t *testing.T) string {
	root := t.TempDir()
	proc := filepath.Join(root, "proc")
	write(t, filepath.Join(proc, "net/tcp"), head+
		line("00000000:0016", "00000000:0000", "0A", 101)+
		line("0100007F:1F90", "00000000:0000", "0A", 102)+
		line("0A00000A:0016", "0B00000A:C001", "01", 103)+
		"garbage\n")
	write(t, filepath.Join(proc, "net/tcp6"), head+line("00000000000000000000000000000000:0016", "00000000000000000000000000000000:0000", "0A", 104))
	write(t, filepath.Join(proc, "net/udp"), head+
		line("3500007F:0035", "00000000:0000", "07", 105)+
		line("00000000:D431", "00000000:0000", "07", 106))
	write(t, filepath.Join(proc, "sys/net/ipv4/ip_local_port_range"), "32768\t60999\n")
	for pid, fds := range map[string][]int{"1": {101, 104, 103}, "7": {101}, "20": {102}} {
		for n, inode := range fds {
			link(t, fmt.Sprintf("socket:[%d]", inode), filepath.Join(proc, pid, "fd", fmt.Sprint(n)))
		}
		link(t, "/dev/null", filepath.Join(proc, pid, "fd/99"))
	}
	for _, pid := range []string{"1", "7"} {
		write(t, filepath.Join(proc, pid, "comm"), "sshd\n")
		link(t, "/usr/sbin/sshd", filepath.Join(proc, pid, "exe"))
		link(t, root, filepath.Join(proc, pid, "root"))
	}
	write(t, filepath.Join(proc, "20/comm"), "web\x01\n")
	link(t, "/app/web (deleted)", filepath.Join(proc, "20/exe"))
	link(t, t.TempDir(), filepath.Join(proc, "20/root"))
	return root
}

func TestTablesAndHolders(t *testing.T) {
	root := machine(t)
	table, err := Read(root)
	if err != nil || table.Partial {
		t.Fatal(table.Partial, err)
	}
	list, notes := table.Holders(root)
	e := agentwire.Evidence{Sockets: list}
	e.Sort()
	any4, any6 := netip.IPv4Unspecified(), netip.IPv6Unspecified()
	sshd := agentwire.Socket{Protocol: agentwire.TCP, Port: 22, Process: "sshd", Executable: "/usr/sbin/sshd"}
	v4, v6 := sshd, sshd
	v4.Address, v6.Address = any4, any6
	want := []agentwire.Socket{
		v4, v6,
		{Protocol: agentwire.TCP, Port: 8080, Address: netip.MustParseAddr("127.0.0.1"), Process: "web?", Executable: "/app/web", Replaced: true, Contained: true},
		{Protocol: agentwire.UDP, Port: 53, Address: netip.MustParseAddr("127.0.0.53")},
	}
	if !slices.Equal(e.Sockets, want) || len(notes) != 0 {
		t.Fatalf("sockets\n%v\nwant\n%v\nnotes %q", e.Sockets, want, notes)
	}
	same, err := Read(root)
	if err != nil || !same.Same(table) {
		t.Fatalf("the same tables differ: %v", err)
	}
	write(t, filepath.Join(root, "proc/net/tcp"), head)
	if other, err := Read(root); err != nil || other.Same(table) {
		t.Fatalf("other tables are the same: %v", err)
	}
}

func TestNoTables(t *testing.T) {
	if _, err := Read(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

// TestThisMachine listens itself and must find itself.
func TestThisMachine(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	table, err := Read("/")
	if err != nil {
		t.Skipf("no tables of sockets here: %v", err)
	}
	list, _ := table.Holders("/")
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.Port == port && s.Protocol == agentwire.TCP {
			if s.Executable != self || s.Address != netip.MustParseAddr("127.0.0.1") || s.Contained || s.Replaced {
				t.Fatalf("found %+v, the program is %s", s, self)
			}
			return
		}
	}
	t.Fatalf("port %d is not among %v", port, list)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(line("00000000:0016", "00000000:0000", "0A", 101)))
	f.Add([]byte(line("00000000000000000000000001000000:0016", "00000000000000000000000000000000:0000", "0A", 101)))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, _, ok := parse(text, agentwire.TCP)
		if ok && (!s.Address.IsValid() || s.Port == 0) {
			t.Fatalf("%q gives %+v", text, s)
		}
	})
}
