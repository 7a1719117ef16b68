package results

import (
	"context"
	"testing"

	"muster/internal/advisorydb"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/finding"
)

// TestRiskIsToldWithoutFeeds: what no feed tells more about has a risk, too.
func TestRiskIsToldWithoutFeeds(t *testing.T) {
	s := &Service{config: Config{Intel: func(context.Context, string) (advisorydb.Intel, bool, error) { return advisorydb.Intel{}, false, nil }}}
	f := finding.Finding{EPSS: new(0.5), Content: finding.Content{Score: &finding.Score{Value: 8}, Package: &finding.PackageDetails{VulnerabilityID: "GHSA-1"}}}
	d, err := s.detail(t.Context(), &f)
	if err != nil || d.RiskScore == nil || *d.RiskScore != 40 || d.CisaData != nil || len(d.Cwes) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestPlatformOfInstances(t *testing.T) {
	for system, want := range map[string]inspector2.Ec2Platform{
		"": inspector2.Ec2PlatformUnknown, "DEBIAN_12": inspector2.Ec2PlatformLinux, "WINDOWS_SERVER_2022": inspector2.Ec2PlatformWindows, "MACOS_14": inspector2.Ec2PlatformMacos,
	} {
		if got := ec2Platform(system); got != want {
			t.Errorf("%q is %s", system, got)
		}
	}
}
