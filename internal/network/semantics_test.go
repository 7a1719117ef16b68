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
)

// TestSemantics runs the scripts in testdata/semantics: at least one for each
// row of the specification's table of semantics (6.4).
func TestSemantics(t *testing.T) {
	files, err := filepath.Glob("testdata/semantics/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases, err := networktest.Cases(string(text))
		if err != nil || len(cases) == 0 {
			t.Fatalf("%s: %v, %d cases", file, err, len(cases))
		}
		for _, c := range cases {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+c.Name, func(t *testing.T) {
				s := network.New(c.Facts)
				for _, a := range c.Asks {
					check(t, file, s, a)
				}
			})
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
