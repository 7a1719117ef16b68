package facts

import (
	"net/netip"
	"slices"
	"testing"
)

// TestJoinsParts: what several accounts tell of becomes one network; a VPC that
// one of them only knows by a shared subnet is the owner's.
func TestJoinsParts(t *testing.T) {
	block := netip.MustParsePrefix("10.0.0.0/16")
	shared := Subnet{ID: "subnet-1", VPC: "vpc-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.1.0/24")}, Scope: Scope{Account: "111122223333"}}
	owner := &Facts{
		VPCs: []VPC{{ID: "vpc-1", CIDRs: []netip.Prefix{block}}}, Subnets: []Subnet{shared},
		Attachments: []Attachment{{ID: "a", Gateway: "tgw-1", Kind: "vpc", Resource: "vpc-1", Subnets: []ID{"subnet-1"}, GroupReferences: true}},
	}
	guest := &Facts{
		Subnets:     []Subnet{shared},
		Interfaces:  []Interface{{ID: "eni-1", Subnet: "subnet-1"}},
		Attachments: []Attachment{{ID: "a", Gateway: "tgw-1", Table: "tgw-rtb-1", GroupReferences: true}},
	}
	guest.fillVPCs()
	if !guest.VPCs[0].Implied || guest.VPCs[0].CIDRs[0] != shared.CIDRs[0] {
		t.Fatalf("%+v", guest.VPCs)
	}
	for _, order := range [][]*Facts{{owner, guest}, {guest, owner}} {
		f := Join(order...)
		if len(f.VPCs) != 1 || f.VPCs[0].Implied || f.VPCs[0].CIDRs[0] != block || len(f.Subnets) != 1 {
			t.Errorf("%+v %+v", f.VPCs, f.Subnets)
		}
		if n := f.Interfaces[0]; n.VPC != "vpc-1" || n.Account != "111122223333" {
			t.Errorf("%+v", n)
		}
		if a := f.Attachments; len(a) != 1 || a[0].Table != "tgw-rtb-1" || a[0].Resource != "vpc-1" || len(a[0].Subnets) != 1 {
			t.Errorf("%+v", a)
		}
	}
}

// TestCompare: rules and entries are told singly, everything else as a change
// of the structure.
func TestCompare(t *testing.T) {
	make := func() *Facts {
		return &Facts{
			Groups:     []Group{{ID: "sg-1", Ingress: []Rule{{Group: "sg-2"}}}, {ID: "sg-2"}},
			ACLs:       []ACL{{ID: "acl-1", Entries: []Entry{{Number: 1}}}},
			Interfaces: []Interface{{ID: "eni-1", Groups: []ID{"sg-1"}}},
			Peerings:   []Peering{{ID: "pcx-1", Active: true}},
		}
	}
	if c := Compare(make(), make()); !c.Empty() {
		t.Errorf("%+v", c)
	}
	rules := make()
	rules.Groups[1].Egress, rules.ACLs[0].Entries = []Rule{{Group: "sg-1"}}, nil
	if c := Compare(make(), rules); c.Structure || len(c.Groups) != 1 || c.Groups[0].ID != "sg-2" || len(c.ACLs) != 1 {
		t.Errorf("%+v", c)
	}
	for name, change := range map[string]func(*Facts){
		"group gone":    func(f *Facts) { f.Groups = slices.Delete(f.Groups, 0, 1) },
		"group renamed": func(f *Facts) { f.Groups[0].Name = "web" },
		"membership":    func(f *Facts) { f.Interfaces[0].Groups = nil },
		"association":   func(f *Facts) { f.ACLs[0].Subnets = []ID{"subnet-1"} },
		"peering":       func(f *Facts) { f.Peerings[0].Active = false },
		"route":         func(f *Facts) { f.RouteTables = []RouteTable{{ID: "rtb-1"}} },
	} {
		f := make()
		change(f)
		if c := Compare(make(), f); !c.Structure {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
