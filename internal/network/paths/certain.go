package paths

import (
	"slices"

	"muster/internal/network/guard"
	"muster/internal/network/space"
)

// Certain reports whether nothing on all legs is unknown.
func Certain(legs []Leg) bool {
	return !slices.ContainsFunc(legs, func(l Leg) bool { return !l.Certain() })
}

// Certain reports whether nothing on the way is unknown.
func (l *Leg) Certain() bool {
	return len(l.Forward.Doubts)+len(l.Back.Doubts)+len(l.Forward.Assumed)+len(l.Back.Assumed) == 0
}

// firstClient is the lowest port that clients use (6.4, ACL return path).
const firstClient = 1024

// ClientPorts are the ports that clients may use; all where there are none.
func ClientPorts(t guard.Traffic) space.PortRange {
	if !t.Ported() {
		return space.AllPorts()
	}
	return space.PortRange{First: firstClient, Last: space.MaxPort}
}

// Distinct sorts texts and drops those said twice.
func Distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
