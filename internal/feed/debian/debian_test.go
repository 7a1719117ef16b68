package debian_test

import (
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/feed/debian"
	"muster/internal/testshared"
)

const export = `{"glibc":{
 "CVE-2023-4911":{"description":"a flaw","scope":"local","debianbug":1053,"releases":{
  "bookworm":{"status":"resolved","repositories":{"bookworm":"2.36-9"},"fixed_version":"2.36-9+deb12u3","urgency":"not yet assigned"},
  "bullseye":{"status":"resolved","fixed_version":"0","urgency":"low**"},
  "buster":{"status":"open","urgency":"end-of-life"},
  "trixie":{"status":"open","urgency":"medium","nodsa":"waits","nodsa_reason":"postponed"},
  "forky":{"status":"undetermined","urgency":"not yet assigned"},
  "sid":{"status":"open","urgency":"unimportant"}}}},
"shadow":{
 "CVE-2023-4911":{"releases":{"bookworm":{"status":"open","urgency":"low","nodsa":"Minor issue","nodsa_reason":""},
  "trixie":{"status":"open","urgency":"low","nodsa":"Minor issue","nodsa_reason":"ignored"}}},
 "TEMP-0000000-0CA7E3":{"releases":{"sid":{"status":"open","urgency":"high"}}}}}`

// say writes the entries of a record one a line.
func say(a advisory.Advisory) []string {
	var out []string
	for _, e := range a.Affected {
		bound := "*"
		if len(e.Ranges[0].Events) == 2 {
			bound = e.Ranges[0].Events[1].Version
		}
		out = append(out, strings.TrimRight(strings.Join([]string{e.Ecosystem, e.Name, bound, string(e.Status), e.Word}, " "), " "))
	}
	return out
}

func expect(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestTracker(t *testing.T) {
	tracker, err := debian.ParseTracker(strings.NewReader(export))
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Collect(tracker.Advisories())
	if len(all) != 2 || all[0].ID != "DEBIAN-CVE-2023-4911" || all[0].Upstream[0] != "CVE-2023-4911" || all[0].Details != "a flaw" {
		t.Fatalf("%+v", all)
	}
	expect(t, say(all[0]), []string{
		"Debian:12 glibc 2.36-9+deb12u3", "Debian:11 glibc * not_affected low", "Debian:10 glibc * end_of_life",
		"Debian:14 glibc * under_investigation", "Debian:sid glibc *  unimportant", "Debian:13 glibc * postponed medium",
		"Debian:12 shadow * wont_fix low", "Debian:13 shadow * wont_fix low",
	})
	if all[1].ID != "TEMP-0000000-0CA7E3" || all[1].Upstream != nil {
		t.Errorf("%+v", all[1])
	}
}

func TestTrackerRefusals(t *testing.T) {
	for _, bad := range []string{
		"", "[]", "{}", `{"a":[]}`, `{"a":{"CVE-2023-4911":[]}}`, `{"a":{"x":{}}}`, `{"a":{"TEMP-/../x":{}}}`,
		`{"":{"CVE-2023-4911":{"releases":{"sid":{"status":"open"}}}}}`,
		`{"a":{"CVE-2023-4911":{"releases":{"sid":{"status":"fixed"}}}}}`,
		`{"a":{"CVE-2023-4911":{"releases":{"sid":{"status":"resolved"}}}}}`,
		`{"a":{"CVE-2023-4911":{"releases":{"sid":{"status":"open"}}}}`,
	} {
		if _, err := debian.ParseTracker(strings.NewReader(bad)); !errors.Is(err, debian.ErrTracker) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

const list = `[12 Feb 2025] DSA-5865-1 webkit2gtk - security update
	{CVE-2025-24143 CVE-2025-24150}
	[bookworm] - webkit2gtk 2.46.6-1~deb12u1
	[bullseye] - webkit2gtk <not-affected> (not built)
	NOTE: a remark
[11 Feb 2025] DLA-4038-2 dcmtk - regression update
	[bullseye] - dcmtk 3.6.5-1+deb11u3
[ 9 Feb 2012] DSA-2400 x - security update
        [squeeze] - xulrunner <end-of-life>
 	[lenny] - xulrunner <unfixed>
	[etch] - xulrunner <no-idea>
[1 Jan 2001] DSA-001-1 nothing
`

func TestList(t *testing.T) {
	var all []advisory.Advisory
	if err := debian.ParseList(strings.NewReader(list), func(a advisory.Advisory) error { all = append(all, a); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].ID != "DSA-5865-1" || len(all[0].Upstream) != 2 || all[0].Published.Format("2006-01-02") != "2025-02-12" {
		t.Fatalf("%+v", all)
	}
	expect(t, say(all[0]), []string{"Debian:12 webkit2gtk 2.46.6-1~deb12u1", "Debian:11 webkit2gtk * not_affected"})
	expect(t, say(all[1]), []string{"Debian:6 xulrunner * end_of_life", "Debian:5 xulrunner *"})
	stop := errors.New("stop")
	if err := debian.ParseList(strings.NewReader(list), func(advisory.Advisory) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"", "x", "[12 Feb 2025] CVE-2025-1 x", strings.Repeat("x", 2<<20)} {
		if err := debian.ParseList(strings.NewReader(bad), func(advisory.Advisory) error { return nil }); !errors.Is(err, debian.ErrList) {
			t.Errorf("%.40s: %v", bad, err)
		}
	}
}

func TestRealFiles(t *testing.T) {
	raw := filepath.Join(testshared.Dir(t), "advisories", "raw")
	f, err := os.Open(filepath.Join(raw, "debian-tracker-json", "advisory.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tracker, err := debian.ParseTracker(f)
	if err != nil || len(slices.Collect(tracker.Advisories())) != 4 {
		t.Errorf("tracker: %v", err)
	}
	for name, least := range map[string]int{"DSA-list.gz": 5000, "DLA-list.gz": 3500} {
		f, err := os.Open(filepath.Join(raw, "debian-lists", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		n, seen := 0, map[string]bool{}
		err = debian.ParseList(z, func(a advisory.Advisory) error {
			if seen[a.ID] {
				t.Errorf("%s twice", a.ID)
			}
			n, seen[a.ID] = n+1, true
			return nil
		})
		if err != nil || n < least {
			t.Errorf("%s: %d notices, %v", name, n, err)
		}
	}
}

func FuzzTracker(f *testing.F) {
	f.Add(export)
	f.Add(`{"a":{"CVE-2023-4911":{"releases":{"sid":{"status":"open","nodsa":null}}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		tracker, err := debian.ParseTracker(strings.NewReader(text))
		if err != nil {
			return
		}
		for a := range tracker.Advisories() {
			checkRecord(t, a)
		}
	})
}

func FuzzList(f *testing.F) {
	f.Add(list)
	f.Fuzz(func(t *testing.T, text string) {
		err := debian.ParseList(strings.NewReader(text), func(a advisory.Advisory) error { checkRecord(t, a); return nil })
		if err != nil && !errors.Is(err, debian.ErrList) {
			t.Errorf("an error of another kind: %v", err)
		}
	})
}

// checkRecord: what the parsers make can be written and read back.
func checkRecord(t *testing.T, a advisory.Advisory) {
	t.Helper()
	data, err := advisory.Encode(&a)
	if err != nil {
		t.Fatal(err)
	}
	back, err := advisory.Parse(data)
	if err != nil || len(back.Affected) != len(a.Affected) || len(a.Affected) == 0 {
		t.Fatalf("%+v: %v", a, err)
	}
	for i := range a.Affected {
		if back.Affected[i].Status != a.Affected[i].Status {
			t.Errorf("%+v comes back as %+v", a.Affected[i], back.Affected[i])
		}
	}
}
