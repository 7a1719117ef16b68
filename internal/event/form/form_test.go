package form_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"muster/internal/event/form"
	"muster/internal/finding"
	"muster/internal/finding/eventform"
	"muster/internal/finding/findingtest"
	"muster/internal/store"

	"pgregory.net/rapid"
)

var rewrite = flag.Bool("update", false, "write the expected texts anew")

func event(t interface{ Fatal(...any) }, f *finding.Finding) *store.Event {
	body, err := json.Marshal(eventform.Of(f))
	if err != nil {
		t.Fatal(err)
	}
	return &store.Event{
		ID: "00065a1b2c3d4e5f0123456789abcdef", Account: string(f.Account), Region: string(f.Region), Source: "aws.inspector2",
		DetailType: eventform.FindingType, Resources: []string{f.Resource.ID}, Detail: body, Time: f.UpdatedAt,
	}
}

func example() *finding.Finding {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := finding.Resource{
		Type: finding.Instance, ID: "i-0123456789abcdef0", Tags: map[string]string{"Name": "web"},
		Instance: &finding.InstanceDetails{Type: "t3.small", ImageID: "ami-1", IPv4: []string{"10.0.0.5"}, VPC: "vpc-1", Subnet: "subnet-1", Platform: "DEBIAN_12"},
	}
	c := finding.Content{
		Type: finding.PackageVulnerability, Title: "CVE-2026-1001 - openssl", Description: "An overflow.", Severity: finding.High,
		Recommendation: finding.Recommendation{Text: "None Provided"}, Fix: finding.Yes, Exploit: finding.Yes, LastExploitAt: at.Add(-48 * time.Hour),
		Score: &finding.Score{Value: 7.5, Source: "NVD", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Version: "3.1"},
		Package: &finding.PackageDetails{
			VulnerabilityID: "CVE-2026-1001", Source: "DEBIAN_CVE", SourceURL: "https://security-tracker.debian.org/tracker/CVE-2026-1001", VendorSeverity: "medium",
			VendorCreatedAt: at.Add(-240 * time.Hour), Related: []string{"DSA-1"}, ReferenceURLs: []string{"https://example.com/1"},
			CVSS:     []finding.CVSS{{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", BaseScore: 7.5, Source: "NVD"}},
			Packages: []finding.Package{{Name: "openssl", Version: "3.0.1", Release: "1", Arch: "X86_64", Manager: "OS", FixedIn: "0:3.0.2-1", Remediation: "apt-get update && apt-get upgrade"}},
		},
	}
	epss := 0.0432
	return &finding.Finding{
		ARN: finding.ARN("111122223333", "us-east-1", finding.ID("111122223333", "us-east-1", r.ID, &c)), Account: "111122223333", Region: "us-east-1",
		Resource: r, Content: c, EPSS: &epss, Life: finding.Life{Status: finding.Active, FirstObservedAt: at, LastObservedAt: at, UpdatedAt: at},
	}
}

func TestForms(t *testing.T) {
	for _, f := range []form.Format{form.EventBridge, form.ASFF, form.OCSF} {
		body, err := form.Render(f, event(t, example()))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := json.Indent(&got, body, "", " "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		name := filepath.Join("testdata", string(f)+".json")
		if *rewrite {
			if err := os.WriteFile(name, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s:\n%s", f, got.Bytes())
		}
	}
}

// TestStates: what a finding's life means in each form.
func TestStates(t *testing.T) {
	for name, tc := range map[string]struct {
		change                 func(f *finding.Finding)
		record                 string
		activity, status, rank int
	}{
		"opened":     {func(*finding.Finding) {}, "ACTIVE", 1, 1, 4},
		"changed":    {func(f *finding.Finding) { f.UpdatedAt = f.UpdatedAt.Add(time.Hour) }, "ACTIVE", 2, 1, 4},
		"suppressed": {func(f *finding.Finding) { f.Status, f.UpdatedAt = finding.Suppressed, f.UpdatedAt.Add(time.Hour) }, "ARCHIVED", 2, 3, 4},
		"closed":     {func(f *finding.Finding) { f.Status = finding.Closed }, "ARCHIVED", 3, 4, 4},
		"unrated":    {func(f *finding.Finding) { f.Severity = finding.Untriaged }, "ACTIVE", 1, 1, 0},
	} {
		f := example()
		tc.change(f)
		var hub struct{ RecordState string }
		var schema struct {
			Activity int `json:"activity_id"`
			Status   int `json:"status_id"`
			Severity int `json:"severity_id"`
			Type     int `json:"type_uid"`
		}
		for format, into := range map[form.Format]any{form.ASFF: &hub, form.OCSF: &schema} {
			body, err := form.Render(format, event(t, f))
			if err == nil {
				err = json.Unmarshal(body, into)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if hub.RecordState != tc.record || schema.Activity != tc.activity || schema.Status != tc.status || schema.Severity != tc.rank || schema.Type != 200200+tc.activity {
			t.Errorf("%s: %+v, %+v", name, hub, schema)
		}
	}
}

// TestEveryFindingHasItsForms: whatever a finding is, it can be told of in the
// forms that have words for it.
func TestEveryFindingHasItsForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := findingtest.Finding(t, findingtest.Accounts()[0], findingtest.Resource(t, 1), 1)
		e := event(t, &f)
		if form.Tells(form.ASFF, e) != (f.Code == nil && f.Resource.Type != finding.CodeRepository) || !form.Tells(form.OCSF, e) || !form.Tells(form.EventBridge, e) {
			t.Errorf("a %s is told wrongly", f.Type)
		}
		for _, format := range []form.Format{form.EventBridge, form.ASFF, form.OCSF} {
			body, err := form.Render(format, e)
			if err != nil || !json.Valid(body) {
				t.Errorf("%s: %v", format, err)
			}
		}
		e.DetailType = "Inspector2 Scan"
		if form.Tells(form.ASFF, e) || form.Tells(form.OCSF, e) {
			t.Error("a scan is no finding")
		}
	})
}
