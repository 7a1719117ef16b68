package advisory_test

import (
	"reflect"
	"testing"
	"time"

	"muster/internal/advisory"
)

// TestIntelAdd: what comes first counts, what it lacks is filled in, and an
// older copy of a rating does not come back by another way.
func TestIntelAdd(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	first := advisory.Intel{
		Description: "first", Modified: day(2), CWEs: []string{"CWE-1"},
		Scores:     []advisory.Score{{Source: "NVD", Vector: "CVSS:3.1/new", Base: 9}, {Source: "a", Vector: "AV:N", Base: 5}},
		References: []advisory.Reference{{Type: "FIX", URL: "u"}},
	}
	first.Add(&advisory.Intel{
		Title: "title", Description: "second", Published: day(1), Modified: day(1), CWEs: []string{"CWE-1", "CWE-2"}, Rejected: true, Disputed: true,
		Scores: []advisory.Score{
			{Source: "nvd", Vector: "CVSS:3.1/old", Base: 7}, {Source: "nvd", Vector: "CVSS:3.0/x", Base: 6}, {Source: "b", Vector: "CVSS:3.1/old", Base: 7},
			{Source: "b", Vector: "CVSS:3.1/other", Base: 4}, {Source: "A", Vector: "AV:L", Base: 1},
		},
		SSVC: advisory.SSVC{Exploitation: "none"}, KEV: &advisory.KEV{Name: "k"},
		References: []advisory.Reference{{Type: "WEB", URL: "u"}, {Type: "WEB", URL: "v"}},
	})
	want := advisory.Intel{
		Title: "title", Description: "first", Published: day(1), Modified: day(2), CWEs: []string{"CWE-1", "CWE-2"}, Rejected: true, Disputed: true,
		Scores: []advisory.Score{
			{Source: "NVD", Vector: "CVSS:3.1/new", Base: 9}, {Source: "a", Vector: "AV:N", Base: 5}, {Source: "nvd", Vector: "CVSS:3.0/x", Base: 6},
			{Source: "b", Vector: "CVSS:3.1/old", Base: 7}, {Source: "b", Vector: "CVSS:3.1/other", Base: 4},
		},
		SSVC: advisory.SSVC{Exploitation: "none"}, KEV: &advisory.KEV{Name: "k"},
		References: []advisory.Reference{{Type: "FIX", URL: "u"}, {Type: "WEB", URL: "v"}},
	}
	if !reflect.DeepEqual(first, want) {
		t.Errorf("got\n%+v\nwant\n%+v", first, want)
	}
}

func TestExploitKnown(t *testing.T) {
	for name, in := range map[string]advisory.Intel{
		"kev": {KEV: &advisory.KEV{}}, "metasploit": {Exploits: advisory.Exploits{Metasploit: []string{"m"}}},
		"exploit-db": {Exploits: advisory.Exploits{ExploitDB: []string{"EDB-1"}}}, "nuclei": {Exploits: advisory.Exploits{Nuclei: []string{"n"}}},
		"poc": {SSVC: advisory.SSVC{Exploitation: "poc"}}, "active": {Exploits: advisory.Exploits{SSVC: "active"}},
		"a reference": {References: []advisory.Reference{{Type: "EVIDENCE", URL: "u"}}},
	} {
		if !in.ExploitKnown() {
			t.Errorf("%s: no exploit is known", name)
		}
	}
	none := advisory.Intel{SSVC: advisory.SSVC{Exploitation: "none"}, References: []advisory.Reference{{Type: "WEB", URL: "u"}}}
	if none.ExploitKnown() {
		t.Error("an exploit is known")
	}
}

func TestExploitsAdd(t *testing.T) {
	e := advisory.Exploits{Metasploit: []string{"m"}, SSVC: "active"}
	e.Add(advisory.Exploits{Metasploit: []string{"m", "n"}, ExploitDB: []string{"EDB-1"}, KEV: true, SSVC: "poc", Last: time.Unix(9, 0)})
	e.Add(advisory.Exploits{Nuclei: []string{"x"}, Last: time.Unix(5, 0)})
	want := advisory.Exploits{Metasploit: []string{"m", "n"}, ExploitDB: []string{"EDB-1"}, Nuclei: []string{"x"}, KEV: true, SSVC: "active", Last: time.Unix(9, 0)}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("%+v", e)
	}
}
