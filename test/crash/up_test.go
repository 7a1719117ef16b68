package crash

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"muster/internal/testshared"
	"muster/internal/up"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	// folders is how many first starts are killed, deaths how often each; the
	// first one more often, within its first moments, where most is created.
	folders, deaths, earlyDeaths = 4, 3, 10
	// reported is the last line of the report.
	reported = "Profiles: audit, management, workload-1, workload-2"
	// reportLimit is how long a start may take to the report.
	reportLimit = 2 * time.Minute
)

// session is a running `muster up`.
type session struct {
	cmd   *exec.Cmd
	lines chan string // closed when the output ends
	mu    sync.Mutex  // guards text
	text  bytes.Buffer
}

func startUp(t *testing.T, data, address, feeds string) *session {
	t.Helper()
	s := &session{cmd: exec.Command(muster(t), "up", "--data", data, "--listen", address, "--feeds", feeds), lines: make(chan string, 4096)}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = w, w
	dieWithTest(s.cmd)
	err = s.cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	go s.read(r)
	t.Cleanup(s.kill)
	return s
}

func (s *session) read(r io.ReadCloser) {
	defer close(s.lines)
	defer r.Close()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		s.mu.Lock()
		fmt.Fprintln(&s.text, lines.Text())
		s.mu.Unlock()
		s.lines <- lines.Text()
	}
}

func (s *session) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// kill ends it without warning.
func (s *session) kill() {
	_ = s.cmd.Process.Kill() // it may be gone already
	_ = s.cmd.Wait()
}

// await returns when a line contains the text; false when the output ends
// before it, or the limit is over.
func (s *session) await(text string, limit time.Duration) bool {
	over := time.After(limit)
	for {
		select {
		case line, ok := <-s.lines:
			if !ok || strings.Contains(line, text) {
				return ok
			}
		case <-over:
			return false
		}
	}
}

// dieEarly kills it soon after it has begun to create things.
func (s *session) dieEarly(rnd *rand.Rand) (when string) {
	return s.die(1, time.Duration(rnd.IntN(40))*time.Millisecond)
}

// dieAtRandom kills it a little after one of its first lines, or at any time.
func (s *session) dieAtRandom(rnd *rand.Rand) (when string) {
	if rnd.IntN(2) == 0 {
		return s.die(0, time.Duration(rnd.IntN(2000))*time.Millisecond)
	}
	return s.die(1+rnd.IntN(40), time.Duration(rnd.IntN(60))*time.Millisecond)
}

// die kills it some time after a number of lines.
func (s *session) die(lines int, after time.Duration) (when string) {
	over := time.After(5 * time.Second)
	seen := 0
	for seen < lines {
		select {
		case _, ok := <-s.lines:
			if !ok {
				s.kill()
				return "by itself"
			}
			seen++
		case <-over:
			lines = seen
		}
	}
	<-time.After(after)
	s.kill()
	return fmt.Sprintf("%v after line %d", after, seen)
}

// TestKilledFirstStartsContinue kills `muster up` at any moment of its first
// start, several times each. Started again it always reaches the report, with
// what an undisturbed start shows and nothing twice.
func TestKilledFirstStartsContinue(t *testing.T) {
	feeds := filepath.Join(testshared.Dir(t), "advisories", "small")
	muster(t)
	t.Parallel()
	want := undisturbed(t, feeds)
	rnd := random(t)
	for folder := range folders {
		data, address := filepath.Join(t.TempDir(), "data"), freeAddress(t)
		var died []string
		times, die := deaths, (*session).dieAtRandom
		if folder == 0 {
			times, die = earlyDeaths, (*session).dieEarly
		}
		for range times {
			s := startUp(t, data, address, feeds)
			died = append(died, die(s, rnd))
			if strings.Contains(s.output(), "muster: ") {
				t.Errorf("folder %d, killed %v: it gave up by itself:\n%s", folder, died, s.output())
			}
			noAgents(t, data)
		}
		t.Logf("folder %d killed %s", folder, strings.Join(died, ", "))
		begun := time.Now()
		s := startUp(t, data, address, feeds)
		if !s.await(reported, reportLimit) {
			t.Fatalf("folder %d, killed %v: no report:\n%s%s", folder, died, s.output(), logOf(data))
		}
		t.Logf("folder %d reported after %v", folder, time.Since(begun))
		if got := demonstration(t, data); !maps.Equal(got, want) {
			t.Errorf("folder %d, killed %v:\ngot  %v\nwant %v", folder, died, got, want)
		}
		s.kill()
		noAgents(t, data)
	}
}

// undisturbed is what an undisturbed first start leads to. While it runs, a
// second one on the same folder and one on the same address are refused in
// words and harm nothing.
func undisturbed(t *testing.T, feeds string) map[string]string {
	t.Helper()
	data, address := filepath.Join(t.TempDir(), "data"), freeAddress(t)
	s := startUp(t, data, address, feeds)
	if !s.await(reported, reportLimit) {
		t.Fatalf("no report:\n%s%s", s.output(), logOf(data))
	}
	before := demonstration(t, data)
	refusedUp(t, startUp(t, data, freeAddress(t), feeds), "muster.db is in use by another muster server")
	refusedUp(t, startUp(t, filepath.Join(t.TempDir(), "other"), address, feeds), "another program listens at "+address)
	if after := demonstration(t, data); !maps.Equal(before, after) {
		t.Errorf("the refused starts changed something:\nbefore %v\nafter  %v", before, after)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("it did not end cleanly: %v\n%s", err, s.output())
	}
	noAgents(t, data)
	return before
}

func refusedUp(t *testing.T, s *session, why string) {
	t.Helper()
	if !s.await(why, 20*time.Second) {
		t.Errorf("the start was not refused because %q:\n%s", why, s.output())
		return
	}
	var exit *exec.ExitError
	if err := s.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("a refused start ended with %v", err)
	}
}

func logOf(data string) string {
	body, _ := os.ReadFile(filepath.Join(data, "muster.log"))
	return string(body)
}

// demonstration describes what `muster up` has made, as its profiles see it.
func demonstration(t *testing.T, data string) map[string]string {
	t.Helper()
	seen := map[string]string{}
	ids := map[string]string{}
	for _, profile := range []string{"management", "audit", "workload-1", "workload-2"} {
		cfg := profileConfig(t, data, profile)
		who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatalf("profile %s: %v", profile, err)
		}
		if other := ids[*who.Account]; other != "" {
			t.Errorf("profiles %s and %s are one account", profile, other)
		}
		ids[*who.Account] = profile
		seen[profile] = administratorOf(t, cfg)
		var hosts struct{ Hosts []struct{} }
		if err := (&clients{config: cfg}).muster(t.Context(), "ListHosts", map[string]any{}, &hosts); err != nil {
			t.Fatal(err)
		}
		seen[profile] += fmt.Sprintf(", %d hosts", len(hosts.Hosts))
	}
	seen["accounts"] = accountsOf(t, profileConfig(t, data, "management"))
	seen["coverage"], seen["findings"] = whatIsFound(t, profileConfig(t, data, "audit"), ids)
	return seen
}

func profileConfig(t *testing.T, data, profile string) aws.Config {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithSharedConfigProfile(profile),
		config.WithSharedConfigFiles([]string{filepath.Join(data, "aws", "config")}),
		config.WithSharedCredentialsFiles([]string{filepath.Join(data, "aws", "credentials")}))
	if err != nil {
		t.Fatal(err)
	}
	cfg.HTTPClient = up.HTTPClient()
	return cfg
}

// administratorOf describes the users of an account and their keys, and
// whether its root user has any.
func administratorOf(t *testing.T, cfg aws.Config) string {
	t.Helper()
	c := iam.NewFromConfig(cfg)
	users, err := c.ListUsers(t.Context(), &iam.ListUsersInput{})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := c.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{})
	if err != nil {
		t.Fatal(err)
	}
	summary, err := c.GetAccountSummary(t.Context(), &iam.GetAccountSummaryInput{})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d users, %d keys, %d root keys", len(users.Users), len(keys.AccessKeyMetadata), summary.SummaryMap["AccountAccessKeysPresent"])
}

func accountsOf(t *testing.T, cfg aws.Config) string {
	t.Helper()
	out, err := organizations.NewFromConfig(cfg).ListAccounts(t.Context(), &organizations.ListAccountsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range out.Accounts {
		names = append(names, *a.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// whatIsFound describes what is covered and what is found, by profile.
func whatIsFound(t *testing.T, cfg aws.Config, profiles map[string]string) (coverage, found string) {
	t.Helper()
	c := inspector2.NewFromConfig(cfg)
	covered, err := c.ListCoverage(t.Context(), &inspector2.ListCoverageInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range covered.CoveredResources {
		coverage += fmt.Sprintln(profiles[*r.AccountId], r.ResourceType, r.ScanStatus.StatusCode, r.ScanStatus.Reason)
	}
	var list []string
	for pages := inspector2.NewListFindingsPaginator(c, &inspector2.ListFindingsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Findings {
			list = append(list, describe(f, profiles))
		}
	}
	slices.Sort(list)
	return coverage, strings.Join(list, "\n")
}

func describe(f types.Finding, profiles map[string]string) string {
	text := fmt.Sprint(profiles[*f.AwsAccountId], " ", f.Status, " ", f.Severity, " ", aws.ToString(f.PackageVulnerabilityDetails.VulnerabilityId))
	for _, p := range f.PackageVulnerabilityDetails.VulnerablePackages {
		text += " " + aws.ToString(p.Name) + "=" + aws.ToString(p.Version)
	}
	return text
}

// noAgents waits until no agent works on the folder: one that outlived its
// parent would hold the state against the next.
func noAgents(t *testing.T, data string) {
	t.Helper()
	eventually(t, 5*time.Second, func() error {
		processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, p := range processes {
			line, err := os.ReadFile(p)
			if err == nil && bytes.Contains(line, []byte("muster-agent")) && bytes.Contains(line, []byte(data)) {
				return fmt.Errorf("an agent is still there: %q", line)
			}
		}
		return err
	})
}
