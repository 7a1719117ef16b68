package network

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

// componentType is CloudFormation's name of what the edge is.
func (e Edge) componentType() string {
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
func (s *Snapshot) indexEdges() {
	for id, g := range s.gateways {
		if g.kind == EgressOnlyGateway {
			continue
		}
		for _, v := range g.vpcs {
			s.addEdge(v, Edge{g.kind, id})
		}
	}
	for _, p := range s.peerings {
		if p.Active {
			s.addEdge(p.Requester.VPC, Edge{PeeringConnection, p.ID})
			s.addEdge(p.Accepter.VPC, Edge{PeeringConnection, p.ID})
		}
	}
	for _, ends := range s.attachments {
		for _, a := range ends {
			if a.Kind == "vpc" {
				s.addEdge(a.Resource, Edge{TransitGateway, a.Gateway})
			}
		}
	}
	for _, v := range s.vpcs {
		slices.SortFunc(v.edges, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) })
		v.edges = slices.Compact(v.edges)
	}
	slices.SortFunc(s.order, func(a, b *iface) int { return cmp.Compare(a.ID, b.ID) })
}

func (s *Snapshot) addEdge(id facts.ID, e Edge) {
	if v := s.vpcs[id]; v != nil {
		v.edges = append(v.edges, e)
	}
}

// attachmentOf is the transit gateway's attachment of a VPC.
func (s *Snapshot) attachmentOf(gateway, vpc facts.ID) *attachment {
	return s.joined[[2]facts.ID{gateway, vpc}]
}
