package advisory_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/advisory"
	"muster/internal/version"
)

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ json, why string }{
		"empty":           {``, "unexpected end"},
		"not JSON":        {`<html>`, "invalid character"},
		"cut":             {`{"id":"A-1","affected":[`, "unexpected end"},
		"a list":          {`[]`, "cannot unmarshal"},
		"no id":           {`{"summary":"x"}`, "no id"},
		"a path as id":    {`{"id":"../../etc/passwd"}`, "is not an id"},
		"odd date":        {`{"id":"A-1","modified":"yesterday"}`, `date "yesterday"`},
		"odd type":        {`{"id":"A-1","aliases":"CVE-1"}`, "cannot unmarshal"},
		"two in an event": {`{"id":"A-1","affected":[{"ranges":[{"type":"SEMVER","events":[{"introduced":"0","fixed":"1"}]}]}]}`, "exactly one of"},
		"empty event":     {`{"id":"A-1","affected":[{"ranges":[{"type":"SEMVER","events":[{}]}]}]}`, "exactly one of"},
		"too deep":        {`{"id":"A-1","x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "nested deeper"},
		"long name":       {`{"id":"A-1","affected":[{"package":{"ecosystem":"npm","name":"` + strings.Repeat("a", 2000) + `"}}]}`, "too long"},
	} {
		_, err := advisory.Parse([]byte(c.json))
		if !errors.Is(err, advisory.ErrRecord) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := advisory.Parse(make([]byte, advisory.MaxRecordBytes+1)); !errors.Is(err, advisory.ErrRecord) {
		t.Errorf("too large: %v", err)
	}
}

func TestParseReadsVendorsWords(t *testing.T) {
	entry := func(inner string) string {
		return `{"id":"X-1","affected":[{"package":{"ecosystem":"npm","name":"a"}` + inner + `}`
	}
	for json, want := range map[string]string{
		entry(`,"ecosystem_specific":{"urgency":"low**"}}]`):                                       "low",
		entry(`}],"severity":[{"type":"CVSS_V3","score":"v"},{"type":"Ubuntu","score":"high"}]`):   "high",
		entry(`}],"database_specific":{"severity":"MODERATE","cwe_ids":["CWE-79"]}`):               "MODERATE",
		entry(`,"database_specific":{"severity":"High"}}],"database_specific":{"severity":"Low"}`): "High",
		entry(`}],"database_specific":{"severity":9.8}`):                                           "",
		entry(`}],"database_specific":["odd"]`):                                                    "",
	} {
		a, err := advisory.Parse([]byte(json))
		if err != nil {
			t.Errorf("%s: %v", json, err)
		} else if a.Affected[0].Word != want {
			t.Errorf("%s: word %q, want %q", json, a.Affected[0].Word, want)
		}
	}
	a, err := advisory.Parse([]byte(`{"id":"ALSA-1","summary":"Important: kernel update","affected":[{"package":{"ecosystem":"AlmaLinux:9","name":"kernel"},"database_specific":{"status":"fix-not-planned"}}]}`))
	if err != nil || a.Affected[0].Word != "Important" || a.Affected[0].Status != advisory.StatusWontFix {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestKeysAreNormal(t *testing.T) {
	for _, c := range []struct{ ecosystem, name, wantEcosystem, wantName string }{
		{"PyPI", "Zope.-_Interface", "PyPI", "zope-interface"},
		{"NuGet", "Newtonsoft.Json", "NuGet", "newtonsoft.json"},
		{"Packagist:https://packages.drupal.org/8", "Drupal/Core", "Packagist", "drupal/core"},
		{"Maven:https://repo.example.com", "g:A", "Maven", "g:A"},
		{"npm", "JSONStream", "npm", "JSONStream"},
		{"Debian:12", "Glibc", "Debian:12", "Glibc"},
		{"Ubuntu:Pro:18.04:LTS", "vim", "Ubuntu:Pro:18.04:LTS", "vim"},
	} {
		if got := advisory.NewKey(c.ecosystem, c.name); got != (advisory.Key{Ecosystem: c.wantEcosystem, Name: c.wantName}) {
			t.Errorf("%s %s: %+v", c.ecosystem, c.name, got)
		}
	}
}

func TestGroupNamesDefects(t *testing.T) {
	records := []advisory.Advisory{
		{ID: "GHSA-1", Aliases: []string{"PYSEC-1"}},
		{ID: "PYSEC-1", Aliases: []string{"CVE-2024-10", "CVE-2024-9"}},
		{ID: "GO-1", Aliases: []string{"GHSA-2"}},
		{ID: "DSA-1", Upstream: []string{"CVE-2024-9", "CVE-2024-20"}},
		{ID: "ALSA-1", Related: []string{"CVE-2024-20", "RHSA-1"}},
		{ID: "CGA-1", Upstream: []string{"CVE-2024-30", "GHSA-3"}},
		{ID: "USN-1", Related: []string{"CVE-2024-30"}},
		{ID: "USN-2", Upstream: []string{"UBUNTU-CVE-2024-30"}},
		{ID: "USN-3", Upstream: []string{"UBUNTU-CVE-2024-30", "UBUNTU-CVE-2024-9"}},
		{ID: "USN-4", Upstream: []string{"UBUNTU-CVE-odd"}},
	}
	var group advisory.Group
	for i := range records {
		group.Add(&records[i])
	}
	for i, want := range []struct{ names, synonyms string }{
		{"CVE-2024-9", "CVE-2024-10 GHSA-1 PYSEC-1"},
		{"CVE-2024-9", "CVE-2024-10 GHSA-1 PYSEC-1"},
		{"GHSA-2", "GO-1"},
		{"CVE-2024-9 CVE-2024-20", "DSA-1"},
		{"CVE-2024-20", "ALSA-1"},
		{"CVE-2024-30", "CGA-1 GHSA-3"},
		{"USN-1", ""},
		{"CVE-2024-30", "UBUNTU-CVE-2024-30 USN-2"},
		{"CVE-2024-9 CVE-2024-30", "USN-3"},
		{"UBUNTU-CVE-odd", "USN-4"},
	} {
		a := records[i]
		group.Resolve(&a)
		if strings.Join(a.Vulnerabilities, " ") != want.names || strings.Join(a.Synonyms, " ") != want.synonyms {
			t.Errorf("%s: %v also %v, want %+v", a.ID, a.Vulnerabilities, a.Synonyms, want)
		}
	}
}

// TestEvaluateAgainstTheSchema compares with the algorithm as OSV's schema
// writes it, on random ranges in random order.
func TestEvaluateAgainstTheSchema(t *testing.T) {
	kinds := []advisory.EventKind{advisory.Introduced, advisory.Fixed, advisory.LastAffected, advisory.Limit}
	number := rapid.StringMatching(`[0-9]`)
	event := rapid.Custom(func(t *rapid.T) advisory.Event {
		return advisory.Event{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Version: number.Draw(t, "version")}
	})
	rapid.Check(t, func(t *rapid.T) {
		entry := advisory.Affected{Versions: rapid.SliceOfN(number, 0, 2).Draw(t, "list")}
		for range rapid.IntRange(0, 2).Draw(t, "ranges") {
			entry.Ranges = append(entry.Ranges, advisory.Range{Type: advisory.Ecosystem, Events: rapid.SliceOfN(event, 0, 6).Draw(t, "events")})
		}
		text := number.Draw(t, "installed")
		v, err := version.Parse("npm", text)
		if err != nil {
			t.Fatal(err)
		}
		verdict, got := entry.Evaluate(v)
		if want := bySchema(entry, text); got != want {
			t.Fatalf("%s in %+v: %v, the schema says %v", text, entry, got, want)
		}
		if got && verdict.Fixed != "" && verdict.Fixed <= text {
			t.Fatalf("%s in %+v: fixed in %s", text, entry, verdict.Fixed)
		}
	})
}

// bySchema is the evaluation of the schema, for versions of one digit.
func bySchema(a advisory.Affected, v string) bool {
	affected := slices.Contains(a.Versions, v)
	for _, r := range a.Ranges {
		affected = affected || (belowLimit(r, v) && state(r, v))
	}
	return affected
}

func belowLimit(r advisory.Range, v string) bool {
	limits := false
	for _, e := range r.Events {
		if e.Kind == advisory.Limit {
			if limits = true; v < e.Version {
				return true
			}
		}
	}
	return !limits
}

func state(r advisory.Range, v string) bool {
	events := slices.Clone(r.Events)
	slices.SortStableFunc(events, func(x, y advisory.Event) int {
		if c := strings.Compare(x.Version, y.Version); c != 0 {
			return c
		}
		if x.Version == "0" && (x.Kind == advisory.Fixed || y.Kind == advisory.Fixed) {
			return int(y.Kind) - int(x.Kind) // fixed in 0: never affected
		}
		return int(x.Kind) - int(y.Kind)
	})
	s := false
	for _, e := range events {
		switch {
		case e.Kind == advisory.Introduced && e.Version <= v:
			s = true
		case e.Kind == advisory.Fixed && e.Version <= v, e.Kind == advisory.LastAffected && e.Version < v:
			s = false
		}
	}
	return s
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"id":"A-1","modified":"2024-01-01T00:00:00Z","aliases":["CVE-2024-1"],"affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":["1"],"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"last_affected":"2"},{"limit":"*"}]}]}]}`))
	f.Add([]byte(`{"id":"A-1","database_specific":{"severity":[1],"cwe_ids":{}},"severity":[{"type":"Ubuntu","score":"x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := advisory.Parse(data)
		if err != nil {
			if !errors.Is(err, advisory.ErrRecord) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if !json.Valid(data) || a.ID == "" {
			t.Fatalf("accepted %q", data)
		}
		sameText(t, data, &a)
		var group advisory.Group
		group.Add(&a)
		group.Resolve(&a)
		if len(a.Vulnerabilities) == 0 {
			t.Fatal("a record about nothing")
		}
		for _, entry := range a.Affected {
			if v, err := version.Parse("npm", "1.0.0"); err == nil {
				entry.Evaluate(v)
			}
		}
	})
}

// TestEncodeKeepsEverything holds Encode against Parse.
func TestEncodeKeepsEverything(t *testing.T) {
	word := rapid.StringMatching(`[a-z0-9:.+-]{1,12}`)
	words := rapid.SliceOfN(word, 1, 3)
	date := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(1, 4e9).Draw(t, "date"), 0).UTC()
	})
	entry := rapid.Custom(func(t *rapid.T) advisory.Affected {
		a := advisory.Affected{
			Ecosystem: word.Draw(t, "ecosystem"), Name: word.Draw(t, "name"), Word: rapid.StringMatching(`[A-Z][a-z]{0,9}`).Draw(t, "word"),
			Module: word.Draw(t, "module"), Arches: words.Draw(t, "arches"), Versions: words.Draw(t, "versions"),
		}
		a.Status, _ = advisory.StatusNumbered(rapid.Uint64Range(0, 5).Draw(t, "status"))
		a.Ranges = rapid.SampledFrom([][]advisory.Range{advisory.Everything(), advisory.Below("1"), {
			{Type: advisory.SemVer, Events: []advisory.Event{{Kind: advisory.Introduced, Version: "1"}, {Kind: advisory.LastAffected, Version: "2"}, {Kind: advisory.Limit, Version: "*"}}},
		}}).Draw(t, "ranges")
		return a
	})
	rapid.Check(t, func(t *rapid.T) {
		a := advisory.Advisory{
			ID: "X-" + word.Draw(t, "id"), Aliases: words.Draw(t, "aliases"), Upstream: words.Draw(t, "upstream"), Related: words.Draw(t, "related"),
			Modified: date.Draw(t, "modified"), Published: date.Draw(t, "published"), Withdrawn: date.Draw(t, "withdrawn"),
			Summary: word.Draw(t, "summary"), Details: word.Draw(t, "details"), CWEs: words.Draw(t, "cwes"),
			Severity: []advisory.Severity{{Type: "CVSS_V3", Score: word.Draw(t, "score")}}, References: []advisory.Reference{{Type: "WEB", URL: word.Draw(t, "url")}},
			Affected: rapid.SliceOfN(entry, 1, 3).Draw(t, "affected"),
		}
		data, err := advisory.Encode(&a)
		if err != nil {
			t.Fatal(err)
		}
		back, err := advisory.Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		sameText(t, data, &back)
		if !reflect.DeepEqual(a, back) {
			t.Fatalf("wrote %+v\nread  %+v\nof %s", a, back, data)
		}
	})
}

// sameText: ParseText reads what Parse reads, but for packages and versions.
func sameText(t rapid.TB, data []byte, whole *advisory.Advisory) {
	t.Helper()
	text, err := advisory.ParseText(data)
	if err != nil {
		t.Fatalf("the text of an accepted record: %v", err)
	}
	ratings := func(a *advisory.Advisory) map[advisory.Severity]bool {
		set := map[advisory.Severity]bool{}
		for _, entry := range a.Affected {
			for _, s := range entry.Severity {
				set[s] = true
			}
		}
		return set
	}
	if got, want := ratings(&text), ratings(whole); !reflect.DeepEqual(got, want) {
		t.Errorf("ratings %v, want %v", got, want)
	}
	want := *whole
	want.Affected, text.Affected = nil, nil
	if !reflect.DeepEqual(text, want) {
		t.Errorf("text %+v, want %+v", text, want)
	}
}
