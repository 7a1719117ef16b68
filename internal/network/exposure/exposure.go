// Package exposure turns what can be reached into findings as Inspector words
// them: which ports, how severe, by which path (network reachability
// specification, 6.2 and 6.3). It is pure.
package exposure

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/network"
	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// Options say how findings are made.
type Options struct {
	// Coarse makes one finding per run of open ports, as severe as its worst
	// port, in place of one per recognised service.
	Coarse bool
	// Trusted are sources that raise no finding alone.
	Trusted space.Set
	// All includes the interfaces of other things than instances.
	All bool
}

// Finding is one run of open ports of an interface.
type Finding struct {
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Remediation string           `json:"remediation"`
	Severity    finding.Severity `json:"severity"`
	// Service is the recognised one; empty for others.
	Service string                 `json:"service,omitempty"`
	Network finding.NetworkDetails `json:"network"`
	// What is exposed, to which edge, and to which addresses exactly.
	Instance  facts.ID      `json:"instance,omitempty"`
	Interface facts.ID      `json:"interface"`
	Account   arn.AccountID `json:"account,omitempty"`
	Region    arn.Region    `json:"region,omitempty"`
	Edge      network.Edge  `json:"edge"`
	Sources   space.Set     `json:"sources"`
	// Rules decide; Certain is false where a middlebox does, or facts lacked.
	Rules   []network.Rule `json:"rules"`
	Certain bool           `json:"certain"`
	Notes   []string       `json:"notes,omitempty"`
}

// key is what one finding is about, apart from its ports.
type key struct {
	iface    facts.ID
	edge     network.Edge
	protocol facts.Protocol
}

// Findings are those of the exposures of a snapshot, sorted by interface, edge,
// protocol and port.
func Findings(s *network.Snapshot, all []network.Exposure, o Options) []Finding {
	return NewTeller(s, o).Findings(all)
}

// Teller makes findings of the exposures of a snapshot, best of one interface
// after the other.
type Teller struct {
	options   Options
	explainer *network.Explainer
	table     *table
}

// NewTeller makes one.
func NewTeller(s *network.Snapshot, o Options) *Teller {
	return &Teller{o, s.Explainer(), newTable()}
}

// Findings are those of exposures, sorted by interface, edge, protocol and
// port.
func (t *Teller) Findings(all []network.Exposure) []Finding {
	groups := map[key][]*network.Exposure{}
	var order []key
	for i := range all {
		x := &all[i]
		if x.Instance == "" && !t.options.All || x.Sources.Minus(t.options.Trusted).Empty() {
			continue
		}
		k := key{x.Interface, x.Edge, x.Protocol}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], x)
	}
	var out []Finding
	for _, k := range order {
		out = append(out, t.of(k, groups[k])...)
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Interface, b.Interface), cmp.Compare(a.Edge.Kind, b.Edge.Kind), cmp.Compare(a.Edge.ID, b.Edge.ID),
			cmp.Compare(a.Network.Protocol, b.Network.Protocol), cmp.Compare(a.Network.Begin, b.Network.Begin))
	})
	return out
}

func (t *Teller) of(k key, list []*network.Exposure) []Finding {
	var segments []space.Segment
	for _, x := range list {
		segments = append(segments, space.Segment{PortRange: x.Ports, Addrs: x.Sources})
	}
	open := space.Overlay(segments)
	var out []Finding
	for _, run := range open.Ports() {
		for _, cut := range t.cuts(run, k.protocol) {
			out = append(out, t.one(k, list, open.Clip(cut.PortRange), cut))
		}
	}
	return out
}

// cut is a run of ports that becomes one finding.
type cut struct {
	space.PortRange
	service  string
	internet finding.Severity
	path     finding.Severity
}

// cuts divides a run at the recognised ports.
func (t *Teller) cuts(run space.PortRange, p facts.Protocol) []cut {
	if t.options.Coarse {
		return []cut{t.table.worst(run, p)}
	}
	var out []cut
	next := int(run.First)
	for _, port := range t.table.within(run, p) {
		if int(port) > next {
			out = append(out, other(space.PortRange{First: uint16(next), Last: port - 1}))
		}
		c := t.table.rows[p][port]
		c.PortRange = space.PortRange{First: port, Last: port}
		out, next = append(out, c), int(port)+1
	}
	if next <= int(run.Last) {
		out = append(out, other(space.PortRange{First: uint16(next), Last: run.Last}))
	}
	return out
}

func other(r space.PortRange) cut {
	return cut{PortRange: r, internet: finding.Informational, path: finding.Informational}
}

// worst is a whole run, as severe as its worst port.
func (t *table) worst(run space.PortRange, p facts.Protocol) cut {
	out := other(run)
	for _, port := range t.within(run, p) {
		if c := t.rows[p][port]; c.internet.Rank() > out.internet.Rank() {
			out.internet, out.path = c.internet, c.path
		}
	}
	return out
}

func (t *Teller) one(k key, list []*network.Exposure, open space.Map, c cut) Finding {
	f := Finding{Severity: c.path, Service: c.service, Interface: k.iface, Edge: k.edge, Certain: true}
	if k.edge.Internet() {
		f.Severity = c.internet
	}
	var first *network.Exposure
	for _, x := range list {
		if x.Ports.First <= c.Last && c.First <= x.Ports.Last {
			if first == nil {
				first = x
			}
			f.Certain = f.Certain && x.Certain
		}
	}
	f.Instance, f.Account, f.Region = first.Instance, first.Account, first.Region
	narrowed := *first
	narrowed.Ports = space.PortRange{First: max(first.Ports.First, c.First), Last: min(first.Ports.Last, c.Last)}
	d := t.explainer.Details(&narrowed)
	f.Rules, f.Notes = d.Rules, slices.Concat(d.Doubts, d.Assumed)
	f.Sources = open.Addrs()
	protocol := strings.ToUpper(network.ProtocolName(k.protocol))
	f.Network = finding.NetworkDetails{Begin: int32(c.First), End: int32(c.Last), Protocol: protocol, Path: steps(d.Path, first.Scope)}
	f.words(c, protocol, d.Opening)
	return f
}

// edgeName is how titles call an edge.
func edgeName(e network.Edge) (name, component string) {
	switch e.Kind {
	case network.InternetGateway:
		return "an Internet Gateway", "InternetGateway"
	case network.PeeringConnection:
		return "a VPC Peering Connection", "VPCPeeringConnection"
	case network.TransitGateway:
		return "a Transit Gateway", "TransitGateway"
	case network.DirectConnect:
		return "a Direct Connect", "VPNGateway"
	case network.VirtualPrivateGateway, network.EgressOnlyGateway, network.GatewayEndpoint:
	}
	return "a Virtual Private Gateway", "VPNGateway"
}

// words fills in the texts.
func (f *Finding) words(c cut, protocol string, rules []network.Rule) {
	name, component := edgeName(f.Edge)
	what := "Port " + c.String() + " is"
	if c.First != c.Last {
		what = "Port range " + c.String() + " is"
	}
	f.Title = fmt.Sprintf("%s reachable from %s - %s", what, name, protocol)
	f.Description = fmt.Sprintf("On the instance %s, the ports %d-%d can be reached over %s from %s %s through the attached interface ENI %s.",
		f.Instance, c.First, c.Last, protocol, component, f.Edge.ID, f.Interface)
	f.Remediation = remediation(rules)
}

// mostText bounds a remediation with its command, in bytes.
const mostText = 1000

// maxRules is how many rules a remediation names.
const maxRules = 5

// remediation says which rules to change: all that open the ports, by group.
func remediation(rules []network.Rule) string {
	if len(rules) == 0 {
		return "Narrow the security group or network ACL on the path so that only the sources that need the ports reach them."
	}
	var order []facts.ID
	texts := map[facts.ID][]string{}
	for _, r := range rules[:min(len(rules), maxRules)] {
		if texts[r.Component.ID] == nil {
			order = append(order, r.Component.ID)
		}
		texts[r.Component.ID] = append(texts[r.Component.ID], r.Text)
	}
	var parts []string
	for _, id := range order {
		parts = append(parts, fmt.Sprintf("the %s of %s", strings.Join(texts[id], " and the "), id))
	}
	out := "Remove or narrow " + strings.Join(parts, ", and ")
	if more := len(rules) - maxRules; more > 0 {
		out += fmt.Sprintf(", and %d rules more", more)
	}
	out += ", so that only the sources that need the ports reach them."
	if command := rules[0].Revoke; command != "" && len(out)+len(command) < mostText {
		which := "it"
		if len(rules) > 1 {
			which = "the first one"
		}
		out += " To remove " + which + ": " + command
	}
	return out
}

// steps are the components that Inspector lists: gateways, ACLs, groups,
// interfaces, instances and load balancers.
func steps(path []network.Hop, scope facts.Scope) []finding.Step {
	var out []finding.Step
	for _, h := range path {
		kind := h.Type[strings.LastIndexByte(h.Type, ':')+1:]
		switch kind {
		case "Subnet", "RouteTable", "TransitGatewayRouteTable", "VPC":
			continue
		}
		step := finding.Step{ID: string(h.ID), Type: h.Type}
		if resource := arnType(kind); resource != "" && scope.Account != "" && scope.Region != "" {
			step.ARN = string(arn.New("ec2", scope.Region, scope.Account, resource+"/"+step.ID))
		}
		if strings.HasPrefix(step.ID, "arn:") {
			step.ARN = step.ID
		}
		if len(out) < 30 {
			out = append(out, step)
		}
	}
	return out
}

// arnType is how ARNs call a kind of component.
func arnType(kind string) string {
	switch kind {
	case "InternetGateway":
		return "internet-gateway"
	case "VPNGateway":
		return "vpn-gateway"
	case "VPCPeeringConnection":
		return "vpc-peering-connection"
	case "TransitGateway":
		return "transit-gateway"
	case "NetworkAcl":
		return "network-acl"
	case "SecurityGroup":
		return "security-group"
	case "NetworkInterface":
		return "network-interface"
	case "Instance":
		return "instance"
	}
	return ""
}
