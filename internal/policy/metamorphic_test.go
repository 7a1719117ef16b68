package policy

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// never checks that a change to a scenario never turns a refusal into a grant.
func never(t *testing.T, what string, change func(t *rapid.T, s *scenario)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		s := scenarios().Draw(t, "scenario")
		before := s.policies(t).Evaluate(s.request)
		change(t, &s)
		if after := s.policies(t).Evaluate(s.request); after.Allowed && !before.Allowed {
			t.Fatalf("%s turned %+v into a grant", what, before)
		}
	})
}

// layers are the places of statements in a scenario; absent ones are left out.
func (s *scenario) layers() []*[]stmt {
	var out []*[]stmt
	for _, l := range []*[]stmt{&s.identity, &s.boundary, &s.session, &s.resource} {
		if *l != nil {
			out = append(out, l)
		}
	}
	for i := range s.control {
		out = append(out, &s.control[i])
	}
	return out
}

func TestADenyAnywhereNeverWidens(t *testing.T) {
	never(t, "a Deny statement", func(t *rapid.T, s *scenario) {
		list := s.layers()
		if len(list) == 0 {
			return
		}
		l := rapid.SampledFrom(list).Draw(t, "layer")
		deny := stmts(l == &s.resource, "Deny").Draw(t, "deny")
		*l = slices.Insert(slices.Clone(*l), rapid.IntRange(0, len(*l)).Draw(t, "place"), deny)
	})
}

func TestRemovingAnAllowNeverWidens(t *testing.T) {
	never(t, "the loss of an Allow statement", func(t *rapid.T, s *scenario) {
		for _, l := range s.layers() {
			i := slices.IndexFunc(*l, func(st stmt) bool { return st["Effect"] == "Allow" })
			if i < 0 || l == &s.resource && len(*l) == 1 {
				continue
			}
			if rapid.Bool().Draw(t, "here") {
				*l = slices.Delete(slices.Clone(*l), i, i+1)
				return
			}
		}
	})
}

func TestABoundaryNeverWidens(t *testing.T) {
	never(t, "a boundary", func(t *rapid.T, s *scenario) {
		if s.boundary == nil {
			s.boundary = rapid.SliceOfN(stmts(false, "Allow", "Deny"), 0, 3).Draw(t, "new boundary")
		}
	})
}

func TestASessionPolicyNeverWidens(t *testing.T) {
	never(t, "a session policy", func(t *rapid.T, s *scenario) {
		if s.session == nil {
			s.session = rapid.SliceOfN(stmts(false, "Allow", "Deny"), 0, 3).Draw(t, "new session policy")
		}
	})
}

func TestAControlLevelNeverWidens(t *testing.T) {
	never(t, "a level of service control policies", func(t *rapid.T, s *scenario) {
		level := rapid.SliceOfN(stmts(false, "Allow", "Deny"), 0, 3).Draw(t, "new level")
		s.control = slices.Insert(slices.Clone(s.control), rapid.IntRange(0, len(s.control)).Draw(t, "place"), level)
	})
}

// TestOrderDoesNotMatter shuffles statements and levels.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scenarios().Draw(t, "scenario")
		before := s.policies(t).Evaluate(s.request)
		for _, l := range s.layers() {
			*l = slices.Clone(*l)
			slices.Reverse(*l)
		}
		slices.Reverse(s.control)
		if after := s.policies(t).Evaluate(s.request); after != before {
			t.Fatalf("in another order %+v is %+v", before, after)
		}
	})
}
