package exports_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsapi/wire"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/bucket"
	"muster/internal/finding"
	"muster/internal/inspector/exports"
	"muster/internal/inventory"
	"muster/internal/pagetoken"
	"muster/internal/sbom"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

const (
	account = "111122223333"
	region  = "us-east-1"
	key     = "arn:aws:kms:us-east-1:111122223333:key/1234"
)

// world is a store with findings, an object store and the desk.
type world struct {
	t     *testing.T
	store *store.Store
	desk  *exports.Service
	s3    *s3mem.Backend
	now   time.Time
}

// newWorld makes one; without a bucket the exports go to the folder.
func newWorld(t *testing.T, st *store.Store, withBucket bool) *world {
	t.Helper()
	w := &world{t: t, store: st, s3: s3mem.New(), now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	pages, err := pagetoken.New(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	model := inspector2.Handlers{}.Service().Model
	codec := wire.New(model, wire.DefaultLimits())
	shape := -1
	for i := range model.Shapes {
		if model.Shapes[i].Name == "Finding" {
			shape = i
		}
	}
	c := exports.Config{
		Store: st, Pages: pages, Folder: t.TempDir(), Version: "1", Now: func() time.Time { return w.now },
		Allowed: map[arn.AccountID][]string{"*": {"reports", "absent"}, "999988887777": {"others"}},
		Encode:  func(dst []byte, f *inspector2.Finding) ([]byte, error) { return codec.AppendJSON(dst, shape, f) },
	}
	if withBucket {
		server := httptest.NewServer(gofakes3.New(w.s3).Server())
		t.Cleanup(server.Close)
		for _, name := range []string{"reports", "others"} {
			if err := w.s3.CreateBucket(name); err != nil {
				t.Fatal(err)
			}
		}
		c.Bucket = bucket.New(bucket.Config{Endpoint: server.URL, Region: region, AccessKey: "a", SecretKey: "b"})
	}
	w.desk = exports.New(c)
	return w
}

func (w *world) call() *awsmodel.Call {
	return &awsmodel.Call{Principal: arn.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":user/a"}, Region: region, Time: w.now}
}

// fill stores a host with an inventory and n findings, each of its own title.
func (w *world) fill(n int) {
	w.t.Helper()
	err := w.store.Update(w.t.Context(), func(tx *store.Tx) error {
		r, err := host(w.t.Context(), tx, w.now)
		if err != nil {
			return err
		}
		var writes []findings.Write
		for i := range n {
			writes = append(writes, findings.Write{Resource: r.Number, Change: finding.Change{Kind: finding.Opened, After: problem(&r, i, w.now)}})
		}
		return findings.Apply(w.t.Context(), tx, writes)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func host(ctx context.Context, tx *store.Tx, now time.Time) (catalog.Resource, error) {
	inv := inventory.Inventory{OS: inventory.OS{ID: "debian", VersionID: "12", Ecosystem: "Debian:12", Platform: "DEBIAN_12", Arch: "amd64"}}
	inv.Items = []inventory.Item{{Component: inventory.Component{Ecosystem: "Debian:12", Name: "openssl", Version: "3.0.1-1", Arch: "amd64", Source: "openssl", SourceVersion: "3.0.1-1", Manager: inventory.ManagerOS}}}
	details := finding.Resource{Type: finding.Instance, ID: "i-1/x", Tags: map[string]string{"Name": "=web"}, Instance: &finding.InstanceDetails{ImageID: "ami-1", IPv4: []string{"10.0.0.5", "93.184.216.34"}, Platform: "DEBIAN_12"}}
	r, err := catalog.PutResource(ctx, tx, account, region, details, now)
	if err != nil {
		return r, err
	}
	id, err := catalog.PutInventory(ctx, tx, &inv, inv.Hash(), now)
	if err == nil {
		err = catalog.SetInventory(ctx, tx, &r, id, inv.Hash(), now, now)
	}
	if err == nil {
		err = catalog.SetCoverage(ctx, tx, &r, catalog.Coverage{Covered: true, ScanType: "PACKAGE", ScanMode: "EC2_SSM_AGENT_BASED", Status: "ACTIVE", Reason: "SUCCESSFUL", ScannedAt: now}, now)
	}
	return r, err
}

func problem(r *catalog.Resource, n int, now time.Time) finding.Finding {
	c := finding.Content{
		Type: finding.PackageVulnerability, Title: fmt.Sprintf("CVE-2026-%04d - openssl", n), Description: "Says \"quote\",\nand more.", Severity: finding.High, Fix: finding.Yes,
		Package: &finding.PackageDetails{
			VulnerabilityID: fmt.Sprintf("CVE-2026-%04d", n), Source: "DEBIAN_CVE", SourceURL: "https://example.com/1",
			CVSS:     []finding.CVSS{{Version: "3.1", Vector: "CVSS:3.1/AV:N", BaseScore: 7.5, Source: "NVD"}, {Version: "2.0", Vector: "AV:N", BaseScore: 5, Source: "DEBIAN"}},
			Packages: []finding.Package{{Name: "openssl", Version: "3.0.1", Release: "1", Arch: "X86_64", Manager: "OS", FixedIn: "0:3.0.2-1"}},
		},
	}
	f := finding.Finding{Account: account, Region: region, Resource: r.Resource, Content: c,
		Life: finding.Life{Status: finding.Active, FirstObservedAt: now.Add(-50 * time.Hour), LastObservedAt: now, UpdatedAt: now}}
	f.ARN = finding.ARN(account, region, finding.ID(account, region, r.ID, &c))
	if n%5 == 4 {
		f.Status = finding.Suppressed
	}
	return f
}

// work runs the jobs of exports that are due.
func (w *world) work() {
	w.t.Helper()
	jobs, err := w.store.Claim(w.t.Context(), exports.JobRun, 10, time.Minute)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, j := range jobs {
		for range 2 { // a job may run twice
			if err := w.desk.Jobs()[exports.JobRun](w.t.Context(), j); err != nil {
				w.t.Fatal(err)
			}
		}
		if err := w.store.Complete(w.t.Context(), j); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) report(format, bucket string, criteria *inspector2.FilterCriteria) (string, error) {
	out, err := w.desk.CreateFindingsReport(w.t.Context(), w.call(), &inspector2.CreateFindingsReportInput{
		ReportFormat: inspector2.ReportFormat(format), FilterCriteria: criteria,
		S3Destination: &inspector2.Destination{BucketName: bucket, KeyPrefix: new("a/"), KmsKeyArn: key},
	})
	if err != nil {
		return "", err
	}
	return *out.ReportId, nil
}

func (w *world) status(id string) *inspector2.GetFindingsReportStatusOutput {
	w.t.Helper()
	out, err := w.desk.GetFindingsReportStatus(w.t.Context(), w.call(), &inspector2.GetFindingsReportStatusInput{ReportId: &id})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) object(key string) []byte {
	w.t.Helper()
	o, err := w.s3.GetObject("reports", key, nil)
	if err != nil {
		w.t.Fatalf("%s: %v", key, err)
	}
	body, err := io.ReadAll(o.Contents)
	if err != nil {
		w.t.Fatal(err)
	}
	return body
}

func TestFindingsReports(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, true)
		if id, err := w.report("CSV", "reports", nil); err != nil {
			t.Fatal(err)
		} else if w.work(); w.status(id).ErrorCode != inspector2.ReportingErrorCodeNoFindingsFound {
			t.Errorf("without findings: %+v", w.status(id))
		}
		w.fill(700)
		id, err := w.report("JSON", "reports", nil)
		if err != nil {
			t.Fatal(err)
		}
		refused := &inspector2.ValidationException{}
		if _, err := w.report("CSV", "reports", nil); !errors.As(err, &refused) || !strings.Contains(refused.Message, "Cannot have multiple reports in-progress") {
			t.Errorf("a second report: %v", err)
		}
		running, err := w.desk.GetFindingsReportStatus(t.Context(), w.call(), &inspector2.GetFindingsReportStatusInput{})
		if err != nil || *running.ReportId != id || running.Status != inspector2.ExternalReportStatusInProgress {
			t.Errorf("the one in progress: %+v, %v", running, err)
		}
		w.work()
		done := w.status(id)
		if done.Status != inspector2.ExternalReportStatusSucceeded || done.Destination.BucketName != "reports" || len(done.FilterCriteria.FindingStatus) != 1 {
			t.Errorf("done: %+v", done)
		}
		var got struct {
			Findings []struct {
				FindingArn, Status, Title string
				FirstObservedAt           float64
			}
		}
		if err := json.Unmarshal(w.object("a/"+id+".json"), &got); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, f := range got.Findings {
			seen[f.FindingArn] = true
			if f.Status != "ACTIVE" || f.FirstObservedAt != 1795158000 {
				t.Errorf("reported %+v", f)
			}
		}
		if len(seen) != 560 || len(got.Findings) != 560 { // every fifth is suppressed
			t.Errorf("%d findings reported, %d of them different", len(got.Findings), len(seen))
		}
		if _, err := w.desk.GetFindingsReportStatus(t.Context(), w.call(), &inspector2.GetFindingsReportStatusInput{}); err == nil {
			t.Error("a report is still in progress")
		}
		w.csv()
	})
}

func (w *world) csv() {
	w.t.Helper()
	high := []inspector2.StringFilter{{Comparison: inspector2.StringComparisonEquals, Value: "CVE-2026-0004"}}
	id, err := w.report("CSV", "reports", &inspector2.FilterCriteria{VulnerabilityId: high})
	if err != nil {
		w.t.Fatal(err)
	}
	w.work()
	body := w.object("a/" + id + ".csv")
	rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[0]) != 55 {
		w.t.Fatalf("%d rows: %v", len(rows), err)
	}
	want := "AWS Account Id, Severity, Fix Available, Finding Type, Title, Description, Finding ARN, First Seen, Last Seen, Last Updated, Resource ID, Container Image Tags, Region, Platform, Resource Tags, Affected Packages, Package Installed Version, Fixed in Version, Package Remediation, File Path, Network Paths, Age (Days), Remediation, Inspector Score, Inspector Score Vector, Status, Vulnerability Id, Vendor, Vendor Severity, Vendor Advisory, Vendor Advisory Published, NVD CVSS3 Score, NVD CVSS3 Vector, NVD CVSS2 Score, NVD CVSS2 Vector, Vendor CVSS3 Score, Vendor CVSS3 Vector, Vendor CVSS2 Score, Vendor CVSS2 Vector, Resource Type, Ami, Resource Public Ipv4, Resource Private Ipv4, Resource Ipv6, Resource Vpc, Port Range, Epss Score, Exploit Available, Last Exploited At, Lambda Layers, Lambda Package Type, Lambda Last Updated At, Reference Urls, Detector Name, Package Manager"
	if got := strings.Join(rows[0], ", "); got != want {
		w.t.Errorf("header:\n%s", got)
	}
	cells := map[string]string{}
	for i, name := range rows[0] {
		cells[name] = rows[1][i]
	}
	for name, value := range map[string]string{
		"Status": "SUPPRESSED", "Age (Days)": "2", "NVD CVSS3 Score": "7.5", "Vendor CVSS2 Vector": "AV:N", "Package Installed Version": "3.0.1-1",
		"Resource Public Ipv4": "93.184.216.34", "Resource Private Ipv4": "10.0.0.5", "Description": "Says \"quote\",\nand more.", "Resource Tags": "Name:=web",
	} {
		if cells[name] != value {
			w.t.Errorf("%s is %q, want %q", name, cells[name], value)
		}
	}
}

func TestReportsThatFail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, true)
		w.fill(1)
		for bucket, code := range map[string]inspector2.ReportingErrorCode{
			"absent": inspector2.ReportingErrorCodeBucketNotFound, "others": inspector2.ReportingErrorCodeInvalidPermissions,
		} {
			id, err := w.report("CSV", bucket, nil)
			if err != nil {
				t.Fatal(err)
			}
			w.work()
			if got := w.status(id); got.ErrorCode != code || got.Status != inspector2.ExternalReportStatusFailed {
				t.Errorf("%s: %+v", bucket, got)
			}
		}
		out, err := w.desk.CreateFindingsReport(t.Context(), w.call(), &inspector2.CreateFindingsReportInput{
			ReportFormat: "CSV", S3Destination: &inspector2.Destination{BucketName: "reports", KmsKeyArn: "arn:aws:kms:eu-west-1:111122223333:key/1"}})
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.status(*out.ReportId); got.ErrorCode != inspector2.ReportingErrorCodeMalformedKmsKey {
			t.Errorf("a key of another Region: %+v", got)
		}
		// One that is cancelled writes nothing, and cannot be cancelled again.
		id, err := w.report("CSV", "reports", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.desk.CancelFindingsReport(t.Context(), w.call(), &inspector2.CancelFindingsReportInput{ReportId: id}); err != nil {
			t.Fatal(err)
		}
		w.work()
		if _, err := w.s3.GetObject("reports", "a/"+id+".csv", nil); err == nil || w.status(id).Status != inspector2.ExternalReportStatusCancelled {
			t.Errorf("cancelled: %+v", w.status(id))
		}
		if _, err := w.desk.CancelFindingsReport(t.Context(), w.call(), &inspector2.CancelFindingsReportInput{ReportId: id}); err == nil {
			t.Error("cancelled twice")
		}
		if _, err := w.desk.GetSbomExport(t.Context(), w.call(), &inspector2.GetSbomExportInput{ReportId: id}); err == nil {
			t.Error("a report is no export")
		}
	})
}

func TestSBOMs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		for _, format := range []inspector2.SbomReportFormat{inspector2.SbomReportFormatCyclonedx14, inspector2.SbomReportFormatSpdx23} {
			w := newWorld(t, st, true)
			w.fill(2)
			out, err := w.desk.CreateSbomExport(t.Context(), w.call(), &inspector2.CreateSbomExportInput{
				ReportFormat: format, S3Destination: &inspector2.Destination{BucketName: "reports", KmsKeyArn: key},
				ResourceFilterCriteria: &inspector2.ResourceFilterCriteria{ResourceType: []inspector2.ResourceStringFilter{{Comparison: "EQUALS", Value: "AWS_EC2_INSTANCE"}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			w.work()
			got, err := w.desk.GetSbomExport(t.Context(), w.call(), &inspector2.GetSbomExportInput{ReportId: *out.ReportId})
			if err != nil || got.Status != inspector2.ExternalReportStatusSucceeded || got.Format != format || len(got.FilterCriteria.ResourceType) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			body := w.object(fmt.Sprintf("%s_outputs_%s/account=%s/resource=AWS_EC2_INSTANCE/i-1_x_%s.json", format, *out.ReportId, account, format))
			inv, err := sbom.Read(bytes.NewReader(body), int64(len(body)))
			if err != nil || len(inv.Items) != 1 || inv.Items[0].Name != "openssl" || inv.OS.ID != "debian" {
				t.Errorf("%s reads as %+v: %v", format, inv, err)
			}
			if format == inspector2.SbomReportFormatSpdx23 {
				if !bytes.Contains(body, []byte(`"SECURITY"`)) {
					t.Error("no vulnerability in the SPDX document")
				}
				continue
			}
			var doc struct {
				SpecVersion string
				Metadata    struct {
					Properties []struct{ Name, Value string }
				}
				Vulnerabilities []struct {
					ID      string
					Affects []struct{ Ref string }
				}
			}
			if err := json.Unmarshal(body, &doc); err != nil || doc.SpecVersion != "1.4" || len(doc.Vulnerabilities) != 2 || len(doc.Vulnerabilities[0].Affects) != 1 || len(doc.Metadata.Properties) != 4 {
				t.Errorf("%+v: %v", doc, err)
			}
		}
	})
}

func TestDownloads(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		for _, withBucket := range []bool{false, true} {
			w := newWorld(t, st, withBucket)
			w.fill(3)
			id, err := w.report("CSV", "reports", nil)
			if err != nil {
				t.Fatal(err)
			}
			w.work()
			objects, err := w.desk.ListExportObjects(t.Context(), w.call(), &muster.ListExportObjectsInput{ExportId: id})
			if err != nil || len(objects.Objects) != 1 {
				t.Fatalf("%+v, %v", objects, err)
			}
			got, err := w.desk.GetExportObject(t.Context(), w.call(), &muster.GetExportObjectInput{ExportId: id, Key: objects.Objects[0].Key, Raw: new(true)})
			if err != nil || int64(len(got.Content)) != objects.Objects[0].Size || got.NextToken != nil {
				t.Errorf("%d bytes of %d: %v", len(got.Content), objects.Objects[0].Size, err)
			}
			other := w.call()
			other.Principal.Account = "999988887777"
			if _, err := w.desk.GetExportObject(t.Context(), other, &muster.GetExportObjectInput{ExportId: id, Key: objects.Objects[0].Key}); err == nil {
				t.Error("another account reads the report")
			}
			// After a week it is forgotten.
			w.now = w.now.Add(8 * 24 * time.Hour)
			if err := w.desk.Jobs()[exports.JobRetention](t.Context(), store.Job{}); err != nil {
				t.Fatal(err)
			}
			if list, err := w.desk.ListExports(t.Context(), w.call(), &muster.ListExportsInput{}); err != nil || len(list.Exports) != 0 {
				t.Errorf("%+v, %v", list, err)
			}
		}
	})
}
