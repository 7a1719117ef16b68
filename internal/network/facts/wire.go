package facts

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// The shapes of the describe answers, as far as they are read.
type (
	wireTags []struct{ Key, Value string }

	// wireCollection is how collections are noted; no answer of AWS's.
	wireCollection struct {
		CollectedAt string
		NotAnswered []string
	}

	wireVPC struct {
		VpcID, OwnerID, Region, CidrBlock string
		Tags                              wireTags
		CidrBlockAssociationSet           []struct {
			CidrBlock      string
			CidrBlockState wireState
		}
		Ipv6CidrBlockAssociationSet []wireIPv6Block
	}
	wireIPv6Block struct {
		Ipv6CidrBlock      string
		Ipv6CidrBlockState wireState
	}
	wireState  struct{ State string }
	wireSubnet struct {
		SubnetID, VpcID, OwnerID, AvailabilityZone, CidrBlock string
		SubnetArn                                             string
		MapPublicIPOnLaunch                                   bool
		Tags                                                  wireTags
		Ipv6CidrBlockAssociationSet                           []wireIPv6Block
	}
	wireReservation struct {
		OwnerID   string
		Instances []wireInstance
	}
	wireInstance struct {
		InstanceID, VpcID, SubnetID, PrivateIPAddress, PublicIPAddress string
		ImageID, InstanceType, KeyName, LaunchTime                     string
		IamInstanceProfile                                             struct{ Arn string }
		State                                                          struct{ Name string }
		Placement                                                      struct{ AvailabilityZone string }
		SecurityGroups                                                 []wireGroupName
		SourceDestCheck                                                *bool
		Tags                                                           wireTags
		NetworkInterfaces                                              []wireInterface
	}
	wireGroupName struct{ GroupID string }
	wireInterface struct {
		NetworkInterfaceID, VpcID, SubnetID, OwnerID, InterfaceType string
		Description, PrivateIPAddress, AvailabilityZone             string
		SourceDestCheck                                             *bool
		Groups                                                      []wireGroupName
		TagSet                                                      wireTags
		Attachment                                                  struct {
			InstanceID  string
			DeviceIndex int
		}
		Association        struct{ PublicIP string }
		PrivateIPAddresses []struct {
			PrivateIPAddress string
			Association      struct{ PublicIP string }
		}
		Ipv6Addresses []struct{ Ipv6Address string }
		Ipv4Prefixes  []struct{ Ipv4Prefix string }
		Ipv6Prefixes  []struct{ Ipv6Prefix string }
	}
	wireAddress struct {
		PublicIP, PrivateIPAddress, NetworkInterfaceID, InstanceID string
	}
	wireRouteTable struct {
		RouteTableID, VpcID, OwnerID string
		Tags                         wireTags
		Associations                 []struct {
			Main                bool
			SubnetID, GatewayID string
			AssociationState    wireState
		}
		PropagatingVgws []struct{ GatewayID string }
		Routes          []wireRoute
	}
	wireRoute struct {
		DestinationCidrBlock, DestinationIpv6CidrBlock, DestinationPrefixListID string
		GatewayID, NatGatewayID, EgressOnlyInternetGatewayID, InstanceID        string
		NetworkInterfaceID, TransitGatewayID, VpcPeeringConnectionID            string
		LocalGatewayID, CarrierGatewayID, CoreNetworkArn, OdbNetworkArn         string
		VpcEndpointID                                                           string
		Origin, State                                                           string
	}
	wireACL struct {
		NetworkACLID, VpcID, OwnerID string
		IsDefault                    bool
		Tags                         wireTags
		Associations                 []struct{ SubnetID string }
		Entries                      []struct {
			RuleNumber               int
			Egress                   bool
			RuleAction               string
			Protocol                 flexible
			CidrBlock, Ipv6CidrBlock string
			PortRange                *struct{ From, To int }
			IcmpTypeCode             *struct{ Type, Code int }
		}
	}
	wireGroup struct {
		GroupID, GroupName, VpcID, OwnerID string
		IPPermissions, IPPermissionsEgress []wirePermission
	}
	wirePermission struct {
		IPProtocol       flexible
		FromPort, ToPort *int
		IPRanges         []struct{ CidrIP string }
		Ipv6Ranges       []struct{ CidrIpv6 string }
		PrefixListIds    []struct{ PrefixListID string }
		UserIDGroupPairs []struct {
			GroupID, UserID, VpcID, VpcPeeringConnectionID, PeeringStatus string
		}
	}
	wireGroupRule struct {
		GroupID, CidrIpv4, CidrIpv6, PrefixListID string
		IsEgress                                  bool
		IPProtocol                                flexible
		FromPort, ToPort                          *int
		ReferencedGroupInfo                       struct{ GroupID, PeeringStatus, VpcPeeringConnectionID string }
	}
	wirePrefixList struct {
		PrefixListID, PrefixListName, OwnerID string
		Cidrs                                 []string
		Entries                               []struct{ Cidr string }
	}
	wireGateway struct {
		InternetGatewayID, EgressOnlyInternetGatewayID, VpnGatewayID, OwnerID string
		State                                                                 string
		Tags                                                                  wireTags
		Attachments, VpcAttachments                                           []struct{ VpcID, State string }
	}
	wireNAT struct {
		NatGatewayID, VpcID, SubnetID, State, ConnectivityType string
		NatGatewayAddresses                                    []struct{ PrivateIP, PublicIP, NetworkInterfaceID string }
	}
	wireVPN struct {
		VpnConnectionID, VpnGatewayID, TransitGatewayID, State string
		Routes                                                 []struct{ DestinationCidrBlock, State string }
	}
	wirePeering struct {
		VpcPeeringConnectionID            string
		Status                            struct{ Code string }
		RequesterVpcInfo, AccepterVpcInfo wirePeer
	}
	wirePeer struct {
		VpcID, OwnerID, Region, CidrBlock string
		CidrBlockSet                      []struct{ CidrBlock string }
		Ipv6CidrBlockSet                  []struct{ Ipv6CidrBlock string }
	}
	wireTransit struct {
		TransitGatewayID, OwnerID, State, TransitGatewayArn string
		Options                                             struct {
			SecurityGroupReferencingSupport string
			AssociationDefaultRouteTableID  string
		}
	}
	wireAttachment struct {
		TransitGatewayAttachmentID, TransitGatewayID, ResourceType, ResourceID string
		ResourceOwnerID, VpcID, VpcOwnerID, State                              string
		Association                                                            struct{ TransitGatewayRouteTableID, State string }
		SubnetIds                                                              []string
		Options                                                                struct{ ApplianceModeSupport, SecurityGroupReferencingSupport string }
		RequesterTgwInfo, AccepterTgwInfo                                      struct{ TransitGatewayID string }
	}
	wireTransitTable struct {
		TransitGatewayRouteTableID, TransitGatewayID, State string
		Routes                                              []wireTransitRoute
		TransitGatewayRouteTablePropagations                []struct{ TransitGatewayAttachmentID, State string }
	}
	wireTransitRoute struct {
		DestinationCidrBlock, Type, State string
		TransitGatewayAttachments         []struct{ TransitGatewayAttachmentID string }
	}
	wireEndpoint struct {
		VpcEndpointID, VpcID, OwnerID, VpcEndpointType, ServiceName, State string
		SubnetIds, NetworkInterfaceIds                                     []string
	}
	wireDirectConnect struct {
		VirtualInterfaceID, VirtualGatewayID, DirectConnectGatewayID, OwnerAccount string
		VirtualInterfaceState, AssociationState                                    string
		AssociatedGateway                                                          struct{ ID string }
	}
)

// flexible is a protocol: a number in text, a bare number, or a name.
type flexible string

func (f *flexible) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err == nil {
		*f = flexible(text)
		return nil
	}
	var n int
	if err := json.Unmarshal(data, &n); err != nil {
		return fmt.Errorf("%s is no protocol", data)
	}
	*f = flexible(strconv.Itoa(n))
	return nil
}

// protocol reads "tcp", "6" or "-1".
func (f flexible) protocol() (Protocol, error) {
	switch name := strings.ToLower(string(f)); name {
	case "-1", "all", "":
		return Any, nil
	case "tcp":
		return TCP, nil
	case "udp":
		return UDP, nil
	case "icmp":
		return ICMP, nil
	case "icmpv6":
		return ICMPv6, nil
	default:
		n, err := strconv.Atoi(name)
		if err != nil || n < 0 || n > 255 {
			return 0, fmt.Errorf("%q is no protocol", name)
		}
		return Protocol(n), nil
	}
}

// name is the tag that people call a resource by.
func (t wireTags) name() string {
	for _, tag := range t {
		if tag.Key == "Name" {
			return tag.Value
		}
	}
	return ""
}

// all are the tags by their keys.
func (t wireTags) all() map[string]string {
	if len(t) == 0 {
		return nil
	}
	tags := make(map[string]string, len(t))
	for _, tag := range t {
		tags[tag.Key] = tag.Value
	}
	return tags
}

// moment reads a time that nothing depends on; another form is no time.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// prefix reads a CIDR block; bits beyond its length are dropped, as EC2 does.
func prefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is no CIDR block", text)
	}
	return p.Masked(), nil
}

// prefixes reads the blocks that are not empty.
func prefixes(texts ...string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		if text == "" {
			continue
		}
		p, err := prefix(text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// address reads an address; empty text is the invalid address.
func address(text string) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return a, fmt.Errorf("%q is no address", text)
	}
	return a.Unmap(), nil
}

// ids are the texts that are not empty.
func ids(texts ...string) []ID {
	var out []ID
	for _, text := range texts {
		if text != "" {
			out = append(out, ID(text))
		}
	}
	return out
}
