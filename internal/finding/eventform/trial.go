package eventform

import (
	"encoding/json"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
)

// Trial is the detail of an event about a finding that there is not, to try
// out whether somebody can be told: informational, and closed already.
func Trial(account arn.AccountID, region arn.Region, now time.Time) []byte {
	r := finding.Resource{Type: finding.Instance, ID: "i-00000000000000000", Instance: &finding.InstanceDetails{}}
	c := finding.Content{
		Type: finding.PackageVulnerability, Title: "Test of a sink", Description: "This finding was sent to test a sink. There is nothing to do.",
		Recommendation: finding.Recommendation{Text: "None Provided"}, Severity: finding.Informational, Fix: finding.No, Exploit: finding.No,
		Package: &finding.PackageDetails{VulnerabilityID: "MUSTER-TEST", Source: "MUSTER"},
	}
	f := finding.Finding{
		ARN: finding.ARN(account, region, finding.ID(account, region, r.ID, &c)), Account: account, Region: region, Resource: r, Content: c,
		Life: finding.Life{Status: finding.Closed, FirstObservedAt: now, LastObservedAt: now, UpdatedAt: now, ClosedAt: now},
	}
	body, err := json.Marshal(Of(&f))
	if err != nil {
		panic("eventform: " + err.Error()) // it holds nothing that JSON cannot express
	}
	return body
}
