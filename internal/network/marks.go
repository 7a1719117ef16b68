package network

import (
	"hash/fnv"

	"muster/internal/network/facts"
	"muster/internal/network/paths"
)

// marks joins a mark with those of further legs.
func (c *collector) marks(m uint64, legs []paths.Leg) uint64 {
	if c.used == nil {
		return 0
	}
	for i := range legs {
		m = m*31 + legs[i].Mark()
		for k := range legs[i].Forward.Filters {
			m += c.named(&legs[i].Forward.Filters[k])
		}
	}
	return m
}

// named is a mark of the members of the groups that a filter's rules name:
// which rules open something depends on them, even where others open the same.
func (c *collector) named(f *paths.Filter) uint64 {
	if f.Interface == nil {
		return 0
	}
	var m uint64
	for _, g := range f.Interface.Guards.Groups {
		rules := g.Rules(f.Egress)
		for i := range rules {
			if rules[i].Group != "" {
				m = m*31 + c.membersOf(rules[i].Group)
			}
		}
	}
	return m
}

// membersOf is a mark of the addresses of a group's members.
func (c *collector) membersOf(id facts.ID) uint64 {
	if m, ok := c.members[id]; ok {
		return m
	}
	h := fnv.New64a()
	for _, n := range c.s.Members[id] {
		b := append([]byte(n.VPC), 0)
		for _, a := range n.Addresses {
			b = a.Private.AppendTo(b)
		}
		_, _ = h.Write(append(b, 0)) // a hash's Write never fails
	}
	c.members[id] = h.Sum64()
	return c.members[id]
}
