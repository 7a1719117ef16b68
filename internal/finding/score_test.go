package finding

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"muster/internal/testshared"
)

// TestPublishedScores recomputes every score that the NVD and CISA print
// beside their vectors. Other publishers print temporal scores, and GitHub's
// round a changed scope up too far. Two of CISA's are its own slips.
func TestPublishedScores(t *testing.T) {
	f, err := os.Open(filepath.Join(testshared.Dir(t), "advisories", "cve.ndjson.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	seen, wrong := map[string]int{}, 0
	for lines.Scan() {
		var record struct {
			ID   string
			CVSS []struct {
				Source, Vector string
				Score          *float64
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			t.Fatal(err)
		}
		for _, s := range record.CVSS {
			c, ok := ParseCVSS(s.Vector, s.Source)
			if !ok || s.Score == nil || (s.Source != "nvd" && s.Source != "CISA-ADP") {
				continue
			}
			seen[c.Version]++
			if c.BaseScore != *s.Score {
				wrong++
				t.Logf("%s by %s, %s: computed %v, published %v", record.ID, s.Source, s.Vector, c.BaseScore, *s.Score)
			}
		}
	}
	t.Logf("compared %v, %d differ", seen, wrong)
	if seen["3.1"] < 20000 || wrong > 2 {
		t.Errorf("%d scores of %v differ from what their publishers print", wrong, seen)
	}
}

func TestChooseScore(t *testing.T) {
	nvd31 := CVSS{Version: "3.1", BaseScore: 7.5, Source: NVD}
	nvd30 := CVSS{Version: "3.0", BaseScore: 9.8, Source: NVD}
	redhat := CVSS{Version: "3.1", BaseScore: 5.3, Source: "REDHAT"}
	github := CVSS{Version: "3.1", BaseScore: 8.1, Source: "GITHUB"}
	four := CVSS{Version: "4.0", BaseScore: 9.3, Source: NVD}
	two := CVSS{Version: "2.0", BaseScore: 10, Source: NVD}
	for name, tc := range map[string]struct {
		scores []CVSS
		by     string
		want   CVSS
	}{
		"the distribution's own":       {[]CVSS{nvd31, redhat, github}, "REDHAT_CVE", redhat},
		"another distribution's not":   {[]CVSS{nvd31, redhat}, "DEBIAN_CVE", nvd31},
		"3.1 before 3.0":               {[]CVSS{nvd30, nvd31}, "DEBIAN_CVE", nvd31},
		"NVD before GitHub":            {[]CVSS{github, nvd30}, "GITHUB", nvd30},
		"others before 4.0":            {[]CVSS{four, github}, "DEBIAN_CVE", github},
		"4.0 before 2.0":               {[]CVSS{two, four}, "DEBIAN_CVE", four},
		"2.0 where nothing else is":    {[]CVSS{two}, "DEBIAN_CVE", two},
		"the word CVE is no vendor":    {[]CVSS{redhat, nvd31}, NVD, nvd31},
		"a source named in full is it": {[]CVSS{nvd31, {Version: "3.1", BaseScore: 4, Source: "UBUNTU_CVE"}}, "UBUNTU_CVE", CVSS{Version: "3.1", BaseScore: 4, Source: "UBUNTU_CVE"}},
	} {
		if got, _ := chooseScore(tc.scores, tc.by); got != tc.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestRate(t *testing.T) {
	for _, tc := range []struct {
		vector, word string
		want         Severity
		score        float64
	}{
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "low", Critical, 9.8},
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", "critical", Informational, 0},
		{"CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", "", Low, 1.8},
		{"AV:N/AC:L/Au:N/C:P/I:P/A:P", "", High, 7.5},
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "unimportant", Informational, 9.8},
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "negligible", Informational, 9.8},
		{"", "Important", High, -1},
		{"", "moderate", Medium, -1},
		{"", "unimportant", Informational, -1},
		{"", "not yet assigned", Untriaged, -1},
	} {
		var scores []CVSS
		if c, ok := ParseCVSS(tc.vector, NVD); ok && tc.vector != "" {
			scores = []CVSS{c}
		}
		severity, score := rate(scores, "DEBIAN_CVE", tc.word)
		if severity != tc.want || (score == nil) != (tc.score < 0) || (score != nil && score.Value != tc.score) {
			t.Errorf("%q, %q: %s %+v", tc.vector, tc.word, severity, score)
		}
	}
}

func TestBaseScoreOf40LeavesTheThreatOut(t *testing.T) {
	const base = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
	plain, _ := ParseCVSS(base, NVD)
	threat, ok := ParseCVSS(base+"/E:U", NVD)
	if !ok || plain.BaseScore != 9.3 || threat.BaseScore != plain.BaseScore {
		t.Errorf("base %v, with threat metric %v", plain.BaseScore, threat.BaseScore)
	}
}

func TestRiskScore(t *testing.T) {
	score, epss := 9.8, 0.5
	for _, tc := range []struct {
		epss                  *float64
		exploited, ransomware bool
		want                  int32
	}{
		{nil, false, false, 0},
		{&epss, false, false, 49},
		{&epss, true, false, 100},
		{nil, true, true, 100},
	} {
		if got := RiskScore(&score, tc.epss, tc.exploited, tc.ransomware); got != tc.want {
			t.Errorf("%+v: %d", tc, got)
		}
	}
}

func FuzzParseCVSS(f *testing.F) {
	f.Add("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
	f.Add("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:A")
	f.Add("(AV:N/AC:L/Au:N/C:P/I:P/A:P)")
	f.Fuzz(func(t *testing.T, vector string) {
		c, ok := ParseCVSS(vector, NVD)
		if ok && !(c.BaseScore >= 0 && c.BaseScore <= 10) {
			t.Errorf("%q scores %v", vector, c.BaseScore)
		}
	})
}
