package quality_test

import (
	"os/exec"
	"testing"

	"muster/internal/testshared"
	"muster/test/quality"
)

// TestGate measures every target of the shared data and fails when a number
// is not the committed one. The program runs by itself, because the race
// detector would make compiling every advisory take minutes.
func TestGate(t *testing.T) {
	if testing.Short() {
		t.Skip("every target on all advisories")
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "../cmd/quality", "-shared", testshared.Dir(t), "-cache", t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestJudge(t *testing.T) {
	was := quality.Score{Packages: 10, Judged: 9, Hits: 5, Digest: "a", True: 5, AtHand: 4, Found: 3, False: 3, Reported: 1}
	for name, test := range map[string]struct {
		change         func(*quality.Score)
		worse, changed int
	}{
		"equal":                   {func(*quality.Score) {}, 0, 0},
		"a true claim missed":     {func(s *quality.Score) { s.Found-- }, 2, 0},
		"a true claim found":      {func(s *quality.Score) { s.Found++ }, 0, 2},
		"a false claim reported":  {func(s *quality.Score) { s.Reported++ }, 1, 0},
		"a false claim gone":      {func(s *quality.Score) { s.Reported-- }, 0, 1},
		"packages not judged":     {func(s *quality.Score) { s.Judged-- }, 1, 0},
		"packages not found":      {func(s *quality.Score) { s.Packages-- }, 1, 0},
		"other findings":          {func(s *quality.Score) { s.Digest = "b" }, 0, 1},
		"new advisories, unfound": {func(s *quality.Score) { s.AtHand++ }, 1, 0},
		"more claims":             {func(s *quality.Score) { s.True++ }, 0, 1},
	} {
		is := was
		test.change(&is)
		v := quality.Judge(map[string]quality.Score{"t": was}, map[string]quality.Score{"t": is})
		if len(v.Worse) != test.worse || len(v.Changed) != test.changed {
			t.Errorf("%s: worse %q, changed %q", name, v.Worse, v.Changed)
		}
	}
	v := quality.Judge(map[string]quality.Score{"gone": was}, map[string]quality.Score{"new": was})
	if len(v.Worse) != 0 || len(v.Changed) != 2 {
		t.Errorf("other targets: %+v", v)
	}
}

func TestTheTableIsAsWritten(t *testing.T) {
	scores, err := quality.ReadTable()
	if err != nil || len(scores) < 50 {
		t.Fatalf("%d targets, %v", len(scores), err)
	}
}
