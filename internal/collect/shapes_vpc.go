package collect

// The shapes of answers are what facts read of them, under the names of EC2's
// XML and of the command line's JSON. What is left out is not stored: secrets,
// such as those of VPN tunnels, and what changes without meaning anything.
type (
	vpc struct {
		VPCID                   string `xml:"vpcId" json:"VpcId,omitempty"`
		OwnerID                 string `xml:"ownerId" json:"OwnerId,omitempty"`
		CIDRBlock               string `xml:"cidrBlock" json:"CidrBlock,omitempty"`
		CIDRBlockAssociationSet []struct {
			CIDRBlock      string `xml:"cidrBlock" json:"CidrBlock,omitempty"`
			CIDRBlockState *struct {
				State string `xml:"state" json:"State,omitempty"`
			} `xml:"cidrBlockState" json:"CidrBlockState,omitempty"`
		} `xml:"cidrBlockAssociationSet>item" json:"CidrBlockAssociationSet,omitempty"`
		IPv6CIDRBlockAssociationSet []struct {
			IPv6CIDRBlock      string `xml:"ipv6CidrBlock" json:"Ipv6CidrBlock,omitempty"`
			IPv6CIDRBlockState *struct {
				State string `xml:"state" json:"State,omitempty"`
			} `xml:"ipv6CidrBlockState" json:"Ipv6CidrBlockState,omitempty"`
		} `xml:"ipv6CidrBlockAssociationSet>item" json:"Ipv6CidrBlockAssociationSet,omitempty"`
		Tags []tag `xml:"tagSet>item" json:"Tags,omitempty"`
	}

	subnet struct {
		SubnetID                    string `xml:"subnetId" json:"SubnetId,omitempty"`
		SubnetARN                   string `xml:"subnetArn" json:"SubnetArn,omitempty"`
		VPCID                       string `xml:"vpcId" json:"VpcId,omitempty"`
		OwnerID                     string `xml:"ownerId" json:"OwnerId,omitempty"`
		AvailabilityZone            string `xml:"availabilityZone" json:"AvailabilityZone,omitempty"`
		CIDRBlock                   string `xml:"cidrBlock" json:"CidrBlock,omitempty"`
		IPv6CIDRBlockAssociationSet []struct {
			IPv6CIDRBlock      string `xml:"ipv6CidrBlock" json:"Ipv6CidrBlock,omitempty"`
			IPv6CIDRBlockState *struct {
				State string `xml:"state" json:"State,omitempty"`
			} `xml:"ipv6CidrBlockState" json:"Ipv6CidrBlockState,omitempty"`
		} `xml:"ipv6CidrBlockAssociationSet>item" json:"Ipv6CidrBlockAssociationSet,omitempty"`
		MapPublicIPOnLaunch *bool `xml:"mapPublicIpOnLaunch" json:"MapPublicIpOnLaunch,omitempty"`
		Tags                []tag `xml:"tagSet>item" json:"Tags,omitempty"`
	}

	reservation struct {
		OwnerID   string `xml:"ownerId" json:"OwnerId,omitempty"`
		Instances []struct {
			InstanceID         string `xml:"instanceId" json:"InstanceId,omitempty"`
			VPCID              string `xml:"vpcId" json:"VpcId,omitempty"`
			SubnetID           string `xml:"subnetId" json:"SubnetId,omitempty"`
			ImageID            string `xml:"imageId" json:"ImageId,omitempty"`
			InstanceType       string `xml:"instanceType" json:"InstanceType,omitempty"`
			KeyName            string `xml:"keyName" json:"KeyName,omitempty"`
			LaunchTime         string `xml:"launchTime" json:"LaunchTime,omitempty"`
			IAMInstanceProfile *struct {
				ARN string `xml:"arn" json:"Arn,omitempty"`
			} `xml:"iamInstanceProfile" json:"IamInstanceProfile,omitempty"`
			State *struct {
				Name string `xml:"name" json:"Name,omitempty"`
			} `xml:"instanceState" json:"State,omitempty"`
			Placement *struct {
				AvailabilityZone string `xml:"availabilityZone" json:"AvailabilityZone,omitempty"`
			} `xml:"placement" json:"Placement,omitempty"`
			Tags []tag `xml:"tagSet>item" json:"Tags,omitempty"`
		} `xml:"instancesSet>item" json:"Instances,omitempty"`
	}

	networkInterface struct {
		NetworkInterfaceID string `xml:"networkInterfaceId" json:"NetworkInterfaceId,omitempty"`
		VPCID              string `xml:"vpcId" json:"VpcId,omitempty"`
		SubnetID           string `xml:"subnetId" json:"SubnetId,omitempty"`
		OwnerID            string `xml:"ownerId" json:"OwnerId,omitempty"`
		AvailabilityZone   string `xml:"availabilityZone" json:"AvailabilityZone,omitempty"`
		InterfaceType      string `xml:"interfaceType" json:"InterfaceType,omitempty"`
		Description        string `xml:"description" json:"Description,omitempty"`
		PrivateIPAddress   string `xml:"privateIpAddress" json:"PrivateIpAddress,omitempty"`
		SourceDestCheck    *bool  `xml:"sourceDestCheck" json:"SourceDestCheck,omitempty"`
		Groups             []struct {
			GroupID string `xml:"groupId" json:"GroupId,omitempty"`
		} `xml:"groupSet>item" json:"Groups,omitempty"`
		Attachment *struct {
			InstanceID  string `xml:"instanceId" json:"InstanceId,omitempty"`
			DeviceIndex *int   `xml:"deviceIndex" json:"DeviceIndex,omitempty"`
		} `xml:"attachment" json:"Attachment,omitempty"`
		Association *struct {
			PublicIP string `xml:"publicIp" json:"PublicIp,omitempty"`
		} `xml:"association" json:"Association,omitempty"`
		PrivateIPAddresses []struct {
			PrivateIPAddress string `xml:"privateIpAddress" json:"PrivateIpAddress,omitempty"`
			Association      *struct {
				PublicIP string `xml:"publicIp" json:"PublicIp,omitempty"`
			} `xml:"association" json:"Association,omitempty"`
		} `xml:"privateIpAddressesSet>item" json:"PrivateIpAddresses,omitempty"`
		IPv6Addresses []struct {
			IPv6Address string `xml:"ipv6Address" json:"Ipv6Address,omitempty"`
		} `xml:"ipv6AddressesSet>item" json:"Ipv6Addresses,omitempty"`
		IPv4Prefixes []struct {
			IPv4Prefix string `xml:"ipv4Prefix" json:"Ipv4Prefix,omitempty"`
		} `xml:"ipv4PrefixSet>item" json:"Ipv4Prefixes,omitempty"`
		IPv6Prefixes []struct {
			IPv6Prefix string `xml:"ipv6Prefix" json:"Ipv6Prefix,omitempty"`
		} `xml:"ipv6PrefixSet>item" json:"Ipv6Prefixes,omitempty"`
		TagSet []tag `xml:"tagSet>item" json:"TagSet,omitempty"`
	}

	elasticAddress struct {
		AllocationID       string `xml:"allocationId" json:"AllocationId,omitempty"`
		PublicIP           string `xml:"publicIp" json:"PublicIp,omitempty"`
		PrivateIPAddress   string `xml:"privateIpAddress" json:"PrivateIpAddress,omitempty"`
		NetworkInterfaceID string `xml:"networkInterfaceId" json:"NetworkInterfaceId,omitempty"`
		InstanceID         string `xml:"instanceId" json:"InstanceId,omitempty"`
	}

	routeTable struct {
		RouteTableID string `xml:"routeTableId" json:"RouteTableId,omitempty"`
		VPCID        string `xml:"vpcId" json:"VpcId,omitempty"`
		OwnerID      string `xml:"ownerId" json:"OwnerId,omitempty"`
		Associations []struct {
			Main             *bool  `xml:"main" json:"Main,omitempty"`
			SubnetID         string `xml:"subnetId" json:"SubnetId,omitempty"`
			GatewayID        string `xml:"gatewayId" json:"GatewayId,omitempty"`
			AssociationState *struct {
				State string `xml:"state" json:"State,omitempty"`
			} `xml:"associationState" json:"AssociationState,omitempty"`
		} `xml:"associationSet>item" json:"Associations,omitempty"`
		PropagatingVGWs []struct {
			GatewayID string `xml:"gatewayId" json:"GatewayId,omitempty"`
		} `xml:"propagatingVgwSet>item" json:"PropagatingVgws,omitempty"`
		Routes []struct {
			DestinationCIDRBlock        string `xml:"destinationCidrBlock" json:"DestinationCidrBlock,omitempty"`
			DestinationIPv6CIDRBlock    string `xml:"destinationIpv6CidrBlock" json:"DestinationIpv6CidrBlock,omitempty"`
			DestinationPrefixListID     string `xml:"destinationPrefixListId" json:"DestinationPrefixListId,omitempty"`
			GatewayID                   string `xml:"gatewayId" json:"GatewayId,omitempty"`
			NATGatewayID                string `xml:"natGatewayId" json:"NatGatewayId,omitempty"`
			EgressOnlyInternetGatewayID string `xml:"egressOnlyInternetGatewayId" json:"EgressOnlyInternetGatewayId,omitempty"`
			InstanceID                  string `xml:"instanceId" json:"InstanceId,omitempty"`
			NetworkInterfaceID          string `xml:"networkInterfaceId" json:"NetworkInterfaceId,omitempty"`
			TransitGatewayID            string `xml:"transitGatewayId" json:"TransitGatewayId,omitempty"`
			VPCPeeringConnectionID      string `xml:"vpcPeeringConnectionId" json:"VpcPeeringConnectionId,omitempty"`
			LocalGatewayID              string `xml:"localGatewayId" json:"LocalGatewayId,omitempty"`
			CarrierGatewayID            string `xml:"carrierGatewayId" json:"CarrierGatewayId,omitempty"`
			CoreNetworkARN              string `xml:"coreNetworkArn" json:"CoreNetworkArn,omitempty"`
			Origin                      string `xml:"origin" json:"Origin,omitempty"`
			State                       string `xml:"state" json:"State,omitempty"`
		} `xml:"routeSet>item" json:"Routes,omitempty"`
		Tags []tag `xml:"tagSet>item" json:"Tags,omitempty"`
	}

	networkACL struct {
		NetworkACLID string `xml:"networkAclId" json:"NetworkAclId,omitempty"`
		VPCID        string `xml:"vpcId" json:"VpcId,omitempty"`
		OwnerID      string `xml:"ownerId" json:"OwnerId,omitempty"`
		IsDefault    *bool  `xml:"default" json:"IsDefault,omitempty"`
		Associations []struct {
			SubnetID string `xml:"subnetId" json:"SubnetId,omitempty"`
		} `xml:"associationSet>item" json:"Associations,omitempty"`
		Entries []struct {
			RuleNumber    *int   `xml:"ruleNumber" json:"RuleNumber,omitempty"`
			Egress        *bool  `xml:"egress" json:"Egress,omitempty"`
			RuleAction    string `xml:"ruleAction" json:"RuleAction,omitempty"`
			Protocol      string `xml:"protocol" json:"Protocol,omitempty"`
			CIDRBlock     string `xml:"cidrBlock" json:"CidrBlock,omitempty"`
			IPv6CIDRBlock string `xml:"ipv6CidrBlock" json:"Ipv6CidrBlock,omitempty"`
			PortRange     *struct {
				From *int `xml:"from" json:"From,omitempty"`
				To   *int `xml:"to" json:"To,omitempty"`
			} `xml:"portRange" json:"PortRange,omitempty"`
			ICMPTypeCode *struct {
				Type *int `xml:"type" json:"Type,omitempty"`
				Code *int `xml:"code" json:"Code,omitempty"`
			} `xml:"icmpTypeCode" json:"IcmpTypeCode,omitempty"`
		} `xml:"entrySet>item" json:"Entries,omitempty"`
		Tags []tag `xml:"tagSet>item" json:"Tags,omitempty"`
	}

	securityGroup struct {
		GroupID             string       `xml:"groupId" json:"GroupId,omitempty"`
		GroupName           string       `xml:"groupName" json:"GroupName,omitempty"`
		VPCID               string       `xml:"vpcId" json:"VpcId,omitempty"`
		OwnerID             string       `xml:"ownerId" json:"OwnerId,omitempty"`
		IPPermissions       []permission `xml:"ipPermissions>item" json:"IpPermissions,omitempty"`
		IPPermissionsEgress []permission `xml:"ipPermissionsEgress>item" json:"IpPermissionsEgress,omitempty"`
	}

	permission struct {
		IPProtocol string `xml:"ipProtocol" json:"IpProtocol,omitempty"`
		FromPort   *int   `xml:"fromPort" json:"FromPort,omitempty"`
		ToPort     *int   `xml:"toPort" json:"ToPort,omitempty"`
		IPRanges   []struct {
			CIDRIP string `xml:"cidrIp" json:"CidrIp,omitempty"`
		} `xml:"ipRanges>item" json:"IpRanges,omitempty"`
		IPv6Ranges []struct {
			CIDRIPv6 string `xml:"cidrIpv6" json:"CidrIpv6,omitempty"`
		} `xml:"ipv6Ranges>item" json:"Ipv6Ranges,omitempty"`
		PrefixListIDs []struct {
			PrefixListID string `xml:"prefixListId" json:"PrefixListId,omitempty"`
		} `xml:"prefixListIds>item" json:"PrefixListIds,omitempty"`
		UserIDGroupPairs []struct {
			GroupID                string `xml:"groupId" json:"GroupId,omitempty"`
			UserID                 string `xml:"userId" json:"UserId,omitempty"`
			VPCID                  string `xml:"vpcId" json:"VpcId,omitempty"`
			VPCPeeringConnectionID string `xml:"vpcPeeringConnectionId" json:"VpcPeeringConnectionId,omitempty"`
			PeeringStatus          string `xml:"peeringStatus" json:"PeeringStatus,omitempty"`
		} `xml:"groups>item" json:"UserIdGroupPairs,omitempty"`
	}

	prefixList struct {
		PrefixListID   string `xml:"prefixListId" json:"PrefixListId,omitempty"`
		PrefixListName string `xml:"prefixListName" json:"PrefixListName,omitempty"`
		OwnerID        string `xml:"ownerId" json:"OwnerId,omitempty"`
		State          string `xml:"state" json:"State,omitempty"`
		Version        *int64 `xml:"version" json:"Version,omitempty"`
	}

	prefixListEntry struct {
		CIDR string `xml:"cidr" json:"Cidr,omitempty"`
	}

	tag struct {
		Key   string `xml:"key" json:"Key"`
		Value string `xml:"value" json:"Value"`
	}
)
