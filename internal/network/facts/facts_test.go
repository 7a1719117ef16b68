package facts

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"muster/internal/testshared"
)

func read(t *testing.T, files map[string]string) (*Facts, error) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return ReadFS(fsys)
}

const aVPC = `{"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "Unknown": {"a": [1]}}]}`

// TestPublicFolders: every public snapshot reads, with all of its resources.
func TestPublicFolders(t *testing.T) {
	for name, want := range map[string][6]int{
		"cloudmapper-demo":        {1, 4, 3, 4, 0, 8},
		"hybrid-cloud":            {4, 10, 4, 9, 5, 11},
		"np-basic-sg/config.json": {2, 5, 2, 2, 0, 3},
		"np-mixed":                {2, 6, 6, 6, 0, 6},
		"public-private-subnet":   {1, 2, 2, 2, 2, 3},
		"public-subnet":           {1, 1, 1, 1, 2, 2},
		"transit-gateway":         {2, 3, 3, 5, 2, 5},
		"vpc-endpoint-gateway":    {1, 2, 2, 2, 3, 2},
		"vpc-peering":             {3, 3, 3, 3, 3, 6},
	} {
		f, err := Read(filepath.Join(testshared.Dir(t), "targets", "network", name))
		if err != nil {
			t.Error(err)
			continue
		}
		got := [6]int{len(f.VPCs), len(f.Subnets), len(f.Instances), len(f.Interfaces), len(f.RouteTables), len(f.Groups)}
		if got != want {
			t.Errorf("%s: VPCs, subnets, instances, interfaces, tables, groups: %v, want %v", name, got, want)
		}
	}
}

// TestForms: the same network told in several ways gives the same facts.
func TestForms(t *testing.T) {
	subnet := `{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "eu-west-1a"}`
	vpc := `{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}`
	for name, files := range map[string]map[string]string{
		"one call a file":    {"eu-west-1/Vpcs.json": `{"Vpcs": [` + vpc + `]}`, "eu-west-1/Subnets.json": `{"Subnets": [` + subnet + `]}`},
		"one file":           {"eu-west-1.json": `{"version": 2, "vpcs": [` + vpc + `], "subnets": [` + subnet + `]}`},
		"nested":             {"all.json": `{"111122223333": {"eu-west-1": {"DescribeVpcs": {"Vpcs": [` + vpc + `]}, "x": {"Subnets": [` + subnet + `]}}}}`},
		"accounts and pages": {"111122223333/eu-west-1/a.json": `{"Vpcs": [` + vpc + `], "NextToken": null}`, "111122223333/eu-west-1/b.json": `{"Vpcs": null, "Subnets": [` + subnet + "," + subnet + `]}`},
	} {
		f, err := read(t, files)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(f.VPCs) != 1 || len(f.Subnets) != 1 || f.Subnets[0].VPC != "vpc-1" || f.Subnets[0].Region != "eu-west-1" {
			t.Errorf("%s: %+v %+v", name, f.VPCs, f.Subnets)
		}
		if strings.Contains(name, "nested") && f.VPCs[0].Account != "111122223333" {
			t.Errorf("%s: account %q", name, f.VPCs[0].Account)
		}
	}
}

// TestErrorsSayWhere: what is wrong is named by file, list and element.
func TestErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		`{"Vpcs": [{"VpcId": "v", "CidrBlock": "10.0.0.0/16"}, {"VpcId": "w", "CidrBlock": "ten"}]}`: `a.json: Vpcs[1]: "ten" is no CIDR block`,
		`{"Vpcs": [`:               "a.json: ",
		`{"Vpcs": [{"VpcId": 5}]}`: "a.json: Vpcs[0]: ",
		`{"Subnets": []}`:          "no VPC found",
		``:                         "cut off or empty",
		`{"SecurityGroups": [{"GroupId": "sg", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 9, "ToPort": 70000}]}]}`: "SecurityGroups[0]: IpPermissions[0]: 9-70000 is no range of ports",
		`{"NetworkAcls": [{"NetworkAclId": "acl", "Entries": [{"Protocol": "banana", "CidrBlock": "0.0.0.0/0"}]}]}`:         `Entries[0]: "banana" is no protocol`,
		`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni", "PrivateIpAddress": "10.0.0"}]}`:                              `"10.0.0" is no address`,
	} {
		_, err := read(t, map[string]string{"a.json": text})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestJoins: interfaces take public addresses from the list of elastic ones,
// instances' interfaces are not lost, transit gateways and load balancers are
// put together.
func TestJoins(t *testing.T) {
	f, err := read(t, map[string]string{
		"vpc.json": aVPC,
		"i.json": `{"Reservations": [{"OwnerId": "111122223333", "Instances": [
			{"InstanceId": "i-1", "State": {"Name": "running"}, "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.5"}]},
			{"InstanceId": "i-2", "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.6"}]},
			{"InstanceId": "i-3", "State": {"Name": "terminated"}}]}]}`,
		"e.json": `{"Addresses": [{"PublicIp": "1.2.3.4", "NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.5"}]}`,
		"t.json": `{"TransitGatewayAttachments": [{"TransitGatewayAttachmentId": "a", "TransitGatewayId": "tgw-1", "ResourceType": "vpc", "ResourceId": "vpc-1",
			"State": "available", "Association": {"TransitGatewayRouteTableId": "tgw-rtb-1", "State": "associated"}}],
			"TransitGatewayVpcAttachments": [{"TransitGatewayAttachmentId": "a", "TransitGatewayId": "tgw-1", "VpcId": "vpc-1", "State": "available", "SubnetIds": ["s"]}]}`,
		"r/tgw-rtb-1.json": `{"Routes": [{"DestinationCidrBlock": "10.9.0.0/16", "Type": "static", "State": "blackhole"}], "AdditionalRoutesAvailable": false}`,
		"lb.json": `{"LoadBalancers": [{"LoadBalancerArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/x/1", "Type": "application", "State": {"Code": "active"}}],
			"Listeners": [{"LoadBalancerArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/x/1", "ListenerArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/x/1/2", "Port": 80, "Protocol": "HTTP",
			"DefaultActions": [{"Type": "forward", "TargetGroupArn": "tg-1"}]}],
			"Rules": [{"RuleArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener-rule/app/x/1/2/3", "Actions": [{"ForwardConfig": {"TargetGroups": [{"TargetGroupArn": "tg-2"}]}}]}],
			"TargetGroups": [{"TargetGroupArn": "tg-1", "Port": 8080}, {"TargetGroupArn": "tg-2", "Port": 9090, "TargetType": "ip"}]}`,
		"h.json": `{"TargetGroupArn": "tg-1", "TargetHealthDescriptions": [{"Target": {"Id": "i-1"}}]}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Instances) != 2 || len(f.Interfaces) != 2 || f.Interfaces[0].Addresses[0].Public != netip.MustParseAddr("1.2.3.4") {
		t.Errorf("instances %+v, interfaces %+v", f.Instances, f.Interfaces)
	}
	if len(f.Attachments) != 1 || f.Attachments[0].Table != "tgw-rtb-1" || len(f.Attachments[0].Subnets) != 1 {
		t.Errorf("attachments %+v", f.Attachments)
	}
	if len(f.TransitTables) != 1 || f.TransitTables[0].ID != "tgw-rtb-1" || !f.TransitTables[0].Routes[0].Blackhole {
		t.Errorf("transit tables %+v", f.TransitTables)
	}
	if l := f.LoadBalancers; len(l) != 1 || len(l[0].Listeners) != 1 || !slices.Equal(l[0].Listeners[0].TargetGroups, []ID{"tg-1", "tg-2"}) || l[0].Region != "eu-west-1" {
		t.Errorf("load balancers %+v", l)
	}
	if g := f.TargetGroups; g[0].Kind != "instance" || g[0].Targets[0] != (Target{ID: "i-1", Port: 8080}) || g[1].Kind != "ip" {
		t.Errorf("target groups %+v", g)
	}
}

// TestRulesApart: groups whose rules are told apart from them are the groups
// that tell of their rules themselves.
func TestRulesApart(t *testing.T) {
	together, err := read(t, map[string]string{"vpc.json": aVPC, "g.json": `{"SecurityGroups": [{"GroupId": "sg-1", "VpcId": "vpc-1",
		"IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}], "PrefixListIds": [{"PrefixListId": "pl-1"}]},
			{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-2"}]}],
		"IpPermissionsEgress": [{"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]}]}`})
	if err != nil {
		t.Fatal(err)
	}
	apart, err := read(t, map[string]string{"vpc.json": aVPC, "g.json": `{"SecurityGroups": [{"GroupId": "sg-1", "VpcId": "vpc-1"}]}`,
		"r.json": `{"SecurityGroupRules": [
			{"GroupId": "sg-1", "IsEgress": false, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv4": "10.0.0.0/8"},
			{"GroupId": "sg-1", "IsEgress": false, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListId": "pl-1"},
			{"GroupId": "sg-1", "IsEgress": false, "IpProtocol": "-1", "FromPort": -1, "ToPort": -1, "ReferencedGroupInfo": {"GroupId": "sg-2"}},
			{"GroupId": "sg-1", "IsEgress": true, "IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "CidrIpv6": "::/0"}]}`})
	if err != nil {
		t.Fatal(err)
	}
	if c := Compare(together, apart); !c.Empty() || len(apart.Groups[0].Ingress) != 3 {
		t.Errorf("%+v, %+v", together.Groups, apart.Groups)
	}
}

// TestAttributesByFileName: answers that do not say whom they are about are
// about what their file is named after.
func TestAttributesByFileName(t *testing.T) {
	f, err := read(t, map[string]string{
		"vpc.json": aVPC,
		"lb.json":  `{"LoadBalancers": [{"LoadBalancerArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/x/0a1b", "Type": "network"}]}`,
		"tg.json":  `{"TargetGroups": [{"TargetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/y/0c1d"}]}`,
		"arn%3Aaws%3Aelasticloadbalancing%3Aeu-west-1%3A111122223333%3Aloadbalancer%2Fnet%2Fx%2F0a1b.json": `{"Attributes": [{"Key": "load_balancing.cross_zone.enabled", "Value": "true"}]}`,
		"arn%3Aaws%3Aelasticloadbalancing%3Aeu-west-1%3A111122223333%3Atargetgroup%2Fy%2F0c1d.json":        `{"Attributes": [{"Key": "preserve_client_ip.enabled", "Value": "false"}]}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	if l := f.LoadBalancers[0].CrossZone; l == nil || !*l {
		t.Errorf("cross-zone: %v", l)
	}
	if g := f.TargetGroups[0].PreserveClient; g == nil || *g {
		t.Errorf("client's address: %v", g)
	}
}

// FuzzReader: no answer, however broken, may stop the program.
func FuzzReader(f *testing.F) {
	f.Add([]byte(aVPC))
	f.Add([]byte(`{"RouteTables": [{"RouteTableId": "r", "Routes": [{"DestinationCidrBlock": "::/0", "GatewayId": "igw-1"}]}], "Routes": [], "Vpcs": null}`))
	f.Add([]byte(`{"SecurityGroups": [{"GroupId": "g", "IpPermissions": [{"IpProtocol": 6, "FromPort": 1, "ToPort": 2, "IpRanges": [{"CidrIp": "1.2.3.4/8"}]}]}]}`))
	f.Add([]byte(`{"a": {"b": {"LoadBalancerDescriptions": [{"ListenerDescriptions": [{}]}], "TargetHealthDescriptions": [{}]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r Reader
		if err := r.Add("111122223333/eu-west-1/x.json", strings.NewReader(string(data))); err != nil {
			return
		}
		if got, err := r.Facts(); err == nil && len(got.VPCs) == 0 {
			t.Error("facts without a VPC")
		}
	})
}
