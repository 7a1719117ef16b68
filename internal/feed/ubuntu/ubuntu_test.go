package ubuntu_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/feed/ubuntu"
	"muster/internal/testshared"
)

const file = `PublicDateAtUSN: 2023-10-03 17:00:00 UTC
Candidate: CVE-2023-4911
PublicDate: 2023-10-03 18:15:00 UTC
References:
 https://ubuntu.com/security/notices/USN-6409-1
Description:
 A buffer overflow
 in ld.so.
Notes:
 somebody> jammy_glibc: released (1.0)
Priority: high
 Local privilege escalation.
Priority_dietlibc: low
CVSS:
 nvd: CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H [7.8 HIGH]
 asf: CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H [7.8 HIGH]

Patches_glibc:
 upstream: https://example.org/
upstream_glibc: needs-triage
trusty_glibc: ignored (end of standard support)
trusty/esm_glibc: released (2.19-0ubuntu6.15+esm4)
xenial_glibc: ignored (end of life, was deferred [2022-02-01])
esm-infra/xenial_glibc: not-affected (code not present)
fips-updates/focal_glibc: needed
bionic_glibc: DNE
focal_glibc: deferred (2022-02-01)
groovy_glibc: ignored (end of life, was needs-triage)
jammy_glibc: released (2.35-0ubuntu3.4)
lunar_glibc: released
noble_glibc: needs-triage
devel_glibc: pending (2.40-1)
vivid/ubuntu-core_glibc: needed
questing_glibc: pending (2.40-1)

jammy_dietlibc: ignored (change too intrusive)
# comment
`

func say(a advisory.Advisory) []string {
	var out []string
	for _, e := range a.Affected {
		bound := "*"
		if events := e.Ranges[0].Events; len(events) == 2 {
			bound = events[1].Version
		}
		out = append(out, strings.Join([]string{e.Ecosystem, e.Name, bound, string(e.Status), e.Word}, " "))
	}
	return out
}

func TestParse(t *testing.T) {
	a, err := ubuntu.Parse(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Ubuntu:Pro:14.04:LTS glibc 2.19-0ubuntu6.15+esm4  high",
		"Ubuntu:16.04:LTS glibc * end_of_life high",
		"Ubuntu:Pro:16.04:LTS glibc * not_affected high",
		"Ubuntu:Pro:FIPS-updates:20.04:LTS glibc *  high",
		"Ubuntu:20.04:LTS glibc * postponed high",
		"Ubuntu:22.04:LTS glibc 2.35-0ubuntu3.4  high",
		"Ubuntu:24.04:LTS glibc * under_investigation high",
		"Ubuntu:25.10 glibc *  high",
		"Ubuntu:22.04:LTS dietlibc * wont_fix low",
	}
	if got := say(a); !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	if a.ID != "UBUNTU-CVE-2023-4911" || a.Upstream[0] != "CVE-2023-4911" || a.Details != "A buffer overflow\nin ld.so." ||
		a.Published.Hour() != 18 || len(a.Severity) != 1 || len(a.References) != 2 || !a.Withdrawn.IsZero() {
		t.Errorf("%+v", a)
	}
}

func TestRejected(t *testing.T) {
	a, err := ubuntu.Parse(strings.NewReader("Candidate: CVE-2023-1\nPublicDate: 2023-10-03\nDescription:\n ** REJECT ** not a flaw\njammy_a: needed\n"))
	if err != nil || a.Withdrawn.IsZero() {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestRefusals(t *testing.T) {
	for _, bad := range []string{"", "x", "Candidate: x", "\x00", strings.Repeat("x", 2<<20)} {
		if _, err := ubuntu.Parse(strings.NewReader(bad)); !errors.Is(err, ubuntu.ErrFile) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func TestRealFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testshared.Dir(t), "advisories", "raw", "ubuntu-cve-tracker", "*_CVE-*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		a, err := ubuntu.Parse(f)
		if err != nil || len(a.Affected) < 3 || a.Published.IsZero() || a.Details == "" {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
		for _, e := range a.Affected {
			if e.Word == "" || !strings.HasPrefix(e.Ecosystem, "Ubuntu:") {
				t.Errorf("%s: %+v", name, e)
			}
		}
		f.Close()
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ubuntu.Parse(strings.NewReader(text))
		if err != nil {
			if !errors.Is(err, ubuntu.ErrFile) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		data, err := advisory.Encode(&a)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := advisory.Parse(data); err != nil || len(back.Affected) != len(a.Affected) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
