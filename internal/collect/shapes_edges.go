package collect

type (
	internetGateway struct {
		InternetGatewayID string `xml:"internetGatewayId" json:"InternetGatewayId,omitempty"`
		OwnerID           string `xml:"ownerId" json:"OwnerId,omitempty"`
		Attachments       []struct {
			VPCID string `xml:"vpcId" json:"VpcId,omitempty"`
			State string `xml:"state" json:"State,omitempty"`
		} `xml:"attachmentSet>item" json:"Attachments,omitempty"`
		Tags []tag `xml:"tagSet>item" json:"Tags,omitempty"`
	}

	egressOnlyGateway struct {
		EgressOnlyInternetGatewayID string `xml:"egressOnlyInternetGatewayId" json:"EgressOnlyInternetGatewayId,omitempty"`
		Attachments                 []struct {
			VPCID string `xml:"vpcId" json:"VpcId,omitempty"`
			State string `xml:"state" json:"State,omitempty"`
		} `xml:"attachmentSet>item" json:"Attachments,omitempty"`
		Tags []tag `xml:"tagSet>item" json:"Tags,omitempty"`
	}

	vpnGateway struct {
		VPNGatewayID   string `xml:"vpnGatewayId" json:"VpnGatewayId,omitempty"`
		State          string `xml:"state" json:"State,omitempty"`
		VPCAttachments []struct {
			VPCID string `xml:"vpcId" json:"VpcId,omitempty"`
			State string `xml:"state" json:"State,omitempty"`
		} `xml:"attachments>item" json:"VpcAttachments,omitempty"`
		Tags []tag `xml:"tagSet>item" json:"Tags,omitempty"`
	}

	natGateway struct {
		NATGatewayID        string `xml:"natGatewayId" json:"NatGatewayId,omitempty"`
		VPCID               string `xml:"vpcId" json:"VpcId,omitempty"`
		SubnetID            string `xml:"subnetId" json:"SubnetId,omitempty"`
		State               string `xml:"state" json:"State,omitempty"`
		ConnectivityType    string `xml:"connectivityType" json:"ConnectivityType,omitempty"`
		NATGatewayAddresses []struct {
			PrivateIP          string `xml:"privateIp" json:"PrivateIp,omitempty"`
			PublicIP           string `xml:"publicIp" json:"PublicIp,omitempty"`
			NetworkInterfaceID string `xml:"networkInterfaceId" json:"NetworkInterfaceId,omitempty"`
		} `xml:"natGatewayAddressSet>item" json:"NatGatewayAddresses,omitempty"`
	}

	vpnConnection struct {
		VPNConnectionID  string `xml:"vpnConnectionId" json:"VpnConnectionId,omitempty"`
		VPNGatewayID     string `xml:"vpnGatewayId" json:"VpnGatewayId,omitempty"`
		TransitGatewayID string `xml:"transitGatewayId" json:"TransitGatewayId,omitempty"`
		State            string `xml:"state" json:"State,omitempty"`
		Routes           []struct {
			DestinationCIDRBlock string `xml:"destinationCidrBlock" json:"DestinationCidrBlock,omitempty"`
			State                string `xml:"state" json:"State,omitempty"`
		} `xml:"routes>item" json:"Routes,omitempty"`
	}

	peering struct {
		VPCPeeringConnectionID string `xml:"vpcPeeringConnectionId" json:"VpcPeeringConnectionId,omitempty"`
		Status                 *struct {
			Code string `xml:"code" json:"Code,omitempty"`
		} `xml:"status" json:"Status,omitempty"`
		RequesterVPCInfo *peerVPC `xml:"requesterVpcInfo" json:"RequesterVpcInfo,omitempty"`
		AccepterVPCInfo  *peerVPC `xml:"accepterVpcInfo" json:"AccepterVpcInfo,omitempty"`
	}

	peerVPC struct {
		VPCID        string `xml:"vpcId" json:"VpcId,omitempty"`
		OwnerID      string `xml:"ownerId" json:"OwnerId,omitempty"`
		Region       string `xml:"region" json:"Region,omitempty"`
		CIDRBlock    string `xml:"cidrBlock" json:"CidrBlock,omitempty"`
		CIDRBlockSet []struct {
			CIDRBlock string `xml:"cidrBlock" json:"CidrBlock,omitempty"`
		} `xml:"cidrBlockSet>item" json:"CidrBlockSet,omitempty"`
		IPv6CIDRBlockSet []struct {
			IPv6CIDRBlock string `xml:"ipv6CidrBlock" json:"Ipv6CidrBlock,omitempty"`
		} `xml:"ipv6CidrBlockSet>item" json:"Ipv6CidrBlockSet,omitempty"`
	}

	endpoint struct {
		VPCEndpointID       string   `xml:"vpcEndpointId" json:"VpcEndpointId,omitempty"`
		VPCID               string   `xml:"vpcId" json:"VpcId,omitempty"`
		OwnerID             string   `xml:"ownerId" json:"OwnerId,omitempty"`
		VPCEndpointType     string   `xml:"vpcEndpointType" json:"VpcEndpointType,omitempty"`
		ServiceName         string   `xml:"serviceName" json:"ServiceName,omitempty"`
		State               string   `xml:"state" json:"State,omitempty"`
		SubnetIDs           []string `xml:"subnetIdSet>item" json:"SubnetIds,omitempty"`
		NetworkInterfaceIDs []string `xml:"networkInterfaceIdSet>item" json:"NetworkInterfaceIds,omitempty"`
	}

	transitGateway struct {
		TransitGatewayID string `xml:"transitGatewayId" json:"TransitGatewayId,omitempty"`
		OwnerID          string `xml:"ownerId" json:"OwnerId,omitempty"`
		State            string `xml:"state" json:"State,omitempty"`
		Options          *struct {
			SecurityGroupReferencingSupport string `xml:"securityGroupReferencingSupport" json:"SecurityGroupReferencingSupport,omitempty"`
		} `xml:"options" json:"Options,omitempty"`
	}

	transitAttachment struct {
		TransitGatewayAttachmentID string `xml:"transitGatewayAttachmentId" json:"TransitGatewayAttachmentId,omitempty"`
		TransitGatewayID           string `xml:"transitGatewayId" json:"TransitGatewayId,omitempty"`
		ResourceType               string `xml:"resourceType" json:"ResourceType,omitempty"`
		ResourceID                 string `xml:"resourceId" json:"ResourceId,omitempty"`
		ResourceOwnerID            string `xml:"resourceOwnerId" json:"ResourceOwnerId,omitempty"`
		State                      string `xml:"state" json:"State,omitempty"`
		Association                *struct {
			TransitGatewayRouteTableID string `xml:"transitGatewayRouteTableId" json:"TransitGatewayRouteTableId,omitempty"`
			State                      string `xml:"state" json:"State,omitempty"`
		} `xml:"association" json:"Association,omitempty"`
	}

	transitVPCAttachment struct {
		TransitGatewayAttachmentID string   `xml:"transitGatewayAttachmentId" json:"TransitGatewayAttachmentId,omitempty"`
		TransitGatewayID           string   `xml:"transitGatewayId" json:"TransitGatewayId,omitempty"`
		VPCID                      string   `xml:"vpcId" json:"VpcId,omitempty"`
		VPCOwnerID                 string   `xml:"vpcOwnerId" json:"VpcOwnerId,omitempty"`
		State                      string   `xml:"state" json:"State,omitempty"`
		SubnetIDs                  []string `xml:"subnetIds>item" json:"SubnetIds,omitempty"`
		Options                    *struct {
			ApplianceModeSupport            string `xml:"applianceModeSupport" json:"ApplianceModeSupport,omitempty"`
			SecurityGroupReferencingSupport string `xml:"securityGroupReferencingSupport" json:"SecurityGroupReferencingSupport,omitempty"`
		} `xml:"options" json:"Options,omitempty"`
	}

	transitPeeringAttachment struct {
		TransitGatewayAttachmentID string `xml:"transitGatewayAttachmentId" json:"TransitGatewayAttachmentId,omitempty"`
		State                      string `xml:"state" json:"State,omitempty"`
		RequesterTGWInfo           *struct {
			TransitGatewayID string `xml:"transitGatewayId" json:"TransitGatewayId,omitempty"`
		} `xml:"requesterTgwInfo" json:"RequesterTgwInfo,omitempty"`
		AccepterTGWInfo *struct {
			TransitGatewayID string `xml:"transitGatewayId" json:"TransitGatewayId,omitempty"`
		} `xml:"accepterTgwInfo" json:"AccepterTgwInfo,omitempty"`
	}

	transitTable struct {
		TransitGatewayRouteTableID string `xml:"transitGatewayRouteTableId" json:"TransitGatewayRouteTableId,omitempty"`
		TransitGatewayID           string `xml:"transitGatewayId" json:"TransitGatewayId,omitempty"`
		State                      string `xml:"state" json:"State,omitempty"`
	}

	transitRoute struct {
		DestinationCIDRBlock      string `xml:"destinationCidrBlock" json:"DestinationCidrBlock,omitempty"`
		Type                      string `xml:"type" json:"Type,omitempty"`
		State                     string `xml:"state" json:"State,omitempty"`
		PrefixListID              string `xml:"prefixListId" json:"PrefixListId,omitempty"`
		TransitGatewayAttachments []struct {
			TransitGatewayAttachmentID string `xml:"transitGatewayAttachmentId" json:"TransitGatewayAttachmentId,omitempty"`
		} `xml:"transitGatewayAttachments>item" json:"TransitGatewayAttachments,omitempty"`
	}

	transitPropagation struct {
		TransitGatewayAttachmentID string `xml:"transitGatewayAttachmentId" json:"TransitGatewayAttachmentId,omitempty"`
		State                      string `xml:"state" json:"State,omitempty"`
	}
)
