package library

import (
	"slices"

	"muster/internal/advisory"
	"muster/internal/finding"
)

// addCovered completes what is known of an update of Windows by the CVEs that
// it covers: the update is as bad, as likely and as exploited as the worst of
// them (scanning specification 1.6).
func (l *Library) addCovered(id string, in *finding.Intel) {
	if advisory.IsCVE(id) {
		return
	}
	for _, c := range l.cited[id] {
		record := l.record(c)
		if record == nil || c.source != windowsSource {
			continue
		}
		for _, cve := range record.Upstream {
			if !advisory.IsCVE(cve) {
				continue
			}
			raw, _, err := l.set.Intel(cve)
			if err != nil && l.err == nil {
				l.err = err
			}
			worsen(in, fromCVE(&raw))
		}
	}
}

// windowsSource is what matches of updates name as their source.
const windowsSource = "MICROSOFT_CVE"

// worsen takes the worse of what is known of two CVEs. Ratings stay out: the
// update's advisory has the highest of Microsoft's.
func worsen(in *finding.Intel, other finding.Intel) {
	if other.Rejected {
		return
	}
	if other.EPSS != nil && (in.EPSS == nil || *other.EPSS > *in.EPSS) {
		in.EPSS, in.ScoredAt = other.EPSS, other.ScoredAt
	}
	if other.KEV != nil && (in.KEV == nil || other.KEV.DueAt.Before(in.KEV.DueAt)) {
		in.KEV = other.KEV
	}
	in.Exploit = in.Exploit || other.Exploit
	if other.LastExploitAt.After(in.LastExploitAt) {
		in.LastExploitAt = other.LastExploitAt
	}
	for _, s := range other.ExploitSources {
		in.ExploitSources = addOnce(in.ExploitSources, s)
	}
	for _, cwe := range other.CWEs {
		in.CWEs = addOnce(in.CWEs, cwe)
	}
	order := []finding.Maturity{finding.MaturityNone, finding.MaturityProof, finding.MaturityExploit, finding.MaturityExploited}
	if slices.Index(order, other.Maturity) > slices.Index(order, in.Maturity) {
		in.Maturity = other.Maturity
	}
}
