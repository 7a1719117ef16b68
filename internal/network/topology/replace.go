package topology

import (
	"cmp"
	"slices"

	"muster/internal/network/facts"
	"muster/internal/network/guard"
)

// ReplaceGroup gives a group other rules, and returns it; nil where the network
// has no such group. The network's facts change, too; nobody may read them
// meanwhile.
func (s *Network) ReplaceGroup(f facts.Group) *guard.Group {
	i, ok := slices.BinarySearchFunc(s.Facts.Groups, f.ID, func(g facts.Group, id facts.ID) int { return cmp.Compare(g.ID, id) })
	if !ok {
		return nil
	}
	s.Facts.Groups[i] = f
	g := s.groups[f.ID]
	g.Replace(&s.Facts.Groups[i])
	for _, n := range s.Members[f.ID] {
		n.Guards.Forget()
	}
	return g
}

// ReplaceACL is ReplaceGroup for the entries of a network ACL.
func (s *Network) ReplaceACL(f facts.ACL) *guard.ACL {
	i, ok := slices.BinarySearchFunc(s.Facts.ACLs, f.ID, func(a facts.ACL, id facts.ID) int { return cmp.Compare(a.ID, id) })
	if !ok {
		return nil
	}
	s.Facts.ACLs[i] = f
	a := s.acls[f.ID]
	a.Replace(&s.Facts.ACLs[i])
	return a
}
