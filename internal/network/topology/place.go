package topology

import (
	"net/netip"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// Text shows the address, with its public twin.
func (p Place) Text() string {
	text := p.Address.Private.String()
	if p.Address.Private.IsSingleIP() {
		text = p.Address.Private.Addr().String()
	}
	if p.Address.Public.IsValid() {
		text += " (public " + p.Address.Public.String() + ")"
	}
	return text
}

// Own are the addresses of an interface.
func (n *Interface) Own() space.Set {
	var prefixes []netip.Prefix
	for _, a := range n.Addresses {
		prefixes = append(prefixes, a.Private)
	}
	return space.Of(prefixes...)
}

// Public reports whether the internet gateway maps a public address to it.
func (p Place) Public(internet space.Set) bool {
	a := p.Address.Private
	return p.Address.Public.IsValid() || p.Interface.facing && a.Addr().Is4() || a.Addr().Is6() && internet.Contains(a.Addr())
}

// Label names a place.
func (p Place) Label() string {
	name := string(p.Interface.Instance)
	if name == "" {
		name = string(p.Interface.ID)
	}
	return name + "[" + p.Address.Private.Addr().String() + "]"
}

// Serves reports whether EC2 itself answers at an address: metadata, time and
// the like, and the VPC's resolver. No rule can block those (6.4, ACL
// exemptions).
func (v *VPC) Serves(a netip.Addr) bool {
	if linkServices().Contains(a) {
		return true
	}
	for _, c := range v.CIDRs {
		if c.Addr().Is4() && a == c.Addr().Next().Next() {
			return true
		}
	}
	return false
}

// Places of an interface are all its addresses; of a delegated prefix the
// first.
func (n *Interface) Places() []Place {
	var out []Place
	for _, a := range n.Addresses {
		out = append(out, Place{n, facts.Address{Private: Single(a.Private.Addr()), Public: a.Public}})
	}
	return out
}

// SameFamily is the interface's first address of the family of another.
func (p Place) SameFamily(a netip.Addr) Place {
	for _, own := range p.Interface.Addresses {
		if own.Private.Addr().Is4() == a.Is4() {
			return Place{p.Interface, own}
		}
	}
	return p
}

// Single is the prefix of one address.
func Single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// AttachmentOf is the transit gateway's attachment of a VPC.
func (s *Network) AttachmentOf(gateway, vpc facts.ID) *Attachment {
	return s.Joined[[2]facts.ID{gateway, vpc}]
}
