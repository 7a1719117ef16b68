package topology

import (
	"cmp"
	"slices"

	"muster/internal/network/facts"
)

// EdgeKind is a way into a VPC.
type EdgeKind string

// The kinds of edges. The egress-only gateway admits no new flow and the
// gateway endpoint none at all; they are ways out only.
const (
	InternetGateway       EdgeKind = "internet gateway"
	EgressOnlyGateway     EdgeKind = "egress-only internet gateway"
	VirtualPrivateGateway EdgeKind = "virtual private gateway"
	DirectConnect         EdgeKind = "Direct Connect"
	PeeringConnection     EdgeKind = "VPC peering connection"
	TransitGateway        EdgeKind = "transit gateway"
	GatewayEndpoint       EdgeKind = "gateway endpoint"
)

// Edge is one way into a VPC, or out of it.
type Edge struct {
	Kind EdgeKind `json:"kind"`
	ID   facts.ID `json:"id"`
}

// Internet reports whether the internet lies behind the edge.
func (e Edge) Internet() bool { return e.Kind == InternetGateway }

// ComponentType is CloudFormation's name of what the edge is.
func (e Edge) ComponentType() string {
	switch e.Kind {
	case InternetGateway:
		return "AWS::EC2::InternetGateway"
	case EgressOnlyGateway:
		return "AWS::EC2::EgressOnlyInternetGateway"
	case PeeringConnection:
		return "AWS::EC2::VPCPeeringConnection"
	case TransitGateway:
		return "AWS::EC2::TransitGateway"
	case GatewayEndpoint:
		return "AWS::EC2::VPCEndpoint"
	case VirtualPrivateGateway, DirectConnect:
	}
	return "AWS::EC2::VPNGateway"
}

// indexEdges gives every VPC the edges through which flows may begin.
func (s *Network) indexEdges() {
	for id, g := range s.Gateways {
		if g.Kind == EgressOnlyGateway {
			continue
		}
		for _, v := range g.VPCs {
			s.addEdge(v, Edge{g.Kind, id})
		}
	}
	for _, p := range s.Peerings {
		if p.Active {
			s.addEdge(p.Requester.VPC, Edge{PeeringConnection, p.ID})
			s.addEdge(p.Accepter.VPC, Edge{PeeringConnection, p.ID})
		}
	}
	for _, ends := range s.Attachments {
		for _, a := range ends {
			if a.Kind == "vpc" {
				s.addEdge(a.Resource, Edge{TransitGateway, a.Gateway})
			}
		}
	}
	for _, v := range s.VPCs {
		slices.SortFunc(v.Edges, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) })
		v.Edges = slices.Compact(v.Edges)
	}
	slices.SortFunc(s.Order, func(a, b *Interface) int { return cmp.Compare(a.ID, b.ID) })
}

func (s *Network) addEdge(id facts.ID, e Edge) {
	if v := s.VPCs[id]; v != nil {
		v.Edges = append(v.Edges, e)
	}
}
