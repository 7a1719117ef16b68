package ask

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"muster/internal/network/facts"
	"muster/internal/network/space"
	"muster/internal/network/topology"
)

// endpoint is what one side of a question stands for.
type endpoint struct {
	text string
	// label is how answers call it.
	label  string
	places []topology.Place
	// edge is set for gateways; vpcs are those it leads into.
	edge *topology.Edge
	vpcs []facts.ID
	// set is what lies outside: the internet, or addresses no interface has.
	set space.Set
	// internet: the set is what lies behind internet gateways only.
	internet bool
	// balancer is set for load balancers.
	balancer *topology.Balancer
	// named is the address that was asked for, when it was one.
	named netip.Addr
}

// UnknownError says that a text names nothing among the facts.
type UnknownError struct{ Text string }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("%q is no instance, interface, subnet, VPC, gateway or load balancer among the facts, no address and no block; \"internet\" is all public addresses", e.Text)
}

// AmbiguousError says that a name is that of several resources.
type AmbiguousError struct {
	Text string
	IDs  []facts.ID
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is the name of %d resources (%s, %s …); give an id", e.Text, len(e.IDs), e.IDs[0], e.IDs[1])
}

// endpointOf finds what a text names: an id first, then an address, a block, a
// name.
func (s *Asker) endpointOf(text string) (endpoint, error) {
	e := endpoint{text: text, label: text}
	if strings.EqualFold(text, "internet") {
		e.set, e.internet = s.Internet, true
		return e, nil
	}
	if s.byID(&e, facts.ID(text)) {
		return e, nil
	}
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		s.byAddress(&e, a.Unmap())
		return e, nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		s.byBlock(&e, p.Masked())
		return e, nil
	}
	found := s.byName(text)
	switch len(found) {
	case 0:
		return e, &UnknownError{text}
	case 1:
		s.byID(&e, found[0])
		e.label = text + " (" + string(found[0]) + ")"
		return e, nil
	}
	return e, &AmbiguousError{text, found}
}

// byID fills in what an id names.
func (s *Asker) byID(e *endpoint, id facts.ID) bool {
	if n := s.Interfaces[id]; n != nil {
		e.places = n.Places()
		return true
	}
	if s.Instances[id] != nil || s.Subnets[id] != nil || s.VPCs[id] != nil {
		for _, n := range s.Order {
			if n.Instance == id || n.Subnet == id || n.VPC == id {
				e.places = append(e.places, n.Places()...)
			}
		}
		return true
	}
	if nat := s.NATs[id]; nat != nil {
		e.places = nat.Interface.Places()
		return true
	}
	for _, b := range s.Balancers {
		if b.ID == id {
			e.places, e.balancer = b.Places, b
			return true
		}
	}
	return s.edgeByID(e, id)
}

// edgeByID fills in what the id of a gateway or connection names.
func (s *Asker) edgeByID(e *endpoint, id facts.ID) bool {
	if g, ok := s.Gateways[id]; ok {
		e.edge, e.vpcs = &topology.Edge{Kind: g.Kind, ID: id}, g.VPCs
		return true
	}
	if p := s.Peerings[id]; p != nil {
		e.edge, e.vpcs = &topology.Edge{Kind: topology.PeeringConnection, ID: id}, []facts.ID{p.Requester.VPC, p.Accepter.VPC}
		return true
	}
	if s.Transits[id] != nil {
		e.edge = &topology.Edge{Kind: topology.TransitGateway, ID: id}
		for key := range s.Joined {
			if key[0] == id {
				e.vpcs = append(e.vpcs, key[1])
			}
		}
		slices.Sort(e.vpcs)
		return true
	}
	point := s.Endpoints[id]
	if point == nil {
		return false
	}
	if point.Kind == "Gateway" {
		e.edge, e.vpcs = &topology.Edge{Kind: topology.GatewayEndpoint, ID: id}, []facts.ID{point.VPC}
		return true
	}
	for _, n := range point.Interfaces {
		if found := s.Interfaces[n]; found != nil {
			e.places = append(e.places, found.Places()...)
		}
	}
	return true
}

// byAddress fills in what has an address: interfaces by a private one, in any
// VPC, or by a public one; else it lies outside.
func (s *Asker) byAddress(e *endpoint, a netip.Addr) {
	e.named = a
	for i := range s.Facts.VPCs {
		if here, ok := s.VPCs[s.Facts.VPCs[i].ID].Find(a); ok {
			here.Address.Private = topology.Single(a)
			e.places = append(e.places, here)
		}
	}
	if here, ok := s.Publics[a]; ok && len(e.places) == 0 {
		e.places = []topology.Place{here}
	}
	if len(e.places) == 0 {
		e.set = space.One(a)
		return
	}
	e.label += " (" + string(cmp.Or(e.places[0].Interface.Instance, e.places[0].Interface.ID)) + ")"
}

// byBlock fills in what a block stands for: the interfaces with a private
// address in it, else those with a public one, and what lies outside.
func (s *Asker) byBlock(e *endpoint, block netip.Prefix) {
	var public []topology.Place
	for _, n := range s.Order {
		for _, p := range n.Places() {
			if block.Contains(p.Address.Private.Addr()) {
				e.places = append(e.places, p)
			} else if p.Address.Public.IsValid() && block.Contains(p.Address.Public) {
				public = append(public, p)
			}
		}
	}
	if len(e.places) == 0 && block.Bits() > 0 {
		e.places = public
	}
	e.set = space.Of(block)
	if block.Bits() == 0 {
		e.places = nil
	}
}

// byName finds the resources that people call by a name.
func (s *Asker) byName(name string) []facts.ID {
	var out []facts.ID
	for _, i := range s.Facts.Instances {
		if i.Name == name {
			out = append(out, i.ID)
		}
	}
	for _, n := range s.Facts.Interfaces {
		if n.Name == name {
			out = append(out, n.ID)
		}
	}
	for _, v := range s.Facts.Subnets {
		if v.Name == name {
			out = append(out, v.ID)
		}
	}
	for _, v := range s.Facts.VPCs {
		if v.Name == name {
			out = append(out, v.ID)
		}
	}
	for _, g := range s.Facts.InternetGateways {
		if g.Name == name {
			out = append(out, g.ID)
		}
	}
	for _, b := range s.Balancers {
		if b.Name == name {
			out = append(out, b.ID)
		}
	}
	return out
}

// Resolves reports whether a text names something, so that a caller can tell
// an id with a colon from an id and a port.
func (s *Asker) Resolves(text string) bool {
	_, err := s.endpointOf(text)
	return err == nil
}
