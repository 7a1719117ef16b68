package agent

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/up"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
)

// account is one that scans instances: its keys for commands, and its client.
type account struct {
	t         testing.TB
	server    *server
	keys      []string
	inspector *inspector2.Client
	// id is the account's, and organizations its other client.
	id            string
	organizations *organizations.Client
}

func (s *server) account() *account { return s.accountNamed("web") }

func (s *server) accountNamed(name string) *account {
	s.t.Helper()
	field := map[string]string{}
	for line := range strings.Lines(s.muster(nil, "admin", "create-account", "--name", name, "--email", name+"@example.com")) {
		if f := strings.Fields(line); len(f) == 2 {
			field[f[0]] = f[1]
		}
	}
	id, secret := field["aws_access_key_id"], field["aws_secret_access_key"]
	config := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(s.url()), HTTPClient: up.HTTPClient(),
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	}
	a := &account{t: s.t, server: s, keys: []string{
		"AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL=" + s.url(),
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}, inspector: inspector2.NewFromConfig(config), organizations: organizations.NewFromConfig(config)}
	out, err := a.inspector.Enable(s.t.Context(), &inspector2.EnableInput{ResourceTypes: []types.ResourceScanType{types.ResourceScanTypeEc2}})
	if err != nil {
		s.t.Fatal(err)
	}
	a.id = *out.Accounts[0].AccountId
	return a
}

// agents runs `muster agents …` and reads what it prints.
func (a *account) agents(into any, args ...string) {
	a.t.Helper()
	out := a.server.muster(a.keys, append([]string{"agents"}, args...)...)
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		a.t.Fatalf("muster agents %v: %v: %s", args, err, out)
	}
}

// code makes an activation.
func (a *account) code(flags ...string) string {
	a.t.Helper()
	var out struct{ ActivationCode string }
	a.agents(&out, append([]string{"activation", "create"}, flags...)...)
	return out.ActivationCode
}

// host is what `muster agents show` says.
type host struct {
	HostID, KeyFingerprint, Status, AgentVersion, Label string
	RotationDemanded                                    bool
	Tags                                                map[string]string
}

func (a *account) host(id string) host {
	a.t.Helper()
	var out struct{ Host host }
	a.agents(&out, "show", id)
	return out.Host
}

// finding returns the one finding of a host; its ARN is "" while there is none.
func (a *account) finding(id string) (found types.Finding, err error) {
	out, err := a.inspector.ListFindings(a.t.Context(), &inspector2.ListFindingsInput{FilterCriteria: &types.FilterCriteria{
		ResourceId: []types.StringFilter{{Comparison: types.StringComparisonEquals, Value: aws.String(id)}},
	}})
	if err != nil || len(out.Findings) == 0 {
		return found, err
	}
	if len(out.Findings) > 1 {
		return found, fmt.Errorf("%d findings, want one", len(out.Findings))
	}
	return out.Findings[0], nil
}

// awaitStatus waits until a host's finding has a status, and returns its ARN.
func (a *account) awaitStatus(id string, want types.FindingStatus) string {
	a.t.Helper()
	var f types.Finding
	took := eventually(a.t, "a finding that is "+string(want), func() (err error) {
		if f, err = a.finding(id); err == nil && f.Status != want {
			err = fmt.Errorf("it is %q", f.Status)
		}
		return err
	})
	a.t.Logf("the finding is %s after %.1f s", want, took.Seconds())
	return aws.ToString(f.FindingArn)
}

// awaitCoverage waits until an instance is covered so, as "CODE REASON", or not
// at all.
func (a *account) awaitCoverage(id string, want ...string) {
	a.t.Helper()
	eventually(a.t, fmt.Sprintf("coverage %q", want), func() error {
		out, err := a.inspector.ListCoverage(a.t.Context(), &inspector2.ListCoverageInput{FilterCriteria: &types.CoverageFilterCriteria{
			ResourceId: []types.CoverageStringFilter{{Comparison: types.CoverageStringComparisonEquals, Value: aws.String(id)}},
		}})
		if err != nil {
			return err
		}
		var got []string
		for _, r := range out.CoveredResources {
			got = append(got, string(r.ScanStatus.StatusCode)+" "+string(r.ScanStatus.Reason))
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("it is covered as %q", got)
		}
		return nil
	})
}

// advisories imports one: libfoo is repaired in 1.0-2.
func (s *server) advisories() { s.publish(map[string][]string{"Debian": {"Debian:12 libfoo 1.0-2"}}) }

// publish imports advisories, by OSV's folder: "ECOSYSTEM PACKAGE FIXED".
func (s *server) publish(advisories map[string][]string) {
	s.t.Helper()
	dir := s.t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "osv"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for folder, list := range advisories {
		f, err := os.Create(filepath.Join(dir, "osv", folder+".zip"))
		if err != nil {
			s.t.Fatal(err)
		}
		z := zip.NewWriter(f)
		for _, text := range list {
			n++
			w := strings.Fields(text)
			id := fmt.Sprintf("%s-CVE-2026-%04d", strings.ToUpper(folder), n)
			file, err := z.Create(id + ".json")
			if err == nil {
				_, err = fmt.Fprintf(file, `{"id":%q,"modified":"2026-01-01T00:00:00Z","upstream":["CVE-2026-%04d"],"affected":[{"package":
					{"ecosystem":%q,"name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, id, n, w[0], w[1], w[2])
			}
			if err != nil {
				s.t.Fatal(err)
			}
		}
		if err := errors.Join(z.Close(), f.Close()); err != nil {
			s.t.Fatal(err)
		}
	}
	s.muster(nil, "feeds", "sync", "--from", dir)
}
