package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
)

// perHost is how many findings a stored host has.
const perHost = 100

// grow stores hosts, a hundred findings each, over the members in turn, until
// there are so many findings.
func (w *world) grow(b *testing.B, members, total int) {
	b.Helper()
	w.storeHosts(b, members, total/perHost-w.hosts, perHost)
}

// store1 stores so many hosts with one finding each.
func (w *world) store1(b *testing.B, hosts int) { w.storeHosts(b, 10, hosts, 1) }

// together is how many hosts are stored in one transaction.
const together = 20

func (w *world) storeHosts(b *testing.B, members, hosts, each int) {
	b.Helper()
	for hosts > 0 {
		n := min(hosts, together)
		w.update(func(ctx context.Context, tx *store.Tx) error {
			for i := range n {
				if err := storeHost(ctx, tx, member((w.hosts+i)%members), w.hosts+i, each); err != nil {
					return err
				}
			}
			return nil
		})
		hosts -= n
		w.hosts += n
		w.findings += n * each
	}
}

// storeHost stores one host's findings as a scan does.
func storeHost(ctx context.Context, tx *store.Tx, account arn.AccountID, host, each int) error {
	now := epoch.Add(time.Duration(host) * time.Second)
	details := finding.Resource{Type: finding.Instance, ID: fmt.Sprintf("i-%017x", host), Tags: map[string]string{"Name": fmt.Sprint("host-", host)},
		Instance: &finding.InstanceDetails{ImageID: "ami-0123456789abcdef0", Platform: "DEBIAN_12"}}
	r, err := catalog.PutResource(ctx, tx, account, region, details, now)
	if err != nil {
		return err
	}
	writes := make([]findings.Write, 0, each)
	for _, n := range rand.New(rand.NewPCG(1, uint64(host))).Perm(vulnerabilities)[:each] {
		f := finding.Finding{Account: account, Region: region, Resource: details, Content: content(n), EPSS: new(float64(n%997) / 1000)}
		f.ARN = finding.ARN(account, region, finding.ID(account, region, details.ID, &f.Content))
		f.Status, f.FirstObservedAt, f.LastObservedAt, f.UpdatedAt = finding.Active, now, now, now
		writes = append(writes, findings.Write{Resource: r.Number, Change: finding.Change{Kind: finding.Opened, After: f, Why: "found by a scan"}})
	}
	return findings.Apply(ctx, tx, writes)
}

// epoch is when the first host was scanned.
var epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// vulnerabilities is how many different ones the hosts have.
const vulnerabilities = 2000

// content is what a finding says: as long as Debian's findings are.
func content(n int) finding.Content {
	score := float64(n%100)/10 + 0.1
	id := fmt.Sprintf("CVE-2026-%05d", n)
	return finding.Content{
		Type: finding.PackageVulnerability, Title: id + " - libfoo", Description: fmt.Sprintf("%0600d", n), Severity: finding.SeverityOfScore(score),
		Score: &finding.Score{Value: score, Base: score, Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Source: "NVD"},
		Fix:   finding.Yes, Exploit: finding.No, Recommendation: finding.Recommendation{Text: "Update the package."},
		Package: &finding.PackageDetails{
			VulnerabilityID: id, Source: "DEBIAN_CVE", SourceURL: "https://security-tracker.debian.org/tracker/" + id, VendorSeverity: "medium",
			VendorCreatedAt: epoch, VendorUpdatedAt: epoch, Related: []string{fmt.Sprintf("DSA-%d-1", n)},
			CVSS:          []finding.CVSS{{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", BaseScore: score, Source: "NVD"}},
			ReferenceURLs: []string{"https://example.com/advisories/a", "https://example.com/commits/b", "https://example.com/mails/c"},
			Packages: []finding.Package{{Name: fmt.Sprint("libfoo", n%300), Version: "1.2", Release: "3+deb12u1", Arch: "X86_64", Manager: "OS",
				FixedIn: "0:1.2-4", Remediation: "apt-get update && apt-get upgrade"}},
		},
	}
}
