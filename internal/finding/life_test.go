package finding

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/inventory"
)

var start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// world is what the tests evaluate: one resource and its findings.
type world struct {
	findings map[string]Finding
	now      time.Time
	rule     string
	gone     bool
	compared Compared
}

func newWorld() *world {
	return &world{findings: map[string]Finding{}, now: start, compared: Compared{}}
}

func (w *world) evaluate(wanted ...Draft) []Change {
	e := Evaluation{
		Account: "111122223333", Region: "us-east-1", Resource: Resource{Type: Instance, ID: "i-0123456789abcdef0"},
		Wanted: wanted, Now: w.now, ResourceGone: w.gone,
		Suppressed: func(*Finding) string { return w.rule },
	}
	for _, f := range w.findings {
		e.Previous = append(e.Previous, f)
	}
	changes := Evaluate(e)
	for range 2 {
		// What was compared before makes no difference.
		e.Compared = w.compared
		if string(encode(Evaluate(e))) != string(encode(changes)) {
			panic("evaluated with what was compared before, it is another outcome")
		}
	}
	for _, c := range changes {
		w.findings[c.After.ID()] = c.After
	}
	return changes
}

func vulnerable(id, version string) Draft {
	a := Affected{VulnerabilityID: id, Source: "DEBIAN_CVE", FixedVersion: "9-1"}
	a.Item.Component = inventory.Component{Ecosystem: "Debian:12", Name: "libfoo", Version: version, Arch: "amd64", Manager: inventory.ManagerOS}
	return FromPackages([]Affected{a}, func(string) Intel { return Intel{} })[0]
}

func expect(t *testing.T, changes []Change, want ...Kind) {
	t.Helper()
	var got []Kind
	for _, c := range changes {
		got = append(got, c.Kind)
	}
	if len(got) != len(want) {
		t.Fatalf("changes %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("changes %v, want %v", got, want)
		}
	}
}

func TestReopenWithinSevenDays(t *testing.T) {
	w := newWorld()
	opened := w.evaluate(vulnerable("CVE-2026-1", "1-1"))
	expect(t, opened, Opened)
	w.now = w.now.Add(time.Hour)
	expect(t, w.evaluate(), Ended)
	w.now = w.now.Add(ReopenWithin)
	again := w.evaluate(vulnerable("CVE-2026-1", "1-1"))
	expect(t, again, Reopened)
	f := again[0].After
	if f.ARN != opened[0].After.ARN || !f.FirstObservedAt.Equal(start) || !f.LastObservedAt.Equal(w.now) || !f.ClosedAt.IsZero() {
		t.Errorf("reopened as %+v", f.Life)
	}
}

func TestLaterItIsNew(t *testing.T) {
	w := newWorld()
	opened := w.evaluate(vulnerable("CVE-2026-1", "1-1"))
	expect(t, w.evaluate(), Ended)
	w.now = w.now.Add(ReopenWithin + time.Second)
	again := w.evaluate(vulnerable("CVE-2026-1", "1-1"))
	expect(t, again, Opened)
	if f := again[0].After; f.ARN != opened[0].After.ARN || !f.FirstObservedAt.Equal(w.now) {
		t.Errorf("opened again as %s %+v", f.ARN, f.Life)
	}
}

func TestSeenAgainMovesNothing(t *testing.T) {
	w := newWorld()
	w.evaluate(vulnerable("CVE-2026-1", "1-1"))
	w.now = w.now.Add(time.Hour)
	expect(t, w.evaluate(vulnerable("CVE-2026-1", "1-1")))
	changed := w.evaluate(vulnerable("CVE-2026-1", "1-2"))
	expect(t, changed, Changed)
	if f := changed[0].After; !f.LastObservedAt.Equal(w.now) || !f.UpdatedAt.Equal(w.now) || !f.FirstObservedAt.Equal(start) {
		t.Errorf("changed to %+v", f.Life)
	}
}

func TestSmallStepsOfEPSSAreSilent(t *testing.T) {
	w := newWorld()
	d := vulnerable("CVE-2026-1", "1-1")
	d.EPSS = new(0.1)
	w.evaluate(d)
	w.now = w.now.Add(time.Hour)
	d.EPSS = new(0.105)
	small := w.evaluate(d)
	expect(t, small, Refreshed)
	if f := small[0].After; small[0].Published() || !f.UpdatedAt.Equal(start) || *f.EPSS != 0.105 {
		t.Errorf("a small step: published %v, %+v", small[0].Published(), f.Life)
	}
	d.EPSS = new(0.2)
	large := w.evaluate(d)
	expect(t, large, Changed)
	if !large[0].Published() {
		t.Error("a large step of EPSS is not published")
	}
}

func TestEvidenceWordedAnewIsSilent(t *testing.T) {
	w := newWorld()
	d := vulnerable("CVE-2026-1", "1-1")
	w.evaluate(d)
	d = vulnerable("CVE-2026-1", "1-1")
	d.Package.Packages[0].Evidence = []Evidence{{Advisory: "DSA-1-1"}}
	expect(t, w.evaluate(d), Refreshed)
	expect(t, w.evaluate(d))
}

func TestSuppressedLife(t *testing.T) {
	w := newWorld()
	w.rule = "a rule"
	born := w.evaluate(vulnerable("CVE-2026-1", "1-1"))
	expect(t, born, Opened)
	if born[0].After.Status != Suppressed || born[0].Published() {
		t.Errorf("a new finding under a rule is %s, published %v", born[0].After.Status, born[0].Published())
	}
	if c := w.evaluate(vulnerable("CVE-2026-1", "1-2")); c[0].Kind != Changed || c[0].Published() {
		t.Errorf("a suppressed finding's change: %+v", c)
	}
	w.rule = ""
	shown := w.evaluate(vulnerable("CVE-2026-1", "1-2"))
	expect(t, shown, Restored)
	if !shown[0].Published() {
		t.Error("a finding that is shown again is not published")
	}
	w.rule = "a rule"
	hidden := w.evaluate(vulnerable("CVE-2026-1", "1-2"))
	expect(t, hidden, Hidden)
	if !hidden[0].Published() {
		t.Error("the suppression itself is not published")
	}
	if c := w.evaluate(); c[0].Kind != Ended || c[0].Published() {
		t.Errorf("a suppressed finding's end: %+v", c)
	}
}

func TestCauseAndRetention(t *testing.T) {
	d := vulnerable("CVE-2026-1", "1-1")
	for _, tc := range []struct {
		gone, installed bool
		want            Cause
		keep            time.Duration
	}{
		{false, false, PackageChanged, 30 * 24 * time.Hour},
		{false, true, AdvisoryChanged, 30 * 24 * time.Hour},
		{true, true, ResourceGone, 3 * 24 * time.Hour},
	} {
		e := Evaluation{Account: "111122223333", Region: "us-east-1", Now: start}
		e.Resource.ID, e.Wanted = "i-1", []Draft{d}
		e.Previous = []Finding{Evaluate(e)[0].After}
		e.Previous[0].UpdatedAt = start.Add(-time.Hour)
		e.Wanted, e.ResourceGone = nil, tc.gone
		e.Installed = func(Package) bool { return tc.installed }
		f := Evaluate(e)[0].After
		if f.Cause != tc.want || !f.ExpiresAt().Equal(start.Add(tc.keep)) {
			t.Errorf("%+v: cause %q, expires %s", tc, f.Cause, f.ExpiresAt())
		}
	}
}

func drawAffected(t *rapid.T) Affected {
	a := Affected{
		VulnerabilityID: rapid.SampledFrom([]string{"CVE-1", "CVE-2", "GHSA-3"}).Draw(t, "id"),
		FixedVersion:    rapid.SampledFrom([]string{"", "2-1"}).Draw(t, "fixed"),
		Source:          rapid.SampledFrom([]string{"DEBIAN_CVE", "GITHUB", ""}).Draw(t, "source"),
		VendorSeverity:  rapid.SampledFrom([]string{"", "low", "high"}).Draw(t, "word"),
		Related:         rapid.SliceOfN(rapid.SampledFrom([]string{"DSA-1", "GHSA-1", "CVE-1"}), 0, 3).Draw(t, "related"),
	}
	a.Item.Name = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name")
	a.Item.Version = rapid.SampledFrom([]string{"1:1-1", "2"}).Draw(t, "version")
	a.Item.Manager = rapid.SampledFrom([]inventory.Manager{inventory.ManagerOS, inventory.ManagerNPM}).Draw(t, "manager")
	a.Item.Role = rapid.SampledFrom([]inventory.Role{"", "", inventory.RoleKernelHeaders}).Draw(t, "role")
	a.Item.Path = rapid.SampledFrom([]string{"", "x/package.json"}).Draw(t, "path")
	return a
}

// TestEvaluateProperties: whatever happened before, evaluating again changes
// nothing, the order of the input changes nothing, and what is open is exactly
// what was wanted.
func TestEvaluateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for range rapid.IntRange(1, 5).Draw(t, "scans") {
			affected := rapid.SliceOfN(rapid.Custom(drawAffected), 0, 8).Draw(t, "affected")
			intel := func(string) Intel { return Intel{} }
			wanted := FromPackages(affected, intel)
			shuffled := FromPackages(rapid.Permutation(affected).Draw(t, "order"), intel)
			if string(encode(wanted)) != string(encode(shuffled)) {
				t.Fatalf("the order of packages matters:\n%s\n%s", encode(wanted), encode(shuffled))
			}
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 10*24).Draw(t, "hours")) * time.Hour)
			w.rule = rapid.SampledFrom([]string{"", "", "a rule"}).Draw(t, "rule")
			w.evaluate(wanted...)
			if again := w.evaluate(rapid.Permutation(wanted).Draw(t, "drafts")...); len(again) != 0 {
				t.Fatalf("evaluated again, it changes: %+v", again)
			}
			open := 0
			for _, f := range w.findings {
				if f.Status != Closed {
					open++
				}
				if (f.Status == Closed) == f.ClosedAt.IsZero() {
					t.Fatalf("%s closed at %s", f.Status, f.ClosedAt)
				}
				if f.UpdatedAt.Before(f.FirstObservedAt) || f.LastObservedAt.Before(f.FirstObservedAt) {
					t.Fatalf("times run backwards: %+v", f.Life)
				}
			}
			if open != len(wanted) {
				t.Fatalf("%d open findings for %d wanted", open, len(wanted))
			}
		}
	})
}
