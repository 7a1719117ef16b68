package collect

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"muster/internal/collect/query"
)

// listing is a call that answers with a list.
type listing struct {
	// file names what is kept, member the list in it; element is the list in
	// the service's XML.
	file, member string
	service      query.Service
	action       string
	element      string
	// size is how many the service gives at a time at most; 0 where it knows
	// no pages.
	size int
	// vital lists are those without which no analysis is of use.
	vital bool
	// read asks for all pages.
	read func(context.Context, *gathering, *listing) (any, error)
}

// listings are the calls that need no answer of another one.
func listings() []listing {
	ec2 := func(action, member, element string, size int, read func(context.Context, *gathering, *listing) (any, error)) listing {
		return listing{file: action, member: member, service: query.EC2(), action: action, element: element, size: size, read: read}
	}
	vital := func(l listing) listing { l.vital = true; return l }
	keep := func(file string, l listing, service query.Service) listing {
		l.file, l.service = file, service
		return l
	}
	return []listing{
		vital(ec2("DescribeVpcs", "Vpcs", "vpcSet", 1000, rows[vpc])),
		vital(ec2("DescribeSubnets", "Subnets", "subnetSet", 1000, rows[subnet])),
		vital(ec2("DescribeInstances", "Reservations", "reservationSet", 1000, rows[reservation])),
		vital(ec2("DescribeNetworkInterfaces", "NetworkInterfaces", "networkInterfaceSet", 1000, rows[networkInterface])),
		vital(ec2("DescribeRouteTables", "RouteTables", "routeTableSet", 100, rows[routeTable])),
		vital(ec2("DescribeNetworkAcls", "NetworkAcls", "networkAclSet", 1000, rows[networkACL])),
		vital(ec2("DescribeSecurityGroups", "SecurityGroups", "securityGroupInfo", 1000, rows[securityGroup])),
		vital(ec2("DescribeInternetGateways", "InternetGateways", "internetGatewaySet", 1000, rows[internetGateway])),
		ec2("DescribeAddresses", "Addresses", "addressesSet", 0, rows[elasticAddress]),
		ec2("DescribeEgressOnlyInternetGateways", "EgressOnlyInternetGateways", "egressOnlyInternetGatewaySet", 255, rows[egressOnlyGateway]),
		ec2("DescribeVpnGateways", "VpnGateways", "vpnGatewaySet", 0, rows[vpnGateway]),
		ec2("DescribeNatGateways", "NatGateways", "natGatewaySet", 1000, rows[natGateway]),
		ec2("DescribeVpnConnections", "VpnConnections", "vpnConnectionSet", 0, rows[vpnConnection]),
		ec2("DescribeVpcPeeringConnections", "VpcPeeringConnections", "vpcPeeringConnectionSet", 1000, rows[peering]),
		ec2("DescribeVpcEndpoints", "VpcEndpoints", "vpcEndpointSet", 1000, rows[endpoint]),
		ec2("DescribeManagedPrefixLists", "PrefixLists", "prefixListSet", 100, kept(func(g *gathering, l []prefixList) { g.prefixLists = l })),
		ec2("DescribeTransitGateways", "TransitGateways", "transitGatewaySet", 1000, rows[transitGateway]),
		ec2("DescribeTransitGatewayAttachments", "TransitGatewayAttachments", "transitGatewayAttachments", 1000, rows[transitAttachment]),
		ec2("DescribeTransitGatewayVpcAttachments", "TransitGatewayVpcAttachments", "transitGatewayVpcAttachments", 1000, rows[transitVPCAttachment]),
		ec2("DescribeTransitGatewayPeeringAttachments", "TransitGatewayPeeringAttachments", "transitGatewayPeeringAttachments", 1000, rows[transitPeeringAttachment]),
		ec2("DescribeTransitGatewayRouteTables", "TransitGatewayRouteTables", "transitGatewayRouteTables", 1000, kept(func(g *gathering, l []transitTable) { g.transit = l })),
		keep("DescribeClassicLoadBalancers", ec2("DescribeLoadBalancers", "LoadBalancerDescriptions", "LoadBalancerDescriptions", 400,
			kept(func(g *gathering, l []classicBalancer) { g.classics = l })), query.ClassicBalancing()),
		keep("DescribeLoadBalancers", ec2("DescribeLoadBalancers", "LoadBalancers", "LoadBalancers", 400,
			kept(func(g *gathering, l []balancer) { g.balancers = l })), query.Balancing()),
		keep("DescribeTargetGroups", ec2("DescribeTargetGroups", "TargetGroups", "TargetGroups", 400,
			kept(func(g *gathering, l []targetGroup) { g.targetGroups = l })), query.Balancing()),
		{file: "DescribeVirtualInterfaces", member: "virtualInterfaces", service: query.DirectConnect(), action: "DescribeVirtualInterfaces",
			read: virtualInterfaces},
		{file: "DescribeDirectConnectGateways", member: "directConnectGateways", service: query.DirectConnect(), action: "DescribeDirectConnectGateways",
			read: directGateways},
	}
}

// rows reads all pages of a list.
func rows[T any](ctx context.Context, g *gathering, l *listing) (any, error) {
	list, err := pages[T](ctx, g, l, nil)
	return list, err
}

// kept is rows of a list about whose elements more is to be asked.
func kept[T any](keep func(*gathering, []T)) func(context.Context, *gathering, *listing) (any, error) {
	return func(ctx context.Context, g *gathering, l *listing) (any, error) {
		list, err := pages[T](ctx, g, l, nil)
		if err == nil {
			keep(g, list)
		}
		return list, err
	}
}

// maxPages bounds a list, so that a service that never comes to an end does
// not keep us.
const maxPages = 20_000

// pages asks for all pages of a list and sorts them, because services give
// them in no particular order.
func pages[T any](ctx context.Context, g *gathering, l *listing, params url.Values) ([]T, error) {
	params = maps.Clone(params)
	if params == nil {
		params = url.Values{}
	}
	next, size := "NextToken", "MaxResults"
	if l.service.Name != query.EC2().Name {
		next, size = "Marker", "PageSize"
	}
	if l.size > 0 {
		params.Set(size, strconv.Itoa(l.size))
	}
	all := []T{}
	for range maxPages {
		p := page[T]{list: l.element}
		if err := g.client.Query(ctx, l.service, l.action, params, &p); err != nil {
			return nil, err
		}
		all = append(all, p.rows...)
		if p.next == "" {
			if p.more {
				return nil, errMore
			}
			return inOrder(all)
		}
		if p.next == params.Get(next) {
			return nil, fmt.Errorf("%s: the same page again and again", l.action)
		}
		params.Set(next, p.next)
	}
	return nil, fmt.Errorf("%s: more than %d pages", l.action, maxPages)
}

// errMore says that a list without pages holds more than was given.
var errMore = errors.New("the service has more than it gives")

// inOrder sorts by what the elements say.
func inOrder[T any](all []T) ([]T, error) {
	type keyed struct {
		text string
		row  T
	}
	list := make([]keyed, len(all))
	for i := range all {
		text, err := json.Marshal(&all[i])
		if err != nil {
			return nil, err
		}
		list[i] = keyed{string(text), all[i]}
	}
	slices.SortStableFunc(list, func(a, b keyed) int {
		if a.text < b.text {
			return -1
		}
		if a.text > b.text {
			return 1
		}
		return 0
	})
	for i := range list {
		all[i] = list[i].row
	}
	return all, nil
}

// page is one page of a list.
type page[T any] struct {
	// list names the element whose children are the rows.
	list string
	rows []T
	next string
	// more: the list is longer, and there is no next page.
	more bool
	// inside: the result around the list was entered; there is none within it.
	inside bool
}

// UnmarshalXML implements xml.Unmarshaler. The query protocol puts a result
// around the list, EC2's does not.
func (p *page[T]) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	return children(d, func(e xml.StartElement) error {
		switch e.Name.Local {
		case p.list:
			return children(d, func(row xml.StartElement) error {
				var v T
				err := d.DecodeElement(&v, &row)
				p.rows = append(p.rows, v)
				return err
			})
		case "nextToken", "NextMarker":
			return d.DecodeElement(&p.next, &e)
		case "additionalRoutesAvailable":
			return d.DecodeElement(&p.more, &e)
		case "DescribeLoadBalancersResult", "DescribeListenersResult", "DescribeRulesResult", "DescribeTargetGroupsResult",
			"DescribeTargetHealthResult", "DescribeLoadBalancerAttributesResult", "DescribeTargetGroupAttributesResult":
			if !p.inside {
				p.inside = true
				return p.UnmarshalXML(d, e)
			}
		}
		return d.Skip()
	})
}

// children calls for each child of an element, whose start was read; it reads
// the element's end.
func children(d *xml.Decoder, child func(xml.StartElement) error) error {
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := child(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}
