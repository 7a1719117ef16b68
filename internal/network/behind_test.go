package network_test

import (
	"strings"
	"testing"

	"muster/internal/network"
	"muster/internal/network/facts"
	"muster/internal/network/tell"
)

const balanced = `{
 "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
 "Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "eu-west-1a"}],
 "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}],
 "RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": true}],
  "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}]}],
 "SecurityGroups": [
  {"GroupId": "sg-lb", "VpcId": "vpc-1", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
   "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]},
  {"GroupId": "sg-web", "VpcId": "vpc-1", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": [{"GroupId": "sg-lb"}]}]},
  {"GroupId": "sg-shut", "VpcId": "vpc-1"}],
 "Reservations": [{"Instances": [
  {"InstanceId": "i-web", "VpcId": "vpc-1", "NetworkInterfaces": [{"NetworkInterfaceId": "eni-web", "VpcId": "vpc-1", "SubnetId": "subnet-1",
   "Groups": [{"GroupId": "sg-web"}], "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.5"}]}]},
  {"InstanceId": "i-shut", "VpcId": "vpc-1", "NetworkInterfaces": [{"NetworkInterfaceId": "eni-shut", "VpcId": "vpc-1", "SubnetId": "subnet-1",
   "Groups": [{"GroupId": "sg-shut"}], "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.6"}]}]}]}],
 "LoadBalancers": [{"LoadBalancerArn": "lb-1", "LoadBalancerName": "front", "Type": "application", "Scheme": "internet-facing", "VpcId": "vpc-1",
  "AvailabilityZones": [{"SubnetId": "subnet-1"}], "SecurityGroups": ["sg-lb"]}],
 "Listeners": [{"LoadBalancerArn": "lb-1", "Port": 443, "Protocol": "HTTPS", "DefaultActions": [{"Type": "forward", "TargetGroupArn": "tg-1"}]}],
 "TargetGroups": [{"TargetGroupArn": "tg-1", "TargetGroupName": "web", "Protocol": "HTTP", "Port": 8080, "TargetType": "instance", "VpcId": "vpc-1"}],
 "health": {"TargetGroupArn": "tg-1", "TargetHealthDescriptions": [
  {"Target": {"Id": "i-web", "Port": 8080}, "TargetHealth": {"State": "unhealthy"}},
  {"Target": {"Id": "i-shut", "Port": 8080}, "TargetHealth": {"State": "healthy"}}]}
}`

// TestWhyTellsBothLegs: who asks for a load balancer is told how clients get to
// it, and how it goes on to its targets, from outside and from inside.
func TestWhyTellsBothLegs(t *testing.T) {
	var r facts.Reader
	if err := r.Add("all.json", strings.NewReader(balanced)); err != nil {
		t.Fatal(err)
	}
	f, err := r.Facts()
	if err != nil {
		t.Fatal(err)
	}
	s := network.New(f)
	for _, from := range []string{"internet", "i-web"} {
		q, err := s.ParseQuestion(from, "front:443", "tcp")
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.Why(q)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Behind) != 2 {
			t.Fatalf("%s: %d targets are told: %+v", from, len(a.Behind), a)
		}
		web, shut := a.Behind[0], a.Behind[1]
		if web.Open == nil || web.Health != "unhealthy" || !strings.HasPrefix(web.To, "i-web") {
			t.Errorf("%s: the way to i-web: %+v", from, web)
		}
		if shut.Open != nil || len(shut.Obstacles) == 0 || shut.Obstacles[0].Component.ID != "sg-shut" || shut.Health != "healthy" {
			t.Errorf("%s: the way to i-shut: %+v", from, shut)
		}
		var text strings.Builder
		if err := tell.Why(&text, a); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"behind it, 1 of 2 targets are reached", "reached   i-web[10.0.0.5] port 8080 (unhealthy)", "SecurityGroup sg-web inbound rule: tcp 8080 from sg-lb", "at SecurityGroup sg-shut"} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%s: %q is not said:\n%s", from, want, text.String())
			}
		}
	}
	closed, err := s.ParseQuestion("internet", "front:80", "tcp")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := s.Why(closed); err != nil || a.Reachable || len(a.Behind) != 0 {
		t.Errorf("a port without a listener: %v, %+v", err, a)
	}
}
