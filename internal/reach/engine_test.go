package reach

import (
	"fmt"
	"testing"

	"muster/internal/finding"
	"muster/internal/network/facts"
)

// TestTheMostSevereFindingsCount: of an account with more findings in a Region
// than count, the least severe ones go, the last ones first; others keep all.
func TestTheMostSevereFindingsCount(t *testing.T) {
	t.Parallel()
	content := func(n int, severity finding.Severity) finding.Content {
		return finding.Content{Severity: severity, Network: &finding.NetworkDetails{Interface: fmt.Sprintf("eni-%05d", n)}}
	}
	many, few := facts.Scope{Account: "111122223333", Region: "eu-west-1"}, facts.Scope{Account: "111122223333", Region: "eu-west-3"}
	all := map[place]*exposed{{few, "i-other"}: {findings: []finding.Content{content(0, finding.Informational)}}}
	for n := range mostFindings/2 + 2 {
		id := facts.ID(fmt.Sprintf("i-%05d", n))
		all[place{many, id}] = &exposed{findings: []finding.Content{content(n, finding.High), content(n, finding.Low)}}
	}
	if cut := limit(all); cut != 4 {
		t.Errorf("%d are cut off, want 4", cut)
	}
	if len(all[place{few, "i-other"}].findings) != 1 {
		t.Error("an account lost a finding for another Region")
	}
	for n := range mostFindings/2 + 2 {
		want := 2
		if n >= mostFindings/2-2 {
			want = 1
		}
		got := all[place{many, facts.ID(fmt.Sprintf("i-%05d", n))}].findings
		if len(got) != want || got[0].Severity != finding.High {
			t.Fatalf("instance %d keeps %+v, want %d", n, got, want)
		}
	}
	if limit(all) != 0 {
		t.Error("what is left is over the limit")
	}
}
