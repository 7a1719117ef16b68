package up

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/inspector2/types"

	"muster/internal/arn"
	"muster/internal/server"
)

// severities in the order of the report, worst first.
var severities = []types.Severity{
	types.SeverityCritical, types.SeverityHigh, types.SeverityMedium, types.SeverityLow,
	types.SeverityInformational, types.SeverityUntriaged,
}

// worst is how many findings are named in full.
const worst = 10

// report prints what the audit account sees: findings by severity, the worst
// ones, and how to ask for more. whose says so in words.
func (r *run) report(ctx context.Context, whose string) error {
	counts, named, err := r.findings(ctx)
	if err != nil {
		return err
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	r.blank()
	fmt.Fprintf(r.out, "%d vulnerabilities %s:\n\n", total, whose)
	for _, s := range severities {
		fmt.Fprintf(r.out, "  %-14s %6d\n", s, counts[s])
	}
	if len(named) > 0 {
		fmt.Fprintf(r.out, "\nThe worst:\n\n  %-9s %5s  %-17s %-34s %s\n", "SEVERITY", "SCORE", "VULNERABILITY", "PACKAGE", "FIXED IN")
	}
	for _, f := range named {
		r.printFinding(f)
	}
	return r.printHowTo(ctx)
}

// findings counts by severity and keeps the worst, asking as any client would.
func (r *run) findings(ctx context.Context) (map[types.Severity]int, []types.Finding, error) {
	counts := map[types.Severity]int{}
	var named []types.Finding
	pages := inspector2.NewListFindingsPaginator(r.as(audit).inspector, &inspector2.ListFindingsInput{
		MaxResults: aws.Int32(100),
		FilterCriteria: &types.FilterCriteria{
			FindingStatus: []types.StringFilter{{Comparison: types.StringComparisonEquals, Value: aws.String("ACTIVE")}},
		},
		SortCriteria: &types.SortCriteria{Field: types.SortFieldInspectorScore, SortOrder: types.SortOrderDesc},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, err
		}
		for _, f := range page.Findings {
			counts[f.Severity]++
			if len(named) < worst {
				named = append(named, f)
			}
		}
	}
	return counts, named, nil
}

func (r *run) printFinding(f types.Finding) {
	score, id, pkg, fixed := "-", "", "", "no fix yet"
	if f.InspectorScore != nil {
		score = fmt.Sprintf("%.1f", *f.InspectorScore)
	}
	if d := f.PackageVulnerabilityDetails; d != nil {
		id = aws.ToString(d.VulnerabilityId)
		for i, p := range d.VulnerablePackages {
			if v := aws.ToString(p.FixedInVersion); v != "" && v != "NotAvailable" {
				fixed = v
			}
			if i == 0 {
				pkg = aws.ToString(p.Name) + " " + aws.ToString(p.Version)
			}
		}
		if more := len(d.VulnerablePackages) - 1; more > 0 {
			pkg += fmt.Sprintf(" (+%d)", more)
		}
	}
	fmt.Fprintf(r.out, "  %-9s %5s  %-17s %-34s %s\n", f.Severity, score, id, clip(pkg, 34), fixed)
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n-1] + "…"
}

func (r *run) printHowTo(ctx context.Context) error {
	dir, err := filepath.Abs(r.profiles.dir)
	if err != nil {
		return err
	}
	ticket, err := r.operator.SignInTicket(ctx, arn.AccountID(r.accounts[audit]), adminUser, r.region)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.out, "\nmuster listens at %s and goes on watching (ready after %s). Ask it with the AWS CLI:\n\n", r.endpoint, time.Since(r.started).Round(time.Second/10))
	fmt.Fprintf(r.out, "  export AWS_CONFIG_FILE=%s\n", filepath.Join(dir, "config"))
	fmt.Fprintf(r.out, "  export AWS_SHARED_CREDENTIALS_FILE=%s\n", filepath.Join(dir, "credentials"))
	fmt.Fprintf(r.out, "  aws --profile %s inspector2 list-findings --max-items 5\n\n", audit)
	fmt.Fprintf(r.out, "Or open the console; this link signs in once, within an hour:\n\n  %s\n\n", server.SignInLink(r.config, ticket))
	fmt.Fprintf(r.out, "Profiles: %s. Stop with Ctrl-C; started again it continues.\n", strings.Join(r.profiles.names(), ", "))
	return nil
}
