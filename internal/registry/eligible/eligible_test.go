package eligible_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/registry/eligible"
	"muster/internal/store/activation"
	"muster/internal/store/registry"
)

func TestMeets(t *testing.T) {
	for _, c := range []struct {
		name, filter string
		want         bool
	}{
		{"team/app", "app", true}, {"team/app", "team", true}, {"team/app", "apps", false},
		{"team/app", "app*", false}, {"team/app", "team*", true}, {"team/app", "*app", true}, {"team/app", "*", true},
		{"team/app", "t*m/*p", true}, {"team/app", "t*x*p", false}, {"aba", "ab*ba", false}, {"abba", "ab*ba", true},
		{"prod-a-b", "*a*b", true}, {"prod-a-b", "*b*a", false}, {"a.b", "a?b*", false},
	} {
		if got := eligible.Meets(c.name, c.filter); got != c.want {
			t.Errorf("%q meets %q: %v", c.name, c.filter, got)
		}
	}
}

// meets is the definition, slowly.
func meets(name, filter string) bool {
	if filter == "" {
		return name == ""
	}
	if filter[0] != '*' {
		return name != "" && name[0] == filter[0] && meets(name[1:], filter[1:])
	}
	for i := range len(name) + 1 {
		if meets(name[i:], filter[1:]) {
			return true
		}
	}
	return false
}

func TestMeetsIsItsDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		letters := rapid.SampledFrom([]rune("ab*"))
		filter := rapid.StringOfN(letters, 1, 6, -1).Draw(rt, "filter")
		name := strings.ReplaceAll(rapid.StringOfN(letters, 1, 8, -1).Draw(rt, "name"), "*", "c")
		want := meets(name, filter)
		if !strings.Contains(filter, "*") {
			want = strings.Contains(name, filter)
		}
		if got := eligible.Meets(name, filter); got != want {
			rt.Fatalf("%q meets %q: %v", name, filter, got)
		}
	})
}

func TestFrequency(t *testing.T) {
	s := registry.Scanning{Type: eligible.Enhanced, Rules: []registry.Rule{
		{Frequency: eligible.OnPush, Filters: []string{"*"}}, {Frequency: eligible.Continuous, Filters: []string{"prod", "*app", "x*"}},
	}}
	for name, want := range map[string]string{"prod/app": "CONTINUOUS_SCAN prod *app", "test": "SCAN_ON_PUSH *"} {
		frequency, applied := eligible.Frequency(s, name)
		if got := strings.Join(append([]string{frequency}, applied...), " "); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	s.Type = eligible.Basic
	if f, _ := eligible.Frequency(s, "test"); f != eligible.Manual {
		t.Errorf("basic: %s", f)
	}
	s = registry.Scanning{Type: eligible.Enhanced}
	if f, _ := eligible.Frequency(s, "test"); f != eligible.Manual {
		t.Errorf("without rules: %s", f)
	}
}

func TestInForce(t *testing.T) {
	on := activation.Scan{Status: activation.Enabled, ChangedAt: time.Unix(100, 0)}
	before, after := time.Unix(50, 0), time.Unix(150, 0)
	for _, c := range []struct {
		what string
		set  *registry.Scanning
		scan activation.Scan
		want string
	}{
		{"nothing set, off", nil, activation.Scan{}, "BASIC"},
		{"nothing set, on", nil, on, "ENHANCED *"},
		{"basic set, then switched on", &registry.Scanning{Type: "BASIC", UpdatedAt: before}, on, "ENHANCED *"},
		{"basic set while on", &registry.Scanning{Type: "BASIC", UpdatedAt: after}, on, "BASIC"},
		{"enhanced set, off", &registry.Scanning{Type: "ENHANCED", Rules: []registry.Rule{{Filters: []string{"a"}}}}, activation.Scan{}, "BASIC"},
		{"enhanced set, on", &registry.Scanning{Type: "ENHANCED", Rules: []registry.Rule{{Filters: []string{"a"}}}, UpdatedAt: before}, on, "ENHANCED a"},
	} {
		s := eligible.InForce(c.set, c.scan)
		got := s.Type
		for _, r := range s.Rules {
			got += " " + strings.Join(r.Filters, " ")
		}
		if got != c.want {
			t.Errorf("%s: %s", c.what, got)
		}
	}
}

func TestWindows(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return start.AddDate(0, 0, n) }
	never := time.Time{}
	for _, c := range []struct {
		what                         string
		configuration                activation.Configuration
		pushed, pulled, used, lapsed time.Time
		now                          time.Time
		want                         bool
	}{
		{"fresh", activation.Configuration{}, day(0), never, never, never, day(13), true},
		{"fourteen days after the push", activation.Configuration{}, day(0), never, never, never, day(14), false},
		{"in use", activation.Configuration{}, day(0), never, day(10), never, day(23), true},
		{"not in use any more", activation.Configuration{}, day(0), never, day(10), never, day(24), false},
		{"pulls do not count", activation.Configuration{}, day(0), day(20), never, never, day(21), false},
		{"pulls count", activation.Configuration{PullRescanMode: "LAST_PULL_DATE"}, day(0), day(20), never, never, day(21), true},
		{"uses do not count", activation.Configuration{PullRescanMode: "LAST_PULL_DATE"}, day(0), never, day(20), never, day(21), false},
		{"for life", activation.Configuration{RescanDuration: "LIFETIME"}, day(0), never, never, never, day(5000), true},
		{"a longer window revives nothing", activation.Configuration{RescanDuration: "LIFETIME"}, day(0), never, never, day(14), day(15), false},
		{"a push does", activation.Configuration{}, day(16), never, never, day(14), day(17), true},
		{"a use does", activation.Configuration{PullRescanDuration: "DAYS_30"}, day(0), never, day(20), day(14), day(49), true},
	} {
		e := registry.Entry{PushedAt: c.pushed, PulledAt: c.pulled, UsedAt: c.used, LapsedAt: c.lapsed}
		if got := eligible.WindowsOf(c.configuration).Open(&e, c.now); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}
