package space

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// MaxPort is the highest port of TCP and UDP.
const MaxPort = 65535

// PortRange are ports from First to Last, both included.
type PortRange struct {
	First uint16 `json:"first"`
	Last  uint16 `json:"last"`
}

// String is "22" or "1000-2000".
func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return strconv.Itoa(int(r.First)) + "-" + strconv.Itoa(int(r.Last))
}

// AllPorts are all ports.
func AllPorts() PortRange { return PortRange{0, MaxPort} }

// PortsText joins ranges with commas; "all ports" where nothing is left out.
func PortsText(ranges []PortRange) string {
	if len(ranges) == 1 && ranges[0] == AllPorts() {
		return "all ports"
	}
	texts := make([]string, len(ranges))
	for i, r := range ranges {
		texts[i] = r.String()
	}
	return strings.Join(texts, ",")
}

// Ports unites ranges of ports, in maximal runs.
func Ports(lists ...[]PortRange) []PortRange {
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b PortRange) int { return cmp.Compare(a.First, b.First) })
	var out []PortRange
	for _, r := range all {
		if n := len(out); n > 0 && int(r.First) <= int(out[n-1].Last)+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}

// Segment says which addresses belong to each port of a range.
type Segment struct {
	PortRange
	Addrs Set
}

// Map gives every port a set of addresses. It is canonical: segments are
// sorted and disjoint, none is empty, and neighbours differ. The zero value
// gives every port the empty set.
type Map []Segment

// Everywhere gives all ports the same set.
func Everywhere(s Set) Map { return Over(AllPorts(), s) }

// Over gives the ports of a range the set, and others the empty set.
func Over(r PortRange, s Set) Map {
	if s.Empty() {
		return nil
	}
	return Map{{r, s}}
}

// At is the set of one port.
func (m Map) At(port uint16) Set {
	i, ok := slices.BinarySearchFunc(m, port, func(s Segment, p uint16) int {
		switch {
		case s.Last < p:
			return -1
		case s.First > p:
			return 1
		}
		return 0
	})
	if !ok {
		return Set{}
	}
	return m[i].Addrs
}

// And intersects port by port.
func (m Map) And(n Map) Map {
	var out Map
	for i, j := 0, 0; i < len(m) && j < len(n); {
		first, last := max(m[i].First, n[j].First), min(m[i].Last, n[j].Last)
		if first <= last {
			out = out.add(Segment{PortRange{first, last}, m[i].Addrs.Intersect(n[j].Addrs)})
		}
		if m[i].Last < n[j].Last {
			i++
		} else {
			j++
		}
	}
	return out
}

// add appends a segment that lies behind all others.
func (m Map) add(s Segment) Map {
	if s.Addrs.Empty() {
		return m
	}
	if n := len(m); n > 0 && int(m[n-1].Last)+1 == int(s.First) && m[n-1].Addrs.Equal(s.Addrs) {
		m[n-1].Last = s.Last
		return m
	}
	return append(m, s)
}

// Within keeps the addresses of a set.
func (m Map) Within(s Set) Map {
	var out Map
	for _, segment := range m {
		out = out.add(Segment{segment.PortRange, segment.Addrs.Intersect(s)})
	}
	return out
}

// Clip keeps the ports of a range.
func (m Map) Clip(r PortRange) Map {
	var out Map
	for _, s := range m {
		if first, last := max(s.First, r.First), min(s.Last, r.Last); first <= last {
			out = append(out, Segment{PortRange{first, last}, s.Addrs})
		}
	}
	return out
}

// Addrs is the union over all ports.
func (m Map) Addrs() Set {
	if len(m) == 1 {
		return m[0].Addrs
	}
	sets := make([]Set, len(m))
	for i, s := range m {
		sets[i] = s.Addrs
	}
	return Union(sets...)
}

// Ports are the ports that have addresses, in maximal runs.
func (m Map) Ports() []PortRange {
	var out []PortRange
	for _, s := range m {
		if n := len(out); n > 0 && int(out[n-1].Last)+1 == int(s.First) {
			out[n-1].Last = s.Last
			continue
		}
		out = append(out, s.PortRange)
	}
	return out
}

// PortsOf are the ports whose set contains some of the addresses.
func (m Map) PortsOf(s Set) []PortRange { return m.Within(s).Ports() }

// Equal reports whether every port has the same set in both.
func (m Map) Equal(n Map) bool {
	return slices.EqualFunc(m, n, func(a, b Segment) bool { return a.PortRange == b.PortRange && a.Addrs.Equal(b.Addrs) })
}

// Or unites port by port.
func Or(maps ...Map) Map {
	total, last := 0, Map(nil)
	for _, m := range maps {
		if len(m) > 0 {
			total, last = total+len(m), m
		}
	}
	if total == len(last) {
		return last
	}
	all := make([]Segment, 0, total)
	for _, m := range maps {
		all = append(all, m...)
	}
	return Overlay(all)
}

// Overlay unites segments of any order and overlap, which it may reorder.
func Overlay(all []Segment) Map {
	if len(all) == 0 {
		return nil
	}
	if len(all) == 1 {
		return Over(all[0].PortRange, all[0].Addrs)
	}
	slices.SortFunc(all, func(a, b Segment) int { return cmp.Compare(a.First, b.First) })
	cuts := make([]int, 0, 2*len(all))
	for _, s := range all {
		cuts = append(cuts, int(s.First), int(s.Last)+1)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var out Map
	var live []Segment
	var sets []Set
	next := 0
	for i := range len(cuts) - 1 {
		first, end := cuts[i], cuts[i+1]
		live = slices.DeleteFunc(live, func(s Segment) bool { return int(s.Last) < first })
		for ; next < len(all) && int(all[next].First) <= first; next++ {
			live = append(live, all[next])
		}
		sets = sets[:0]
		for _, s := range live {
			sets = append(sets, s.Addrs)
		}
		out = out.add(Segment{PortRange{uint16(first), uint16(end - 1)}, Union(sets...)})
	}
	return out
}
