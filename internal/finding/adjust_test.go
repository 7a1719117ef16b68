package finding

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const remote = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"

func scoreOf(t *testing.T, vector string) Score {
	t.Helper()
	c, ok := ParseCVSS(vector, NVD)
	if !ok {
		t.Fatal(vector)
	}
	return Score{Value: c.BaseScore, Base: c.BaseScore, Version: c.Version, Vector: vector, Source: NVD}
}

// TestAdjust goes through the rules of the specification's table 5.3; the
// values are those of FIRST's calculator.
func TestAdjust(t *testing.T) {
	low, high := 0.001, 0.5
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	old := now.AddDate(0, -6, 0)
	for name, tc := range map[string]struct {
		vector string
		env    Environment
		value  float64
		ends   string
		why    string
	}{
		"nothing known":        {remote, Environment{}, 9.8, "A:H", ""},
		"no internet path":     {remote, Environment{Reach: ReachAdjacent}, 8.8, "MAV:A", "AttackVector: no internet path to this resource"},
		"no path from outside": {remote, Environment{Reach: ReachInside}, 8.4, "MAV:L", "AttackVector: no network path from outside its VPC"},
		"an internet path":     {remote, Environment{Reach: ReachInternet, Path: "igw-1 on port 22"}, 9.8, "A:H", "AttackVector: reachable from the internet by igw-1 on port 22"},
		"a local flaw stays":   {"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", Environment{Reach: ReachInside}, 7.8, "A:H", ""},
		"in CISA's catalogue":  {remote, Environment{KEV: &KEV{AddedAt: old}, Maturity: MaturityProof}, 9.8, "E:H", "ExploitCodeMaturity: listed by CISA as exploited on 2025-12-01"},
		"exploited":            {remote, Environment{Maturity: MaturityExploited}, 9.8, "E:H", "ExploitCodeMaturity: exploitation has been observed"},
		"an exploit":           {remote, Environment{Maturity: MaturityExploit}, 9.6, "E:F", "ExploitCodeMaturity: a public exploit is indexed"},
		"a proof":              {remote, Environment{Maturity: MaturityProof}, 9.3, "E:P", "ExploitCodeMaturity: a proof of concept is public"},
		"nobody tries":         {remote, Environment{EPSS: &low, ScoredAt: now, PublishedAt: old}, 9, "E:U", "ExploitCodeMaturity: no exploit is known, EPSS is below 1 %, and it was published more than 90 days before"},
		"too young to say":     {remote, Environment{EPSS: &low, ScoredAt: now, PublishedAt: now.AddDate(0, 0, -89)}, 9.8, "A:H", ""},
		"likely":               {remote, Environment{EPSS: &high, ScoredAt: now, PublishedAt: old}, 9.8, "A:H", ""},
		"a fix":                {remote, Environment{Fix: Yes}, 9.4, "RL:O", "RemediationLevel: a fix is released"},
		"no fix":               {remote, Environment{Fix: No}, 9.8, "RL:U", "RemediationLevel: no fix is released"},
		"CVSS 3.0":             {"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Environment{Reach: ReachAdjacent}, 8.8, "MAV:A", "AttackVector: no internet path to this resource"},
		"CVSS 2.0 stays":       {"AV:N/AC:L/Au:N/C:P/I:P/A:P", Environment{Reach: ReachInside, Fix: Yes}, 7.5, "A:P", ""},
	} {
		base := scoreOf(t, tc.vector)
		got := base.Adjust(tc.env)
		if got.Value != tc.value || !strings.HasSuffix(got.Vector, tc.ends) || got.Explained() != tc.why || got.Base != base.Base {
			t.Errorf("%s: %v %s (%s)", name, got.Value, got.Vector, got.Explained())
		}
	}
}

// TestAdjustNeverRaises: what the rules know can only lower a score, within
// the rounding of CVSS, and the vector they give scores what they say.
func TestAdjustNeverRaises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vector := "CVSS:3.1"
		for _, m := range []struct{ name, values string }{
			{"AV", "NALP"}, {"AC", "LH"}, {"PR", "NLH"}, {"UI", "NR"}, {"S", "UC"}, {"C", "HLN"}, {"I", "HLN"}, {"A", "HLN"},
		} {
			vector += "/" + m.name + ":" + string(rapid.SampledFrom([]byte(m.values)).Draw(t, m.name))
		}
		c, ok := ParseCVSS(vector, NVD)
		if !ok {
			t.Fatal(vector)
		}
		base := Score{Value: c.BaseScore, Base: c.BaseScore, Version: c.Version, Vector: vector}
		got := base.Adjust(Environment{
			Reach:    rapid.SampledFrom([]Reach{ReachUnknown, ReachInternet, ReachAdjacent, ReachInside}).Draw(t, "reach"),
			Maturity: rapid.SampledFrom([]Maturity{MaturityNone, MaturityProof, MaturityExploit, MaturityExploited}).Draw(t, "maturity"),
			Fix:      rapid.SampledFrom([]Availability{"", Yes, No, Partial}).Draw(t, "fix"),
		})
		// The environmental formula of CVSS 3.1 rounds twice and weighs a changed
		// scope differently, which can give up to half a point.
		if got.Value < 0 || got.Value > base.Value+0.5 {
			t.Fatalf("%s %v becomes %s %v", vector, base.Value, got.Vector, got.Value)
		}
		if _, ok := ParseCVSS(got.Vector, NVD); !ok {
			t.Fatalf("%s is no vector", got.Vector)
		}
	})
}
