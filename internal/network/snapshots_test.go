package network_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/network"
	"muster/internal/network/facts"
	"muster/internal/network/space"
	"muster/internal/testshared"
)

// expectation is one published answer about a public snapshot.
type expectation struct {
	From     string     `json:"from"`
	To       string     `json:"to"`
	Outcome  string     `json:"outcome"`
	Path     []facts.ID `json:"path"`
	Protocol string     `json:"protocol"`
	Port     uint16     `json:"port"`
}

// TestPublicSnapshots compares with what the snapshots' authors publish.
func TestPublicSnapshots(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "targets", "network")
	files, err := filepath.Glob(filepath.Join(dir, "*", "expected.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no snapshots: %v", err)
	}
	for _, file := range files {
		folder := filepath.Dir(file)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			f, err := facts.Read(folder)
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var expected struct{ Flows []expectation }
			if err := json.Unmarshal(data, &expected); err != nil {
				t.Fatal(err)
			}
			s := network.New(f)
			for _, e := range expected.Flows {
				e.check(t, s)
			}
		})
	}
}

func (e *expectation) check(t *testing.T, s *network.Snapshot) {
	t.Helper()
	// The published answers without a port are those of a packet of no
	// particular protocol; 253 is one that no rule names (RFC 3692).
	q := network.Question{Source: e.From, Destination: e.To, AnyPort: true, Protocols: []facts.Protocol{253}}
	if e.Port != 0 {
		q.AnyPort, q.Ports, q.Protocols = false, space.PortRange{First: e.Port, Last: e.Port}, []facts.Protocol{facts.TCP}
	}
	a, err := s.Why(q)
	if err != nil {
		t.Errorf("%s → %s: %v", e.From, e.To, err)
		return
	}
	want := map[string]string{"accepted": "delivered or exits", "exits": "exits", "denied": "denied", "no_route": "no route"}[e.Outcome]
	got := a.Flows[0].Outcome
	if got != want && !(e.Outcome == "accepted" && a.Reachable) || a.Reachable != (e.Outcome == "accepted" || e.Outcome == "exits") {
		data, _ := json.MarshalIndent(a, "", " ")
		t.Errorf("%s → %s: %s, want %s\n%s", e.From, e.To, got, want, data)
	}
}

// TestPublishedConnections compares maps with those that the snapshots'
// authors publish: the same pairs are connected.
func TestPublishedConnections(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "targets", "network")
	for folder, file := range map[string]string{"np-mixed": "aws_mixed_all_vpcs_.txt", "np-basic-sg": "basic_config_with_sg_all_vpcs_.txt"} {
		data, err := os.ReadFile(filepath.Join(dir, folder, "expected", file))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for line := range strings.Lines(string(data)) {
			if from, rest, ok := strings.Cut(line, " => "); ok {
				to, _, _ := strings.Cut(rest, " : ")
				want[side(from)+" → "+side(to)] = true
			}
		}
		f, err := facts.Read(filepath.Join(dir, folder))
		if err != nil {
			t.Fatal(err)
		}
		list, err := network.New(f).Connections("")
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, c := range list {
			got[side(c.From)+" → "+side(c.To)] = true
		}
		if len(want) == 0 || !maps.Equal(got, want) {
			t.Errorf("%s: %v, published %v", folder, got, want)
		}
	}
}

// side is the address of an endpoint, whatever it is called.
func side(text string) string {
	if _, rest, ok := strings.Cut(text, "["); ok {
		return strings.TrimSuffix(rest, "]")
	}
	return "internet"
}
