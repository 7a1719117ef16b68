package guard

import (
	"hash/fnv"
	"strconv"

	"muster/internal/network/facts"
)

// Mark is a number that differs where rules differ, the same for the same
// rules in every process.
func (g *Group) Mark() uint64 {
	if m := g.mark.Load(); m != 0 {
		return m
	}
	b := append([]byte(nil), g.ID...)
	for _, egress := range []bool{false, true} {
		rules := g.Rules(egress)
		for i := range rules {
			b = appendRule(append(b, '\n', byte(index(egress))), &rules[i])
		}
	}
	g.mark.Store(sum(b))
	return g.mark.Load()
}

func appendRule(b []byte, r *facts.Rule) []byte {
	b = appendMatch(b, r.Match)
	b = append(r.CIDR.AppendTo(b), ' ')
	b = append(append(b, r.PrefixList...), ' ')
	b = append(append(b, r.Group...), ' ')
	b = append(append(b, r.Peering...), ' ')
	return strconv.AppendBool(b, r.Stale)
}

func appendMatch(b []byte, m facts.Match) []byte {
	for _, n := range []int{int(m.Protocol), m.From, m.To} {
		b = append(strconv.AppendInt(b, int64(n), 10), ' ')
	}
	return b
}

// Mark is that of the list's entries.
func (a *ACL) Mark() uint64 {
	if m := a.mark.Load(); m != 0 {
		return m
	}
	b := append([]byte(nil), a.ID...)
	for _, e := range a.Entries {
		b = append(strconv.AppendInt(append(b, '\n'), int64(e.Number), 10), ' ')
		b = appendMatch(strconv.AppendBool(strconv.AppendBool(b, e.Egress), e.Allow), e.Match)
		b = e.CIDR.AppendTo(b)
	}
	a.mark.Store(sum(b))
	return a.mark.Load()
}

func sum(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b) // a hash's Write never fails
	return max(h.Sum64(), 1)
}
