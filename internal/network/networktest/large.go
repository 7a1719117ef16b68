package networktest

import (
	"net/netip"

	"muster/internal/network/facts"
)

// Organization is a regular large network: a VPC for each 100 interfaces, with
// three subnets in three zones, 50 groups, an internet gateway, a load balancer
// with ten targets, a peering with the next VPC, and all of them on one transit
// gateway. A quarter of the interfaces is public.
func Organization(interfaces int) *facts.Facts {
	f := &facts.Facts{
		TransitGateways: []facts.TransitGateway{{ID: "tgw-0", GroupReferences: true}},
		TransitTables:   []facts.TransitTable{{ID: "tgw-rtb-0", Gateway: "tgw-0"}},
		PrefixLists:     []facts.PrefixList{{ID: "pl-office", CIDRs: []netip.Prefix{prefix("198.18.0.0/16"), prefix("9.9.9.0/24")}, Known: true}},
	}
	vpcs := max(1, interfaces/100)
	for v := range vpcs {
		organizationVPC(f, v, vpcs)
	}
	return f
}

func organizationVPC(f *facts.Facts, v, vpcs int) {
	vpc, igw := id("vpc-%04d", v), id("igw-%04d", v)
	block := prefix("10.%d.%d.0/22", v/64, v%64*4)
	f.VPCs = append(f.VPCs, facts.VPC{ID: vpc, CIDRs: []netip.Prefix{block}})
	f.InternetGateways = append(f.InternetGateways, facts.Gateway{ID: igw, VPCs: []facts.ID{vpc}})
	pcx := id("pcx-%04d", v)
	next := (v + 1) % vpcs
	f.Peerings = append(f.Peerings, facts.Peering{
		ID: pcx, Active: true, Requester: facts.PeerVPC{VPC: vpc, CIDRs: []netip.Prefix{block}},
		Accepter: facts.PeerVPC{VPC: id("vpc-%04d", next), CIDRs: []netip.Prefix{prefix("10.%d.%d.0/22", next/64, next%64*4)}},
	})
	attachment := facts.Attachment{ID: id("tgw-attach-%04d", v), Gateway: "tgw-0", Kind: "vpc", Resource: vpc, Table: "tgw-rtb-0", GroupReferences: true}
	routes := []facts.Route{
		{CIDR: block, Target: "local"}, {CIDR: prefix("10.0.0.0/8"), Target: "tgw-0"}, {CIDR: prefix("0.0.0.0/0"), Target: igw},
		{CIDR: f.Peerings[v].Accepter.CIDRs[0], Target: pcx},
	}
	f.RouteTables = append(f.RouteTables, facts.RouteTable{ID: id("rtb-%04d", v), VPC: vpc, Main: true, Routes: routes})
	f.ACLs = append(f.ACLs, facts.ACL{ID: id("acl-%04d", v), VPC: vpc, Default: true, Entries: organizationEntries()})
	for k := range 3 {
		sub := id("subnet-%04d-%d", v, k)
		base := block.Addr().As4()
		f.Subnets = append(f.Subnets, facts.Subnet{
			ID: sub, VPC: vpc, Zone: string(rune('a' + k)), CIDRs: []netip.Prefix{prefix("%d.%d.%d.0/24", base[0], base[1], int(base[2])+k)},
		})
		attachment.Subnets = append(attachment.Subnets, sub)
	}
	f.Attachments = append(f.Attachments, attachment)
	f.TransitTables[0].Propagating = append(f.TransitTables[0].Propagating, attachment.ID)
	organizationGroups(f, v, vpc)
	organizationInterfaces(f, v, vpc)
}

func organizationEntries() []facts.Entry {
	var out []facts.Entry
	for _, egress := range []bool{false, true} {
		out = append(out,
			facts.Entry{Number: 90, Egress: egress, CIDR: prefix("45.0.0.0/8"), Match: facts.Match{Protocol: facts.Any}},
			facts.Entry{Number: 100, Egress: egress, Allow: true, CIDR: prefix("0.0.0.0/0"), Match: facts.Match{Protocol: facts.Any}})
	}
	return out
}

func organizationGroups(f *facts.Facts, v int, vpc facts.ID) {
	tcp := func(from, to int) facts.Match { return facts.Match{Protocol: facts.TCP, From: from, To: to} }
	for k := range 50 {
		f.Groups = append(f.Groups, facts.Group{
			ID: id("sg-%04d-%02d", v, k), VPC: vpc,
			Egress: []facts.Rule{{Match: facts.Match{Protocol: facts.Any}, CIDR: prefix("0.0.0.0/0")}},
			Ingress: []facts.Rule{
				{Match: tcp(443, 443), CIDR: prefix("0.0.0.0/0")}, {Match: tcp(22, 22), CIDR: prefix("10.0.0.0/8")},
				{Match: tcp(3000+k, 3010+k), PrefixList: "pl-office"}, {Match: tcp(5432, 5432), Group: id("sg-%04d-%02d", v, (k+1)%50)},
				{Match: facts.Match{Protocol: facts.UDP, From: 53, To: 53}, CIDR: prefix("172.16.0.0/12")},
				{Match: tcp(8000+k, 8000+k), CIDR: prefix("%d.0.0.0/8", 11+k)},
			},
		})
	}
}

func organizationInterfaces(f *facts.Facts, v int, vpc facts.ID) {
	base := prefix("10.%d.%d.0/22", v/64, v%64*4).Addr().As4()
	targets := facts.TargetGroup{ID: id("tg-%04d", v), VPC: vpc, Kind: "instance", Protocol: "HTTP", Port: 8080}
	for n := range 100 {
		i := facts.Interface{
			ID: id("eni-%04d-%02d", v, n), VPC: vpc, Subnet: id("subnet-%04d-%d", v, n%3), Instance: id("i-%04d-%02d", v, n), Kind: "interface",
			Groups: []facts.ID{id("sg-%04d-%02d", v, n%50), id("sg-%04d-%02d", v, (n*7+3)%50)},
		}
		a := facts.Address{Private: netip.PrefixFrom(netip.AddrFrom4([4]byte{base[0], base[1], base[2] + byte(n%3), byte(10 + n)}), 32)}
		if n%4 == 0 {
			a.Public = netip.AddrFrom4([4]byte{54, byte(v / 256), byte(v), byte(n)})
		}
		i.Addresses = []facts.Address{a}
		f.Interfaces = append(f.Interfaces, i)
		f.Instances = append(f.Instances, facts.Instance{ID: i.Instance, VPC: vpc, State: "running"})
		if n < 10 {
			targets.Targets = append(targets.Targets, facts.Target{ID: string(i.Instance), Port: 8080})
		}
	}
	f.TargetGroups = append(f.TargetGroups, targets)
	f.LoadBalancers = append(f.LoadBalancers, facts.LoadBalancer{
		ID: id("lb-%04d", v), Name: string(id("lb-%04d", v)), Kind: "application", InternetFacing: true, VPC: vpc,
		Subnets: []facts.ID{id("subnet-%04d-0", v), id("subnet-%04d-1", v)}, Groups: []facts.ID{id("sg-%04d-00", v)},
		Listeners: []facts.Listener{{Protocol: "HTTPS", Port: 443, TargetGroups: []facts.ID{targets.ID}}},
	})
}
