package exposure

import (
	"net/netip"
	"strings"
	"testing"

	"muster/internal/finding"
	"muster/internal/network"
	"muster/internal/network/facts"
	"muster/internal/network/space"
)

func web(ports facts.Match) *network.Snapshot {
	all := netip.MustParsePrefix("0.0.0.0/0")
	any := facts.Match{Protocol: facts.Any}
	return network.New(&facts.Facts{
		VPCs:             []facts.VPC{{ID: "vpc-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}},
		Subnets:          []facts.Subnet{{ID: "subnet-1", VPC: "vpc-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}}},
		InternetGateways: []facts.Gateway{{ID: "igw-1", VPCs: []facts.ID{"vpc-1"}}},
		RouteTables:      []facts.RouteTable{{ID: "rtb-1", VPC: "vpc-1", Main: true, Routes: []facts.Route{{CIDR: all, Target: "igw-1"}}}},
		ACLs: []facts.ACL{{ID: "acl-1", VPC: "vpc-1", Default: true, Entries: []facts.Entry{
			{Number: 100, Allow: true, CIDR: all, Match: any}, {Number: 100, Egress: true, Allow: true, CIDR: all, Match: any},
		}}},
		Groups:    []facts.Group{{ID: "sg-1", VPC: "vpc-1", Ingress: []facts.Rule{{Match: ports, CIDR: all}}}},
		Instances: []facts.Instance{{ID: "i-1", VPC: "vpc-1"}},
		Interfaces: []facts.Interface{{
			ID: "eni-1", VPC: "vpc-1", Subnet: "subnet-1", Instance: "i-1", Kind: "interface", Groups: []facts.ID{"sg-1"},
			Scope:     facts.Scope{Account: "111122223333", Region: "eu-west-1"},
			Addresses: []facts.Address{{Private: netip.MustParsePrefix("10.0.0.5/32"), Public: netip.MustParseAddr("54.0.0.5")}},
		}},
	})
}

// TestSplitAndCoarse: recognised ports are findings of their own, the rest in
// runs; coarse keeps the run and the worst severity.
func TestSplitAndCoarse(t *testing.T) {
	s := web(facts.Match{Protocol: facts.TCP, From: 20, To: 24})
	var got []string
	for _, f := range Findings(s, s.Exposures(), Options{}) {
		got = append(got, string(f.Severity)+" "+f.Title)
	}
	want := []string{
		"INFORMATIONAL Port 20 is reachable from an Internet Gateway - TCP", "HIGH Port 21 is reachable from an Internet Gateway - TCP",
		"MEDIUM Port 22 is reachable from an Internet Gateway - TCP", "HIGH Port 23 is reachable from an Internet Gateway - TCP",
		"INFORMATIONAL Port 24 is reachable from an Internet Gateway - TCP",
	}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
	list := Findings(s, s.Exposures(), Options{Coarse: true})
	if len(list) != 1 || list[0].Severity != finding.High || list[0].Title != "Port range 20-24 is reachable from an Internet Gateway - TCP" {
		t.Errorf("%+v", list)
	}
}

// TestRemediationNamesEveryRule: changing only the rule that decides about the
// example would not close what another one opens.
func TestRemediationNamesEveryRule(t *testing.T) {
	f := facts.Join(web(facts.Match{Protocol: facts.TCP, From: 22, To: 22}).Facts)
	f.Groups[0].Ingress = append(f.Groups[0].Ingress, facts.Rule{Match: facts.Match{Protocol: facts.TCP, From: 20, To: 30}, CIDR: netip.MustParsePrefix("8.8.0.0/16")})
	s := network.New(f)
	for _, x := range Findings(s, s.Exposures(), Options{}) {
		const revoke = " To remove it: aws ec2 revoke-security-group-ingress --group-id sg-1 --ip-permissions 'IpProtocol=tcp,"
		want := "Remove or narrow the inbound rule: tcp 20-30 from 8.8.0.0/16 of sg-1, so that only the sources that need the ports reach them." +
			revoke + "FromPort=20,ToPort=30,IpRanges=[{CidrIp=8.8.0.0/16}]'"
		if x.Network.Begin == 22 {
			want = "Remove or narrow the inbound rule: tcp 22 from 0.0.0.0/0 and the inbound rule: tcp 20-30 from 8.8.0.0/16 of sg-1, so that only the sources that need the ports reach them." +
				strings.Replace(revoke, "remove it", "remove the first one", 1) + "FromPort=22,ToPort=22,IpRanges=[{CidrIp=0.0.0.0/0}]'"
		}
		if x.Remediation != want {
			t.Errorf("port %d: %q, want %q", x.Network.Begin, x.Remediation, want)
		}
	}
}

// TestPath: the steps that Inspector lists, with ARNs, and the rule to change.
func TestPath(t *testing.T) {
	s := web(facts.Match{Protocol: facts.TCP, From: 22, To: 22})
	f := Findings(s, s.Exposures(), Options{})[0]
	want := []string{"igw-1", "acl-1", "sg-1", "eni-1", "i-1"}
	if len(f.Network.Path) != len(want) {
		t.Fatalf("%+v", f.Network.Path)
	}
	for i, step := range f.Network.Path {
		if step.ID != want[i] {
			t.Errorf("step %d is %s, want %s", i, step.ID, want[i])
		}
	}
	if got := f.Network.Path[2].ARN; got != "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1" {
		t.Error(got)
	}
	if want := "Remove or narrow the inbound rule: tcp 22 from 0.0.0.0/0 of sg-1, so that only the sources that need the ports reach them. To remove it: "; !strings.HasPrefix(f.Remediation, want) {
		t.Errorf("%q, want %q", f.Remediation, want)
	}
	if got := Findings(s, s.Exposures(), Options{Trusted: space.Parse("0.0.0.0/0")}); len(got) != 0 {
		t.Errorf("trusted sources raise %+v", got)
	}
}
