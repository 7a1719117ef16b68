package advisory_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"muster/internal/advisory"
	"muster/internal/version"
)

// TestEmptyEntries: a record of empty objects is refused before they are made.
func TestEmptyEntries(t *testing.T) {
	text := `{"id":"X-1","modified":"2024-01-01T00:00:00Z","affected":[` + strings.Repeat(`{},`, 2_000_000) + `{}]}`
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := advisory.Parse([]byte(text))
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; err == nil || !strings.Contains(err.Error(), "objects") || used > 8<<20 {
		t.Errorf("%d bytes: %v", used, err)
	}
}

// TestManyNamesOfOneDefect: records that are all aliases of each other, in
// circles, do not each tell of all.
func TestManyNamesOfOneDefect(t *testing.T) {
	const n = 2000
	var g advisory.Group
	records := make([]advisory.Advisory, n)
	for i := range records {
		records[i] = advisory.Advisory{ID: fmt.Sprintf("X-%d", i), Aliases: []string{fmt.Sprintf("X-%d", (i+1)%n), fmt.Sprintf("X-%d", i*7%n)}}
		g.Add(&records[i])
	}
	for i := range records {
		g.Resolve(&records[i])
		if len(records[i].Vulnerabilities) != 1 || records[i].Vulnerabilities[0] != "X-0" || len(records[i].Synonyms) > 1000 {
			t.Fatalf("%s: %v, %d synonyms", records[i].ID, records[i].Vulnerabilities, len(records[i].Synonyms))
		}
	}
	notice := advisory.Advisory{ID: "USN-1"}
	for i := range 20_000 {
		notice.Upstream = append(notice.Upstream, fmt.Sprintf("UBUNTU-CVE-2024-%d", 10_000+i))
	}
	g.Resolve(&notice)
	if len(notice.Vulnerabilities) != 20_000 || notice.Vulnerabilities[0] != "CVE-2024-10000" {
		t.Errorf("%d vulnerabilities", len(notice.Vulnerabilities))
	}
}

// TestRangesOfManyEvents: a range of a hundred thousand events in the worst
// order, and with bounds that are no versions, is decided.
func TestRangesOfManyEvents(t *testing.T) {
	var events []string
	for i := range 20_000 {
		events = append(events, fmt.Sprintf(`{"introduced":"%d.0.0"},{"fixed":"%d.5.0"}`, 20_000-i, 20_000-i))
	}
	record := func(events string) advisory.Advisory {
		a, err := advisory.Parse([]byte(`{"id":"X-1","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER","events":[` + events + `]}]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	installed, err := version.Parse("npm", "10000.4.9")
	if err != nil {
		t.Fatal(err)
	}
	a := record(strings.Join(events, ","))
	if verdict, ok := a.Affected[0].Evaluate(installed); !ok || verdict.Introduced != "10000.0.0" || verdict.Fixed != "10000.5.0" {
		t.Errorf("%+v, %v", verdict, ok)
	}
	odd := record(strings.Join(append(events, `{"fixed":"`+strings.Repeat("9", 5000)+`"}`), ","))
	if verdict, ok := odd.Affected[0].Evaluate(installed); ok {
		t.Errorf("a range with a bound of 5,000 digits: %+v", verdict)
	}
	future := record(`{"introduced":"0"}`)
	future.Withdrawn = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, ok := future.Affected[0].Evaluate(installed); !ok {
		t.Error("the date of a withdrawal is no part of a range")
	}
}
