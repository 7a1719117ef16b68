package cli

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/testshared"
)

// TestNetworkWhy: exit codes, and words that help, for right and wrong input.
func TestNetworkWhy(t *testing.T) {
	facts := filepath.Join(testshared.Dir(t), "targets", "network")
	private := " --facts " + filepath.Join(facts, "public-private-subnet")
	mixed := " --facts " + filepath.Join(facts, "np-mixed", "config.json")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"why --help", 0, "Exit codes:"},
		{"why a b", 2, "--facts is required"},
		{"why a" + private, 2, "takes a source and a destination"},
		{"why internet i-094a9e5b545a4fde4:22" + private, 0, "YES: internet → i-094a9e5b545a4fde4, tcp 22\n"},
		{"why internet i-094a9e5b545a4fde4:22 --protocol all" + private, 0, "i-094a9e5b545a4fde4, port 22\n"},
		{"why internet i-094a9e5b545a4fde4:22 --expect closed" + private, 3, "expected i-094a9e5b545a4fde4:22 to be closed"},
		{"why internet i-094a9e5b545a4fde4:80 --expect closed" + private, 0, "sg-0662342465612f419"},
		{"why internet i-094a9e5b545a4fde4:22 --expect nonsense" + private, 2, "neither open nor closed"},
		{"why internet i-094a9e5b545a4fde4:ssh" + private, 2, `"ssh" is no port`},
		{"why internet i-0000:22" + private, 1, "is no instance"},
		{"why internet i-094a9e5b545a4fde4:22 --protocol banana" + private, 2, `"banana" is no protocol`},
		{"why internet i-094a9e5b545a4fde4:22 --format xml" + private, 2, "neither text nor json"},
		{"why internet 10.0.0.47" + private, 0, "its public one is 13.58.55.60"},
		{"why internet i-094a9e5b545a4fde4" + private, 0, "i-094a9e5b545a4fde4, anything\n"},
		{"why internet i-094a9e5b545a4fde4 --protocol icmp" + private, 0, "NO: internet → i-094a9e5b545a4fde4, icmp\n"},
		{"why InstanceId:20 InstanceId:6:9080" + mixed, 0, "YES"},
		{"why InstanceId:20 InstanceId:13:9080" + mixed, 0, "NO"},
		{"why r1 q2" + mixed, 0, "GroupId:9"},
		{"why a b --facts /nowhere", 1, "no such file"},
		{"map" + mixed, 0, "InstanceId:20[10.240.48.198] → InstanceId:6[10.240.32.122]: tcp 9080"},
		{"map", 2, "--facts is required"},
		{"map --within SubnetId:5" + mixed, 0, "udp all ports"},
		{"exposure" + private, 0, "MEDIUM        i-094a9e5b545a4fde4: Port 22 is reachable from an Internet Gateway - TCP (SSH)"},
		{"exposure --fail-on medium" + private, 3, "--fail-on is MEDIUM"},
		{"exposure --fail-on high" + private, 0, "sg-0662342465612f419"},
		{"exposure --trusted 0.0.0.0/0" + private, 0, "nothing is exposed"},
		{"exposure --trusted all" + private, 2, "no CIDR block"},
		{"diff " + filepath.Join(facts, "np-mixed") + " " + filepath.Join(facts, "np-mixed", "config.json"), 0, "nothing changed"},
		{"diff " + filepath.Join(facts, "np-mixed") + " " + filepath.Join(facts, "np-basic-sg"), 3, "+ internet → "},
		{"diff one", 2, "takes two folders"},
	} {
		var out bytes.Buffer
		code := Main(append([]string{"network"}, strings.Fields(c.args)...), &out, &out)
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("muster network %s: exit %d, want %d with %q; it said:\n%.1500s", c.args, code, c.code, c.want, out.String())
		}
	}
	var out, messages bytes.Buffer
	if code := Main(append([]string{"network"}, strings.Fields("why internet i-094a9e5b545a4fde4:22 --format json"+private)...), &out, &messages); code != 0 {
		t.Fatal(messages.String())
	}
	var answer struct{ Reachable bool }
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil || !answer.Reachable {
		t.Errorf("%v, %s", err, out.String())
	}
}
