package network_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/network"
	"muster/internal/network/facts"
	"muster/internal/network/networktest"
	"muster/internal/testshared"
)

// scripts are the cases of testdata/semantics by file.
func scripts(t *testing.T) map[string][]networktest.Case {
	t.Helper()
	files, err := filepath.Glob("testdata/semantics/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	out := map[string][]networktest.Case{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases, err := networktest.Cases(string(text))
		if err != nil || len(cases) == 0 {
			t.Fatalf("%s: %v, %d cases", file, err, len(cases))
		}
		out[file] = cases
	}
	return out
}

// TestSemantics runs the scripts in testdata/semantics, under the name of the
// row of the specification's table of semantics (6.4) that each is a case of.
func TestSemantics(t *testing.T) {
	for file, cases := range scripts(t) {
		for _, c := range cases {
			t.Run(c.Row+"/"+c.Name, func(t *testing.T) {
				s := network.New(c.Facts)
				for _, a := range c.Asks {
					check(t, file, s, a)
				}
			})
		}
	}
}

// TestEveryRowHasCases: each row of the specification's table has a case of its
// own, and no case is of a row that the table does not have.
func TestEveryRowHasCases(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testshared.Dir(t), "spec", "network-reachability.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "### 6.4")
	table, _, _ = strings.Cut(table, "\n### ")
	cases := map[string]int{}
	for line := range strings.Lines(table) {
		if row := strings.TrimSpace(strings.Split(line+"|", "|")[1]); strings.HasPrefix(line, "|") && row != "Component" && row != "---" {
			cases[row] = 0
		}
	}
	if len(cases) < 25 {
		t.Fatalf("the table of 6.4 has %d rows: %v", len(cases), cases)
	}
	for file, list := range scripts(t) {
		for _, c := range list {
			if _, ok := cases[c.Row]; !ok {
				t.Errorf("%s: %s: the table has no row %q", file, c.Name, c.Row)
			}
			cases[c.Row] += len(c.Asks)
		}
	}
	for row, n := range cases {
		if n == 0 {
			t.Errorf("no case asks about the row %q", row)
		}
	}
}

func check(t *testing.T, file string, s *network.Snapshot, a networktest.Ask) {
	t.Helper()
	q, err := s.ParseQuestion(a.Source, a.Destination, a.Protocol)
	if err != nil {
		t.Errorf("%s:%d: %v", file, a.Line, err)
		return
	}
	got, err := s.Why(q)
	if err != nil {
		t.Errorf("%s:%d: %v", file, a.Line, err)
		return
	}
	outcome := "closed"
	switch {
	case got.Reachable && got.Confidence == "unknown":
		outcome = "unknown"
	case got.Reachable:
		outcome = "open"
	}
	if outcome != a.Want || !mentions(&got.Flows[0], a) {
		data, err := json.MarshalIndent(got, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s:%d: %s → %s is %s, want %s at %q saying %q\n%s", file, a.Line, a.Source, a.Destination, outcome, a.Want, a.At, a.Says, data)
	}
}

// mentions reports whether a flow is stopped at, or passes, what a script
// says, and explains itself so.
func mentions(f *network.Flow, a networktest.Ask) bool {
	var said []string
	at := a.At == ""
	if a.Want == "closed" {
		at = at || len(f.Obstacles) > 0 && f.Obstacles[0].Component.ID == facts.ID(a.At)
	} else {
		for _, h := range f.Path {
			at = at || h.ID == facts.ID(a.At)
			said = append(said, h.Detail)
		}
	}
	for _, o := range f.Obstacles {
		said = append(said, o.Reason)
	}
	said = append(append(append(said, f.Doubts...), f.Assumed...), f.Changes...)
	return at && strings.Contains(strings.Join(said, "\n"), a.Says)
}
