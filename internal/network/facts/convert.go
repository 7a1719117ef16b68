package facts

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"muster/internal/arn"
)

// place says where a resource was read: account and Region come from the
// folders unless the resource itself names them.
type place struct{ Scope }

// owned is the place's scope with the owner that a resource names.
func (p place) owned(owner string) Scope {
	s := p.Scope
	if a := arn.AccountID(owner); a.Valid() {
		s.Account = a
	}
	return s
}

// zoned is owned with the Region of a zone or of an explicit name.
func (p place) zoned(owner, zone string) Scope {
	s := p.owned(owner)
	if r := strings.TrimRight(zone, "abcdefghijklmnopqrstuvwxyz"); s.Region == "" && regionName(r) {
		s.Region = arn.Region(r)
	}
	return s
}

func (b *builder) collection(w *wireCollection, p place) error {
	at, err := time.Parse(time.RFC3339, w.CollectedAt)
	b.Collections = append(b.Collections, Collection{Scope: p.Scope, At: at, NotAnswered: w.NotAnswered})
	return err
}

func (b *builder) vpc(w *wireVPC, p place) error {
	var texts []string
	for _, c := range w.CidrBlockAssociationSet {
		if in(c.CidrBlockState.State, "", "associated") {
			texts = append(texts, c.CidrBlock)
		}
	}
	if len(texts) == 0 {
		texts = append(texts, w.CidrBlock)
	}
	cidrs, err := prefixes(append(texts, v6(w.Ipv6CidrBlockAssociationSet)...)...)
	v := VPC{ID: ID(w.VpcID), Scope: p.zoned(w.OwnerID, w.Region), Name: w.Tags.name(), CIDRs: cidrs}
	b.VPCs = append(b.VPCs, v)
	return err
}

func v6(blocks []wireIPv6Block) []string {
	var texts []string
	for _, c := range blocks {
		if in(c.Ipv6CidrBlockState.State, "", "associated") {
			texts = append(texts, c.Ipv6CidrBlock)
		}
	}
	return texts
}

func (b *builder) subnet(w *wireSubnet, p place) error {
	cidrs, err := prefixes(append([]string{w.CidrBlock}, v6(w.Ipv6CidrBlockAssociationSet)...)...)
	b.Subnets = append(b.Subnets, Subnet{
		ID: ID(w.SubnetID), Scope: p.zoned(w.OwnerID, w.AvailabilityZone), Name: w.Tags.name(), VPC: ID(w.VpcID),
		Zone: w.AvailabilityZone, CIDRs: cidrs, GivesPublic: w.MapPublicIPOnLaunch,
	})
	return err
}

func (b *builder) reservation(w *wireReservation, p place) error {
	for i := range w.Instances {
		if err := b.instance(&w.Instances[i], place{p.owned(w.OwnerID)}); err != nil {
			return fmt.Errorf("Instances[%d]: %w", i, err)
		}
	}
	return nil
}

func (b *builder) instance(w *wireInstance, p place) error {
	if w.State.Name == "terminated" {
		return nil
	}
	scope := p.zoned("", w.Placement.AvailabilityZone)
	b.Instances = append(b.Instances, Instance{
		ID: ID(w.InstanceID), Scope: scope, Name: w.Tags.name(), VPC: ID(w.VpcID), State: w.State.Name, Subnet: ID(w.SubnetID), Image: w.ImageID,
		Type: w.InstanceType, Key: w.KeyName, Profile: w.IamInstanceProfile.Arn,
		Launched: moment(w.LaunchTime), Tags: w.Tags.all(),
	})
	nics := w.NetworkInterfaces
	if len(nics) == 0 && w.PrivateIPAddress != "" {
		nic := wireInterface{
			NetworkInterfaceID: w.InstanceID + "/eth0", InterfaceType: madeUp, VpcID: w.VpcID, SubnetID: w.SubnetID,
			PrivateIPAddress: w.PrivateIPAddress, Groups: w.SecurityGroups, SourceDestCheck: w.SourceDestCheck,
		}
		nic.Association.PublicIP = w.PublicIPAddress
		nics = append(nics, nic)
	}
	for i := range nics {
		nic := nics[i]
		nic.Attachment.InstanceID = w.InstanceID
		got, err := nic.convert(place{scope})
		if err != nil {
			return fmt.Errorf("NetworkInterfaces[%d]: %w", i, err)
		}
		b.embedded = append(b.embedded, got)
	}
	return nil
}

func (b *builder) networkInterface(w *wireInterface, p place) error {
	got, err := w.convert(p)
	b.Interfaces = append(b.Interfaces, got)
	return err
}

func (w *wireInterface) convert(p place) (Interface, error) {
	n := Interface{
		ID: ID(w.NetworkInterfaceID), Scope: p.zoned(w.OwnerID, w.AvailabilityZone), Name: w.TagSet.name(),
		VPC: ID(w.VpcID), Subnet: ID(w.SubnetID), Instance: ID(w.Attachment.InstanceID),
		Kind: w.InterfaceType, Description: w.Description, Device: w.Attachment.DeviceIndex,
		ForwardsForOthers: w.SourceDestCheck != nil && !*w.SourceDestCheck,
	}
	for _, g := range w.Groups {
		n.Groups = append(n.Groups, ID(g.GroupID))
	}
	seen := map[netip.Prefix]bool{}
	add := func(private, public string) error {
		a, err := addressPair(private, public)
		if err == nil && a.Private.IsValid() && !seen[a.Private] {
			seen[a.Private] = true
			n.Addresses = append(n.Addresses, a)
		}
		return err
	}
	for _, a := range w.PrivateIPAddresses {
		public := a.Association.PublicIP
		if public == "" && a.PrivateIPAddress == w.PrivateIPAddress {
			public = w.Association.PublicIP
		}
		if err := add(a.PrivateIPAddress, public); err != nil {
			return n, err
		}
	}
	texts := []string{}
	for _, a := range w.Ipv6Addresses {
		texts = append(texts, a.Ipv6Address)
	}
	for _, a := range w.Ipv4Prefixes {
		texts = append(texts, a.Ipv4Prefix)
	}
	for _, a := range w.Ipv6Prefixes {
		texts = append(texts, a.Ipv6Prefix)
	}
	if err := add(w.PrivateIPAddress, w.Association.PublicIP); err != nil {
		return n, err
	}
	for _, text := range texts {
		if err := add(text, ""); err != nil {
			return n, err
		}
	}
	return n, nil
}

// addressPair reads an address, or a delegated prefix, and its public twin.
func addressPair(private, public string) (Address, error) {
	pub, err := address(public)
	if err != nil || private == "" {
		return Address{}, err
	}
	if strings.Contains(private, "/") {
		p, err := prefix(private)
		return Address{Private: p, Public: pub}, err
	}
	a, err := address(private)
	if err != nil {
		return Address{}, err
	}
	return Address{Private: netip.PrefixFrom(a, a.BitLen()), Public: pub}, nil
}

func (b *builder) elastic(w *wireAddress, _ place) error {
	b.elastics = append(b.elastics, *w)
	return nil
}

func (b *builder) routeTable(w *wireRouteTable, p place) error {
	t := RouteTable{ID: ID(w.RouteTableID), Scope: p.owned(w.OwnerID), Name: w.Tags.name(), VPC: ID(w.VpcID)}
	for _, a := range w.Associations {
		if !in(a.AssociationState.State, "", "associated", "associating") {
			continue
		}
		t.Main = t.Main || a.Main
		t.Subnets = append(t.Subnets, ids(a.SubnetID)...)
		t.Gateways = append(t.Gateways, ids(a.GatewayID)...)
	}
	for _, g := range w.PropagatingVgws {
		t.Propagating = append(t.Propagating, ids(g.GatewayID)...)
	}
	for i := range w.Routes {
		r, err := w.Routes[i].convert()
		if err != nil {
			return fmt.Errorf("Routes[%d]: %w", i, err)
		}
		t.Routes = append(t.Routes, r)
	}
	b.RouteTables = append(b.RouteTables, t)
	return nil
}

func (w *wireRoute) convert() (Route, error) {
	r := Route{PrefixList: ID(w.DestinationPrefixListID), Blackhole: w.State == "blackhole", Propagated: w.Origin == "EnableVgwRoutePropagation"}
	got, err := prefixes(w.DestinationCidrBlock, w.DestinationIpv6CidrBlock)
	switch {
	case err != nil:
		return r, err
	case len(got) > 0:
		r.CIDR = got[0]
	case r.PrefixList == "":
		return r, fmt.Errorf("no destination")
	}
	// The interface comes before the instance because EC2 gives both.
	targets := ids(w.NetworkInterfaceID, w.GatewayID, w.NatGatewayID, w.EgressOnlyInternetGatewayID, w.TransitGatewayID,
		w.VpcPeeringConnectionID, w.VpcEndpointID, w.LocalGatewayID, w.CarrierGatewayID, w.CoreNetworkArn, w.OdbNetworkArn, w.InstanceID)
	if len(targets) > 0 {
		r.Target = targets[0]
	}
	return r, nil
}

func (b *builder) acl(w *wireACL, p place) error {
	a := ACL{ID: ID(w.NetworkACLID), Scope: p.owned(w.OwnerID), Name: w.Tags.name(), VPC: ID(w.VpcID), Default: w.IsDefault}
	for _, s := range w.Associations {
		a.Subnets = append(a.Subnets, ids(s.SubnetID)...)
	}
	for i, e := range w.Entries {
		protocol, err := e.Protocol.protocol()
		if err != nil {
			return fmt.Errorf("Entries[%d]: %w", i, err)
		}
		cidrs, err := prefixes(e.CidrBlock, e.Ipv6CidrBlock)
		if err != nil || len(cidrs) == 0 {
			return fmt.Errorf("Entries[%d]: no CIDR block (%v)", i, err)
		}
		entry := Entry{Number: e.RuleNumber, Egress: e.Egress, Allow: e.RuleAction == "allow", CIDR: cidrs[0], Match: Match{Protocol: protocol, From: 0, To: 65535}}
		switch {
		case protocol == ICMP || protocol == ICMPv6:
			entry.From, entry.To = -1, -1
			if e.IcmpTypeCode != nil {
				entry.From, entry.To = e.IcmpTypeCode.Type, e.IcmpTypeCode.Code
			}
		case e.PortRange != nil:
			entry.From, entry.To = e.PortRange.From, e.PortRange.To
		}
		if err := entry.check(); err != nil {
			return fmt.Errorf("Entries[%d]: %w", i, err)
		}
		a.Entries = append(a.Entries, entry)
	}
	b.ACLs = append(b.ACLs, a)
	return nil
}

// check makes port ranges proper: EC2 writes -1 for all.
func (m *Match) check() error {
	if m.Protocol != TCP && m.Protocol != UDP {
		return nil
	}
	if m.From == -1 || m.To == -1 {
		m.From, m.To = 0, 65535
	}
	if m.From < 0 || m.To > 65535 || m.From > m.To {
		return fmt.Errorf("%d-%d is no range of ports", m.From, m.To)
	}
	return nil
}

func (b *builder) group(w *wireGroup, p place) error {
	ingress, err := rules(w.IPPermissions)
	if err != nil {
		return fmt.Errorf("IpPermissions%w", err)
	}
	egress, err := rules(w.IPPermissionsEgress)
	if err != nil {
		return fmt.Errorf("IpPermissionsEgress%w", err)
	}
	b.Groups = append(b.Groups, Group{
		ID: ID(w.GroupID), Scope: p.owned(w.OwnerID), Name: w.GroupName, VPC: ID(w.VpcID), Ingress: ingress, Egress: egress,
	})
	return nil
}

func rules(permissions []wirePermission) ([]Rule, error) {
	var out []Rule
	for i := range permissions {
		got, err := permissions[i].convert()
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		out = append(out, got...)
	}
	return out, nil
}

// match is what the permission asks of packets beyond their addresses.
func (w *wirePermission) match() (Match, error) {
	protocol, err := w.IPProtocol.protocol()
	if err != nil {
		return Match{}, err
	}
	m := Match{Protocol: protocol, From: -1, To: -1}
	if w.FromPort != nil {
		m.From = *w.FromPort
	}
	if w.ToPort != nil {
		m.To = *w.ToPort
	}
	return m, m.check()
}

func (w *wirePermission) convert() ([]Rule, error) {
	m, err := w.match()
	if err != nil {
		return nil, err
	}
	var out []Rule
	var texts []string
	for _, r := range w.IPRanges {
		texts = append(texts, r.CidrIP)
	}
	for _, r := range w.Ipv6Ranges {
		texts = append(texts, r.CidrIpv6)
	}
	cidrs, err := prefixes(texts...)
	if err != nil {
		return nil, err
	}
	for _, c := range cidrs {
		out = append(out, Rule{Match: m, CIDR: c})
	}
	for _, l := range w.PrefixListIds {
		out = append(out, Rule{Match: m, PrefixList: ID(l.PrefixListID)})
	}
	for _, g := range w.UserIDGroupPairs {
		stale := !in(g.PeeringStatus, "", "active")
		out = append(out, Rule{Match: m, Group: ID(g.GroupID), Peering: ID(g.VpcPeeringConnectionID), Stale: stale})
	}
	return out, nil
}

func (b *builder) prefixList(w *wirePrefixList, p place) error {
	texts := w.Cidrs
	for _, e := range w.Entries {
		texts = append(texts, e.Cidr)
	}
	cidrs, err := prefixes(texts...)
	known := w.Cidrs != nil || w.Entries != nil
	b.PrefixLists = append(b.PrefixLists, PrefixList{ID: ID(w.PrefixListID), Scope: p.owned(w.OwnerID), Name: w.PrefixListName, CIDRs: cidrs, Known: known})
	return err
}
