package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"muster/internal/agentwire"
)

const socketTable = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

// listen gives the machine one process that listens on the ports.
func (m machine) listen(t *testing.T, ports ...int) {
	t.Helper()
	table := socketTable
	fds := filepath.Join(m.root, "proc/42/fd")
	if err := os.RemoveAll(fds); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(fds, 0o755); err != nil {
		t.Fatal(err)
	}
	for n, port := range ports {
		inode := 1000 + port
		table += fmt.Sprintf(" %d: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 %d\n", n, port, inode)
		if err := os.Symlink(fmt.Sprintf("socket:[%d]", inode), filepath.Join(fds, fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
	}
	m.write(t, "proc/net/tcp", table)
	m.write(t, "proc/42/comm", "nginx\n")
	m.write(t, "proc/stat", "cpu 1 2 3\nbtime 1767225600\n")
	for name, target := range map[string]string{"exe": "/usr/sbin/nginx", "root": m.root} {
		link := filepath.Join(m.root, "proc/42", name)
		if err := os.Symlink(target, link); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
}

// next is the next report that carries evidence.
func testimony(t *testing.T, s *testServer) *agentwire.Evidence {
	t.Helper()
	for {
		if r := <-s.reports; r.Evidence != nil {
			return r.Evidence
		}
	}
}

func TestSocketsAreReportedWithTheirPackages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer()
		s.wantEvidence = true
		m := newMachine(t)
		m.write(t, "usr/sbin/nginx", "x")
		m.write(t, "var/lib/dpkg/info/nginx-core.list", "/.\n/usr\n/usr/sbin\n/usr/sbin/nginx\n")
		m.listen(t, 80)
		m.enroll(t, s)
		a := m.agent(t, s)
		a.watch = func() (watcher, error) { return noWatcher{}, nil }
		stop := start(t, a)
		first := testimony(t, s)
		if len(first.Sockets) != 1 || first.Sockets[0].Package != "nginx-core" || first.Sockets[0].Port != 80 || first.Sockets[0].Process != "nginx" {
			t.Fatalf("first evidence %+v", first)
		}
		if want := time.Unix(1767225600, 0).UTC(); !first.BootedAt.Equal(want) || first.Kernel == "" {
			t.Fatalf("kernel %q booted at %v", first.Kernel, first.BootedAt)
		}
		m.listen(t, 80, 443)
		began := time.Now()
		if second := testimony(t, s); len(second.Sockets) != 2 || second.Sockets[1].Port != 443 {
			t.Fatalf("second evidence %+v", second)
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("a new socket was reported after %v", took)
		}
		before := s.requests
		time.Sleep(10 * time.Minute)
		if s.requests != before {
			t.Errorf("%d requests although nothing changed", s.requests-before)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
