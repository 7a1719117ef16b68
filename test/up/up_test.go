// Package up runs `muster up` as a newcomer does, on this machine, and checks
// what it shows against an independent calculation.
package up

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"muster/internal/testshared"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
)

// session is a running `muster up`.
type session struct {
	cmd    *exec.Cmd
	out    strings.Builder
	mu     sync.Mutex
	lines  chan string
	exited chan error
}

// limit bounds how long the first findings may take to appear.
const limit = 5 * time.Minute

func TestUpShowsThisMachineAndContinues(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the whole program: make test runs it")
	}
	feeds := filepath.Join(testshared.Dir(t), "advisories")
	bin := build(t)
	data := filepath.Join(t.TempDir(), "data")
	address := freeAddress(t)

	first := start(t, bin, "up", "--data", data, "--listen", address, "--feeds", feeds)
	first.await(t, "Profiles: audit, management, workload-1, workload-2")
	want := debianVulnerabilities(t, feeds)
	got := debianFindings(t, data, address)
	compare(t, want, got)
	first.stop(t)

	second := start(t, bin, "up", "--data", data, "--listen", address, "--feeds", feeds)
	second.await(t, "Profiles: audit, management, workload-1, workload-2")
	compare(t, got, debianFindings(t, data, address))
	for _, again := range []string{"creating the account", "enrolling"} {
		if strings.Contains(second.text(), again) {
			t.Errorf("the second start is %s again:\n%s", again, second.text())
		}
	}
	second.stop(t)
}

func TestUpWithoutAdvisoriesSaysSoAndWaitsForThem(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the whole program: make test runs it")
	}
	feeds := filepath.Join(testshared.Dir(t), "advisories", "small")
	bin, data := build(t), filepath.Join(t.TempDir(), "data")
	s := start(t, bin, "up", "--data", data, "--listen", freeAddress(t), "--feeds", filepath.Join(t.TempDir(), "none"))
	s.await(t, "--feeds DIR-or-URL")
	s.await(t, "waiting for advisories")
	if out, err := exec.Command(bin, "feeds", "sync", "--data", data, "--from", feeds).CombinedOutput(); err != nil {
		t.Fatalf("feeds sync beside the running server: %v: %s", err, out)
	}
	s.await(t, "vulnerabilities on this machine")
	s.stop(t)
}

// build makes both programs in one folder, as `make build` does.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", dir+"/", "muster/cmd/muster", "muster/cmd/muster-agent").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	return filepath.Join(dir, "muster")
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func start(t *testing.T, bin string, args ...string) *session {
	t.Helper()
	s := &session{cmd: exec.Command(bin, args...), lines: make(chan string, 1024), exited: make(chan error, 1)}
	r, w := io.Pipe()
	s.cmd.Stdout, s.cmd.Stderr = w, w
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			s.mu.Lock()
			fmt.Fprintln(&s.out, lines.Text())
			s.mu.Unlock()
			s.lines <- lines.Text()
		}
	}()
	go func() { err := s.cmd.Wait(); w.Close(); s.exited <- err }()
	t.Cleanup(func() { _ = s.cmd.Process.Kill() }) // it may have ended
	return s
}

func (s *session) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

func (s *session) await(t *testing.T, want string) {
	t.Helper()
	timeout := time.After(limit)
	for {
		select {
		case line := <-s.lines:
			if strings.Contains(line, want) {
				return
			}
		case err := <-s.exited:
			t.Fatalf("ended before %q: %v\n%s", want, err, s.text())
		case <-timeout:
			t.Fatalf("no %q within %v:\n%s", want, limit, s.text())
		}
	}
}

func (s *session) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-s.exited:
		if err != nil {
			t.Errorf("it did not end cleanly: %v\n%s", err, s.text())
		}
	case <-time.After(time.Minute):
		t.Fatalf("it does not end:\n%s", s.text())
	}
}

// debianFindings asks as the delegated administrator, with the files that `up`
// wrote, and returns "CVE package" pairs of operating-system packages.
func debianFindings(t *testing.T, data, address string) map[string]bool {
	t.Helper()
	cfg := profile(t, data, "audit")
	if cfg.BaseEndpoint == nil || *cfg.BaseEndpoint != "http://"+address {
		t.Errorf("the written profile points at %v", aws.ToString(cfg.BaseEndpoint))
	}
	pairs := map[string]bool{}
	pages := inspector2.NewListFindingsPaginator(inspector2.NewFromConfig(cfg), &inspector2.ListFindingsInput{
		FilterCriteria: &types.FilterCriteria{FindingStatus: []types.StringFilter{{Comparison: types.StringComparisonEquals, Value: aws.String("ACTIVE")}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Findings {
			for _, p := range f.PackageVulnerabilityDetails.VulnerablePackages {
				if p.PackageManager == types.PackageManagerOs {
					pairs[aws.ToString(f.PackageVulnerabilityDetails.VulnerabilityId)+" "+aws.ToString(p.Name)] = true
				}
			}
		}
	}
	return pairs
}

func compare(t *testing.T, want, got map[string]bool) {
	t.Helper()
	for pair := range want {
		if !got[pair] {
			t.Errorf("missing: %s", pair)
		}
	}
	for pair := range got {
		if !want[pair] {
			t.Errorf("accused wrongly: %s", pair)
		}
	}
	t.Logf("%d pairs of vulnerability and package", len(want))
}

// skipUnlessDebian skips where the oracle cannot be asked.
func skipUnlessDebian(t *testing.T) {
	t.Helper()
	release, err := os.ReadFile("/etc/os-release")
	if err != nil || !strings.Contains(string(release), "ID=debian") {
		testshared.Missing(t, "the oracle asks dpkg about a Debian machine")
	}
}
