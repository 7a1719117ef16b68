// Package facts is what EC2 and Elastic Load Balancing say about networks:
// their describe answers, from files, joined over accounts and Regions, in a
// form that analysis can rely on. Only what can influence reachability is
// kept; unknown members are ignored.
package facts

import (
	"net/netip"
	"strings"
	"time"

	"muster/internal/arn"
)

// ID names a resource in EC2's words (i-…, eni-…, vpc-…), a load balancer or a
// target group by its ARN, a classic load balancer of which no account is known
// by its name.
type ID string

// Scope says whose a resource is and where; both may be unknown.
type Scope struct {
	Account arn.AccountID `json:"account,omitempty"`
	Region  arn.Region    `json:"region,omitempty"`
}

// Facts are everything known about networks at one time. Lists are sorted by
// id and hold each id once.
type Facts struct {
	VPCs               []VPC
	Subnets            []Subnet
	Instances          []Instance
	Interfaces         []Interface
	RouteTables        []RouteTable
	ACLs               []ACL
	Groups             []Group
	PrefixLists        []PrefixList
	InternetGateways   []Gateway
	EgressOnlyGateways []Gateway
	VPNGateways        []Gateway
	NATGateways        []NATGateway
	VPNConnections     []VPNConnection
	DirectConnects     []DirectConnect
	Peerings           []Peering
	TransitGateways    []TransitGateway
	Attachments        []Attachment
	TransitTables      []TransitTable
	Endpoints          []Endpoint
	LoadBalancers      []LoadBalancer
	TargetGroups       []TargetGroup
	// Collections say how old the facts are, where somebody noted it.
	Collections []Collection
}

// Collection is when an account's facts of a Region were read, and which calls
// were not answered then.
type Collection struct {
	Scope
	At          time.Time
	NotAnswered []string
}

// Text says it for people.
func (c *Collection) Text() string {
	text := "the facts"
	if c.Account != "" {
		text += " of " + string(c.Account)
	}
	if c.Region != "" {
		text += " in " + string(c.Region)
	}
	text += " are of " + c.At.UTC().Format(time.RFC3339)
	if len(c.NotAnswered) > 0 {
		text += " and not complete; not answered: " + strings.Join(c.NotAnswered, "; ")
	}
	return text
}

// VPC is a virtual network.
type VPC struct {
	ID ID
	Scope
	Name  string
	CIDRs []netip.Prefix
	// Implied VPCs are known from their subnets only.
	Implied bool
}

// Subnet is a part of a VPC in one zone.
type Subnet struct {
	ID ID
	Scope
	Name  string
	VPC   ID
	Zone  string
	CIDRs []netip.Prefix
	// GivesPublic: interfaces made in it get a public address.
	GivesPublic bool
}

// Instance is a virtual machine.
type Instance struct {
	ID ID
	Scope
	Name string
	VPC  ID
	// State is EC2's word: running, stopped, …
	State  string
	Subnet ID
	// What findings tell of the instance and reachability does not depend on.
	Image, Type, Key, Profile string
	Launched                  time.Time
	Tags                      map[string]string
}

// Interface is a network interface.
type Interface struct {
	ID ID
	Scope
	Name        string
	VPC, Subnet ID
	// Instance is set where it is attached to one.
	Instance ID
	// Kind is EC2's interface type: interface, nat_gateway, …
	Kind, Description string
	// Device is the index at its instance; 0 is the primary one.
	Device    int
	Groups    []ID
	Addresses []Address
	// ForwardsForOthers is true where the source/destination check is off.
	ForwardsForOthers bool
}

// Address is one address of an interface, or a prefix delegated to it.
type Address struct {
	Private netip.Prefix
	// Public is the IPv4 address that the internet gateway maps to Private.
	Public netip.Addr
}

// RouteTable says where packets that leave subnets, or enter through gateways,
// go.
type RouteTable struct {
	ID ID
	Scope
	Name string
	VPC  ID
	// Main is used by subnets that name no table.
	Main              bool
	Subnets, Gateways []ID
	Routes            []Route
	// Propagating are the virtual private gateways whose routes appear here.
	Propagating []ID
}

// Route is one route of a table; either CIDR or PrefixList is its destination.
type Route struct {
	CIDR       netip.Prefix
	PrefixList ID
	// Target is "local", or the gateway, interface, instance or connection.
	Target     ID
	Blackhole  bool
	Propagated bool
}

// ACL is a network access control list.
type ACL struct {
	ID ID
	Scope
	Name    string
	VPC     ID
	Default bool
	Subnets []ID
	Entries []Entry
}

// Protocol is an IP protocol number.
type Protocol int

// The protocols that rules treat specially. Any is EC2's -1.
const (
	Any    Protocol = -1
	ICMP   Protocol = 1
	TCP    Protocol = 6
	UDP    Protocol = 17
	ICMPv6 Protocol = 58
)

// Match is what rules ask of a packet beyond its addresses: for TCP and UDP
// From to To are destination ports, for ICMP the type and the code (-1 for
// any), for others they mean nothing.
type Match struct {
	Protocol Protocol
	From, To int
}

// Entry is one numbered rule of an ACL.
type Entry struct {
	Number int
	Egress bool
	Allow  bool
	CIDR   netip.Prefix
	Match
}

// Group is a security group.
type Group struct {
	ID ID
	Scope
	Name    string
	VPC     ID
	Ingress []Rule
	Egress  []Rule
}

// Rule allows what one peer may do: CIDR, PrefixList or Group says which.
type Rule struct {
	Match
	CIDR       netip.Prefix
	PrefixList ID
	Group      ID
	// Peering is the connection through which Group is known; Stale that it
	// is gone.
	Peering ID
	Stale   bool
}

// PrefixList is a named list of prefixes.
type PrefixList struct {
	ID ID
	Scope
	Name  string
	CIDRs []netip.Prefix
	// Known is false where only the list's name is among the facts.
	Known bool
}

// Gateway is an internet, egress-only or virtual private gateway and the VPCs
// it is attached to.
type Gateway struct {
	ID ID
	Scope
	Name string
	VPCs []ID
}

// NATGateway translates addresses of outbound flows.
type NATGateway struct {
	ID ID
	Scope
	VPC, Subnet ID
	// Private gateways do not lead to the internet.
	Private   bool
	Addresses []Address
}

// VPNConnection ends at a virtual private gateway or a transit gateway.
type VPNConnection struct {
	ID ID
	Scope
	Gateway ID
	// Routes are the static ones.
	Routes []netip.Prefix
}

// DirectConnect joins a Direct Connect gateway, or a virtual interface itself,
// to a virtual private or transit gateway.
type DirectConnect struct {
	ID ID
	Scope
	Gateway ID
}

// Peering joins two VPCs.
type Peering struct {
	ID ID
	Scope
	Active              bool
	Requester, Accepter PeerVPC
}

// PeerVPC is one side of a peering connection.
type PeerVPC struct {
	VPC ID
	Scope
	CIDRs []netip.Prefix
}

// TransitGateway routes between its attachments.
type TransitGateway struct {
	ID ID
	Scope
	// GroupReferences: groups of other attached VPCs may be named in rules.
	GroupReferences bool
}

// Attachment joins a transit gateway to a VPC, a VPN, Direct Connect or
// another transit gateway.
type Attachment struct {
	ID ID
	Scope
	Gateway ID
	// Kind is vpc, vpn, direct-connect-gateway, peering or connect.
	Kind     string
	Resource ID
	// Table is the associated table, whose routes its packets follow.
	Table ID
	// Subnets are those that hold its interfaces (VPC attachments).
	Subnets []ID
	// PeerGateway is the transit gateway at the far end of a peering.
	PeerGateway ID
	Appliance   bool
	// GroupReferences as of the gateway; both must allow it.
	GroupReferences bool
}

// TransitTable is a route table of a transit gateway.
type TransitTable struct {
	ID ID
	Scope
	Gateway ID
	Routes  []TransitRoute
	// Propagating attachments announce what they lead to.
	Propagating []ID
}

// TransitRoute leads to one of its attachments, or drops packets.
type TransitRoute struct {
	CIDR        netip.Prefix
	Attachments []ID
	Blackhole   bool
	Propagated  bool
}

// Endpoint is a VPC endpoint. Kind is Gateway, Interface or
// GatewayLoadBalancer.
type Endpoint struct {
	ID ID
	Scope
	VPC                 ID
	Kind, Service       string
	Subnets, Interfaces []ID
}

// LoadBalancer is a classic, application, network or gateway load balancer.
type LoadBalancer struct {
	ID ID
	Scope
	Name string
	// Kind is classic, application, network or gateway.
	Kind           string
	InternetFacing bool
	VPC            ID
	Subnets        []ID
	Groups         []ID
	Listeners      []Listener
	// CrossZone is nil where the facts do not say.
	CrossZone *bool
}

// Listener is a port of a load balancer and where its flows go.
type Listener struct {
	Protocol     string
	Port         uint16
	TargetGroups []ID
}

// TargetGroup is where load balancers send flows.
type TargetGroup struct {
	ID ID
	Scope
	Name string
	VPC  ID
	// Kind is instance, ip, lambda or alb.
	Kind, Protocol string
	Port           uint16
	HealthPort     string
	// PreserveClient and CrossZone are nil where the facts do not say.
	PreserveClient, CrossZone *bool
	Targets                   []Target
}

// Target is an instance, an address or a load balancer behind a group.
type Target struct {
	ID   string
	Port uint16
	Zone string
	// Health is the balancer's word when the facts were read: healthy,
	// unhealthy, draining, …; it does not count for what is open.
	Health string
}
