package paths

import "hash/fnv"

// Mark is a number that differs where components, routes or rules on the leg
// differ, so that two analyses can be compared without telling all details.
// The ends, and groups by name, do not count: interfaces of a subnet share
// what leads to them, and what groups allow is counted with the filters.
func (l *Leg) Mark() uint64 {
	h := fnv.New64a()
	write := func(text string) { _, _ = h.Write(append([]byte(text), 0)) } // a hash's Write never fails
	for _, t := range []*Trail{&l.Forward, &l.Back} {
		for _, hop := range t.Hops() {
			switch hop.Type {
			case "AWS::EC2::NetworkInterface", "AWS::EC2::Instance", "AWS::EC2::SecurityGroup":
				continue
			}
			write(hop.Type)
			write(string(hop.ID))
			write(hop.Detail)
		}
		for _, text := range t.Doubts {
			write(text)
		}
		for _, text := range t.Assumed {
			write(text)
		}
	}
	m := h.Sum64()
	for _, t := range []*Trail{&l.Forward, &l.Back} {
		for i := range t.Filters {
			m = m*31 + t.Filters[i].Mark()
		}
	}
	return m
}

// Mark is that of the ACL's entries, or of the groups' rules.
func (f *Filter) Mark() uint64 {
	if f.ACL != nil {
		return f.ACL.Mark()
	}
	if !f.ruled() {
		return 1
	}
	var m uint64
	for _, g := range f.Interface.Guards.Groups {
		m = m*31 + g.Mark()
	}
	return m
}
