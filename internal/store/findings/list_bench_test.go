package findings_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/finding/criteria"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
)

// The fleet of the benchmark: 100 accounts of 10 hosts with 100 findings each.
const (
	benchAccounts = 100
	benchHosts    = 10
	benchFindings = 100
	benchRegion   = "us-east-1"
)

// everyone is the scope of an administrator whose members are all accounts.
type everyone struct{}

func (everyone) Where(w *store.Where, column string) { w.Add(column + " <> ''") }

// one is the scope of a single account.
type one arn.AccountID

func (o one) Where(w *store.Where, column string) { w.Add(column+" = ?", string(o)) }

func benchAccount(i int) arn.AccountID { return arn.AccountID(fmt.Sprintf("%012d", 100000000000+i)) }

// fill stores the fleet's findings, host by host as scans do.
func fill(b *testing.B, s *store.Store) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for i := range benchAccounts {
		for h := range benchHosts {
			now = now.Add(time.Second)
			err := s.Update(b.Context(), func(tx *store.Tx) error { return fillHost(b.Context(), tx, benchAccount(i), h, now, random) })
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func fillHost(ctx context.Context, tx *store.Tx, account arn.AccountID, host int, now time.Time, random *rand.Rand) error {
	details := finding.Resource{Type: finding.Instance, ID: fmt.Sprintf("i-%017x", host), Tags: map[string]string{"env": "prod"},
		Instance: &finding.InstanceDetails{ImageID: "ami-12345678", Platform: "DEBIAN_12"}}
	r, err := catalog.PutResource(ctx, tx, account, benchRegion, details, now)
	if err != nil {
		return err
	}
	var writes []findings.Write
	for range benchFindings {
		n := random.IntN(1000)
		f := finding.Finding{Account: account, Region: benchRegion, Resource: details, Content: benchContent(n), EPSS: new(float64(n) / 1000)}
		f.ARN = finding.ARN(account, benchRegion, finding.ID(account, benchRegion, details.ID, &f.Content))
		f.Status = finding.Active
		f.FirstObservedAt, f.LastObservedAt, f.UpdatedAt = now, now, now
		writes = append(writes, findings.Write{Resource: r.Number, Change: finding.Change{Kind: finding.Opened, After: f, Why: "found by a scan"}})
	}
	return findings.Apply(ctx, tx, dedupe(writes))
}

func dedupe(writes []findings.Write) (list []findings.Write) {
	seen := map[arn.ARN]bool{}
	for _, w := range writes {
		if !seen[w.After.ARN] {
			seen[w.After.ARN] = true
			list = append(list, w)
		}
	}
	return list
}

func benchContent(n int) finding.Content {
	score := float64(n%100) / 10
	id := fmt.Sprintf("CVE-2026-%04d", n)
	return finding.Content{
		Type: finding.PackageVulnerability, Title: id + " - libfoo", Description: fmt.Sprintf("%0400d", n), Severity: finding.SeverityOfScore(score),
		Score: &finding.Score{Value: score, Base: score, Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Source: "NVD"},
		Fix:   finding.Yes, Exploit: finding.No,
		Package: &finding.PackageDetails{VulnerabilityID: id, Source: "DEBIAN_CVE", VendorSeverity: "medium", Related: []string{"DSA-1"},
			ReferenceURLs: []string{"https://example.com/a", "https://example.com/b"},
			Packages:      []finding.Package{{Name: "libfoo", Version: "1.2", Release: "3", Arch: "X86_64", Manager: "OS", FixedIn: "0:1.2-4"}}},
	}
}

// BenchmarkList lists pages of 100 findings out of 100,000, going on from page
// to page, in the ways that callers do most.
func BenchmarkList(b *testing.B) {
	for _, engine := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			s := storetest.Open(b, engine.url(b), store.Options{})
			began := time.Now()
			fill(b, s)
			stored := float64(benchAccounts*benchHosts*benchFindings) / time.Since(began).Seconds()
			b.Run("administrator", func(b *testing.B) { benchPages(b, s, findings.Query{Scope: everyone{}}, stored) })
			b.Run("administrator/severity", func(b *testing.B) {
				benchPages(b, s, findings.Query{Scope: everyone{}, Field: findings.BySeverity}, stored)
			})
			b.Run("administrator/critical", func(b *testing.B) {
				benchPages(b, s, findings.Query{Scope: everyone{}, Field: findings.ByEPSSScore, Criteria: severe(finding.Critical)}, stored)
			})
			b.Run("account", func(b *testing.B) {
				benchPages(b, s, findings.Query{Scope: one(benchAccount(7)), Single: benchAccount(7), Field: findings.BySeverity}, stored)
			})
			b.Run("aggregate/account", func(b *testing.B) { benchGroups(b, s, findings.PerAccount) })
			b.Run("aggregate/title", func(b *testing.B) { benchGroups(b, s, findings.PerTitle) })
		})
	}
}

func severe(s finding.Severity) criteria.Criteria {
	return criteria.Criteria{Strings: map[criteria.Attribute][]criteria.String{
		criteria.Severity:      {{Comparison: criteria.Equals, Value: string(s)}},
		criteria.FindingStatus: {{Comparison: criteria.Equals, Value: string(finding.Active)}},
	}}
}

func benchPages(b *testing.B, s *store.Store, q findings.Query, stored float64) {
	q.Region, q.Descending, q.Limit = benchRegion, true, 100
	listed := 0
	for b.Loop() {
		err := s.View(b.Context(), func(tx *store.Tx) error {
			page, next, err := findings.List(b.Context(), tx, q)
			if q.After = next; len(page) < q.Limit {
				q.After = nil
			}
			listed += len(page)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(listed)/b.Elapsed().Seconds(), "findings/s")
	b.ReportMetric(stored, "stored/s")
}

func benchGroups(b *testing.B, s *store.Store, by findings.Grouping) {
	for b.Loop() {
		err := s.View(b.Context(), func(tx *store.Tx) error {
			_, err := findings.Aggregate(b.Context(), tx, findings.Aggregation{Grouping: by, Scope: everyone{}, Region: benchRegion, Metric: findings.ByCritical, Descending: true, Limit: 25})
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
