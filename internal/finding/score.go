package finding

import (
	"cmp"
	"slices"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"
)

// Score is Inspector's score of a finding: the chosen base score, adapted to
// where the resource stands.
type Score struct {
	Value float64 `json:"value"`
	// Base is the score before the adjustments.
	Base    float64 `json:"base"`
	Version string  `json:"version"`
	Vector  string  `json:"vector"`
	// Source is who gave the base score.
	Source      string       `json:"source"`
	Adjustments []Adjustment `json:"adjustments,omitempty"`
}

// Adjustment is one change to the vector, with its reason.
type Adjustment struct {
	Metric string `json:"metric"`
	Reason string `json:"reason"`
}

// NVD is the source of the National Vulnerability Database's scores.
const NVD = "NVD"

// ParseCVSS reads a vector of any version and computes its base score. CVSS
// 3.1 scores are rounded up by the integer method of its specification's
// appendix A, so they never drift.
func ParseCVSS(vector, source string) (CVSS, bool) {
	c := CVSS{Vector: vector, Source: source}
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		v, err := gocvss40.ParseVector(vector)
		if err != nil {
			return c, false
		}
		c.Version, c.BaseScore = "4.0", baseOf40(v)
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		v, err := gocvss31.ParseVector(vector)
		if err != nil {
			return c, false
		}
		c.Version, c.BaseScore = "3.1", v.BaseScore()
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		v, err := gocvss30.ParseVector(vector)
		if err != nil {
			return c, false
		}
		c.Version, c.BaseScore = "3.0", v.BaseScore()
	default:
		v, err := gocvss20.ParseVector(strings.Trim(vector, "()"))
		if err != nil {
			return c, false
		}
		c.Version, c.BaseScore = "2.0", v.BaseScore()
	}
	return c, true
}

// baseOf40 is the score without threat and environmental metrics.
func baseOf40(v *gocvss40.CVSS40) float64 {
	base := &gocvss40.CVSS40{}
	for _, m := range []string{"AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"} {
		value, err := v.Get(m)
		if err != nil || base.Set(m, value) != nil {
			return v.Score()
		}
	}
	return base.Score()
}

// chooseScore picks the base score that decides a finding (5.2, steps 1 to
// 5): the distribution that reported it, NVD, whoever else gave CVSS 3, then
// 4.0, then 2.0. The choice does not depend on the order of the scores.
func chooseScore(scores []CVSS, detectedBy string) (CVSS, bool) {
	if len(scores) == 0 {
		return CVSS{}, false
	}
	return slices.MinFunc(scores, func(a, b CVSS) int {
		return cmp.Or(
			cmp.Compare(preference(a, detectedBy), preference(b, detectedBy)),
			cmp.Compare(b.Version, a.Version),
			cmp.Compare(b.BaseScore, a.BaseScore),
			cmp.Compare(a.Source, b.Source), cmp.Compare(a.Vector, b.Vector))
	}), true
}

// preference is the step of the choice at which a score is taken.
func preference(c CVSS, detectedBy string) int {
	three := c.Version == "3.1" || c.Version == "3.0"
	switch {
	case three && isVendor(c.Source, detectedBy):
		return 1
	case three && c.Source == NVD:
		return 2
	case three:
		return 3
	case c.Version == "4.0":
		return 4
	}
	return 5
}

// isVendor reports whether a score's source is the distribution behind a
// detection source: REDHAT behind REDHAT_CVE.
func isVendor(source, detectedBy string) bool {
	vendor, ok := strings.CutSuffix(detectedBy, "_CVE")
	return ok && (strings.EqualFold(source, vendor) || strings.EqualFold(source, detectedBy))
}

// rate gives a finding's severity and score from the scores known and, where
// there are none, from the vendor's word. What a distribution holds to be no
// security problem of its package (Debian's unimportant, Ubuntu's negligible) is
// INFORMATIONAL, whatever others score the flaw elsewhere (feeds specification
// 8); the score is told all the same. The score is the base score: the
// vector is not adjusted, as Inspector's is not where nothing is known about
// the resource's network.
func rate(scores []CVSS, detectedBy, vendorSeverity string) (Severity, *Score) {
	best, ok := chooseScore(scores, detectedBy)
	if !ok {
		return SeverityOfWord(vendorSeverity), nil
	}
	severity := SeverityOfScore(best.BaseScore)
	if strings.HasSuffix(detectedBy, "_CVE") && SeverityOfWord(vendorSeverity) == Informational {
		severity = Informational
	}
	return severity, &Score{
		Value: best.BaseScore, Base: best.BaseScore,
		Version: best.Version, Vector: best.Vector, Source: best.Source,
	}
}

// RiskScore combines likelihood (1 when exploitation is known, else EPSS)
// with impact into 0 to 100 (5.3). Without any score impact is taken as half.
func RiskScore(severityScore *float64, epss *float64, exploited, ransomware bool) int32 {
	likelihood := 0.0
	if epss != nil {
		likelihood = *epss
	}
	if exploited {
		likelihood = 1
	}
	impact := 0.5
	if severityScore != nil {
		impact = *severityScore / 10
	}
	weight := 1.0
	switch {
	case ransomware:
		weight = 1.1
	case exploited:
		weight = 1.05
	}
	return int32(min(likelihood*impact*weight, 1)*100 + 0.5)
}
