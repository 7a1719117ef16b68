package facts

import (
	"fmt"
	"strings"

	"muster/internal/arn"
)

// in reports whether a state is one of those.
func in(state string, states ...string) bool {
	for _, s := range states {
		if strings.EqualFold(s, state) {
			return true
		}
	}
	return false
}

// gateway converts internet, egress-only and virtual private gateways.
func (w *wireGateway) gateway(id string, p place) Gateway {
	g := Gateway{ID: ID(id), Scope: p.owned(w.OwnerID), Name: w.Tags.name()}
	for _, a := range append(w.Attachments, w.VpcAttachments...) {
		if in(a.State, "", "available", "attached", "attaching") {
			g.VPCs = append(g.VPCs, ids(a.VpcID)...)
		}
	}
	return g
}

func (b *builder) internetGateway(w *wireGateway, p place) error {
	b.InternetGateways = append(b.InternetGateways, w.gateway(w.InternetGatewayID, p))
	return nil
}

func (b *builder) egressOnly(w *wireGateway, p place) error {
	b.EgressOnlyGateways = append(b.EgressOnlyGateways, w.gateway(w.EgressOnlyInternetGatewayID, p))
	return nil
}

func (b *builder) vpnGateway(w *wireGateway, p place) error {
	if in(w.State, "", "available") {
		b.VPNGateways = append(b.VPNGateways, w.gateway(w.VpnGatewayID, p))
	}
	return nil
}

func (b *builder) natGateway(w *wireNAT, p place) error {
	if !in(w.State, "", "available", "pending") {
		return nil
	}
	n := NATGateway{ID: ID(w.NatGatewayID), Scope: p.Scope, VPC: ID(w.VpcID), Subnet: ID(w.SubnetID), Private: w.ConnectivityType == "private"}
	for i, a := range w.NatGatewayAddresses {
		pair, err := addressPair(a.PrivateIP, a.PublicIP)
		if err != nil {
			return fmt.Errorf("NatGatewayAddresses[%d]: %w", i, err)
		}
		if pair.Private.IsValid() {
			n.Addresses = append(n.Addresses, pair)
		}
	}
	b.NATGateways = append(b.NATGateways, n)
	return nil
}

func (b *builder) vpn(w *wireVPN, p place) error {
	if !in(w.State, "", "available") {
		return nil
	}
	var texts []string
	for _, r := range w.Routes {
		if in(r.State, "", "available") {
			texts = append(texts, r.DestinationCidrBlock)
		}
	}
	routes, err := prefixes(texts...)
	gateway := w.VpnGatewayID
	if gateway == "" {
		gateway = w.TransitGatewayID
	}
	b.VPNConnections = append(b.VPNConnections, VPNConnection{ID: ID(w.VpnConnectionID), Scope: p.Scope, Gateway: ID(gateway), Routes: routes})
	return err
}

// directConnect reads virtual interfaces and gateway associations alike.
func (b *builder) directConnect(w *wireDirectConnect, p place) error {
	if !in(w.VirtualInterfaceState, "", "available") || !in(w.AssociationState, "", "associated") {
		return nil
	}
	id, gateway := w.DirectConnectGatewayID, w.VirtualGatewayID
	if id == "" {
		id = w.VirtualInterfaceID
	}
	if gateway == "" {
		gateway = w.AssociatedGateway.ID
	}
	if gateway != "" {
		b.DirectConnects = append(b.DirectConnects, DirectConnect{ID: ID(id), Scope: p.owned(w.OwnerAccount), Gateway: ID(gateway)})
	}
	return nil
}

func (b *builder) peering(w *wirePeering, p place) error {
	requester, err := w.RequesterVpcInfo.convert()
	if err != nil {
		return fmt.Errorf("RequesterVpcInfo: %w", err)
	}
	accepter, err := w.AccepterVpcInfo.convert()
	if err != nil {
		return fmt.Errorf("AccepterVpcInfo: %w", err)
	}
	b.Peerings = append(b.Peerings, Peering{
		ID: ID(w.VpcPeeringConnectionID), Scope: p.Scope, Active: in(w.Status.Code, "active"), Requester: requester, Accepter: accepter,
	})
	return nil
}

func (w *wirePeer) convert() (PeerVPC, error) {
	texts := []string{w.CidrBlock}
	for _, c := range w.CidrBlockSet {
		if c.CidrBlock != w.CidrBlock {
			texts = append(texts, c.CidrBlock)
		}
	}
	for _, c := range w.Ipv6CidrBlockSet {
		texts = append(texts, c.Ipv6CidrBlock)
	}
	cidrs, err := prefixes(texts...)
	return PeerVPC{VPC: ID(w.VpcID), Scope: Scope{arn.AccountID(w.OwnerID), arn.Region(w.Region)}, CIDRs: cidrs}, err
}

func (b *builder) transitGateway(w *wireTransit, p place) error {
	if in(w.State, "", "available", "modifying") {
		b.TransitGateways = append(b.TransitGateways, TransitGateway{
			ID: ID(w.TransitGatewayID), Scope: p.owned(w.OwnerID), GroupReferences: w.Options.SecurityGroupReferencingSupport == "enable",
		})
	}
	return nil
}

// attachment reads the general answer and those of one kind of attachment;
// join unites what they say of the same attachment.
func (b *builder) attachment(w *wireAttachment, p place) error {
	if !in(w.State, "", "available", "modifying") {
		return nil
	}
	a := Attachment{
		ID: ID(w.TransitGatewayAttachmentID), Gateway: ID(w.TransitGatewayID), Kind: w.ResourceType, Resource: ID(w.ResourceID),
		Scope: p.owned(w.ResourceOwnerID), Subnets: ids(w.SubnetIds...),
		Appliance: w.Options.ApplianceModeSupport == "enable", GroupReferences: w.Options.SecurityGroupReferencingSupport != "disable",
	}
	if in(w.Association.State, "", "associated") {
		a.Table = ID(w.Association.TransitGatewayRouteTableID)
	}
	if w.VpcID != "" {
		a.Kind, a.Resource, a.Scope = "vpc", ID(w.VpcID), p.owned(w.VpcOwnerID)
	}
	if w.RequesterTgwInfo.TransitGatewayID != "" {
		a.Kind, a.Gateway, a.PeerGateway = "peering", ID(w.RequesterTgwInfo.TransitGatewayID), ID(w.AccepterTgwInfo.TransitGatewayID)
	}
	b.Attachments = append(b.Attachments, a)
	return nil
}

// transitTable reads tables, their routes, and their propagations; join unites
// what is said of the same table.
func (b *builder) transitTable(w *wireTransitTable, p place) error {
	if !in(w.State, "", "available") {
		return nil
	}
	t := TransitTable{ID: ID(w.TransitGatewayRouteTableID), Scope: p.Scope, Gateway: ID(w.TransitGatewayID)}
	for i, r := range w.Routes {
		cidrs, err := prefixes(r.DestinationCidrBlock)
		if err != nil || len(cidrs) == 0 {
			return fmt.Errorf("Routes[%d]: no CIDR block (%v)", i, err)
		}
		route := TransitRoute{CIDR: cidrs[0], Blackhole: in(r.State, "blackhole"), Propagated: in(r.Type, "propagated")}
		for _, a := range r.TransitGatewayAttachments {
			route.Attachments = append(route.Attachments, ids(a.TransitGatewayAttachmentID)...)
		}
		if in(r.State, "", "active", "blackhole") {
			t.Routes = append(t.Routes, route)
		}
	}
	for _, a := range w.TransitGatewayRouteTablePropagations {
		if in(a.State, "", "enabled", "enabling") {
			t.Propagating = append(t.Propagating, ids(a.TransitGatewayAttachmentID)...)
		}
	}
	b.TransitTables = append(b.TransitTables, t)
	return nil
}

func (b *builder) endpoint(w *wireEndpoint, p place) error {
	if !in(w.State, "", "available", "pending") {
		return nil
	}
	b.Endpoints = append(b.Endpoints, Endpoint{
		ID: ID(w.VpcEndpointID), Scope: p.owned(w.OwnerID), VPC: ID(w.VpcID), Kind: w.VpcEndpointType, Service: w.ServiceName,
		Subnets: ids(w.SubnetIds...), Interfaces: ids(w.NetworkInterfaceIds...),
	})
	return nil
}
