package networktest

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"muster/internal/network/facts"
)

// Case is one network in the small language of scripts, with questions and
// their answers.
type Case struct {
	Name string
	// Row is the first column of the row of the table of semantics that the
	// case is of.
	Row   string
	Facts *facts.Facts
	Asks  []Ask
}

// Ask is a question and what the answer must be.
type Ask struct {
	Line                          int
	Source, Destination, Protocol string
	// Want is open, closed or unknown (open as far as is known).
	Want string
	// At is the first component in the way, or one that packets pass.
	At string
	// Says must be part of what stands in the way, or of what is noted.
	Says string
}

// Cases reads a script: a network, and after each line "== NAME" a case that
// adds to it. README.md beside the scripts lists the words.
func Cases(text string) ([]Case, error) {
	prelude, rest, _ := strings.Cut(text, "\n== ")
	var out []Case
	line := strings.Count(prelude, "\n") + 2
	for rest != "" {
		var body string
		body, rest, _ = strings.Cut(rest, "\n== ")
		name, body, _ := strings.Cut(body, "\n")
		s := &script{f: &facts.Facts{}, c: Case{Name: name}}
		if err := s.lines(prelude, 1); err != nil {
			return nil, err
		}
		if err := s.lines(body, line+1); err != nil {
			return nil, err
		}
		line += strings.Count(body, "\n") + 2
		s.c.Facts = facts.Join(s.f)
		out = append(out, s.c)
	}
	return out, nil
}

// script is a case being read.
type script struct {
	f *facts.Facts
	c Case
}

func (s *script) lines(text string, first int) error {
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if err := s.line(words, first+i); err != nil {
			return fmt.Errorf("line %d: %w", first+i, err)
		}
	}
	return nil
}

// line reads one statement; what is missing or no number makes an error.
func (s *script) line(words []string, number int) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %v", strings.Join(words, " "), r)
		}
	}()
	w := parse(words[1:])
	switch words[0] {
	case "ask":
		s.ask(words[1:], number)
	case "row":
		s.c.Row = strings.Join(words[1:], " ")
	case "vpc":
		s.f.VPCs = append(s.f.VPCs, facts.VPC{ID: w.id(0), CIDRs: w.blocks(1)})
	case "subnet":
		s.f.Subnets = append(s.f.Subnets, facts.Subnet{ID: w.id(0), VPC: w.id(1), CIDRs: w.blocks(2), Zone: w.word("zone")})
	case "igw":
		s.f.InternetGateways = append(s.f.InternetGateways, facts.Gateway{ID: w.id(0), VPCs: w.ids(1)})
	case "eigw":
		s.f.EgressOnlyGateways = append(s.f.EgressOnlyGateways, facts.Gateway{ID: w.id(0), VPCs: w.ids(1)})
	case "vgw":
		s.f.VPNGateways = append(s.f.VPNGateways, facts.Gateway{ID: w.id(0), VPCs: w.ids(1)})
	case "vpn":
		s.f.VPNConnections = append(s.f.VPNConnections, facts.VPNConnection{ID: w.id(0), Gateway: w.id(1), Routes: w.blocks(2)})
	case "dx":
		s.f.DirectConnects = append(s.f.DirectConnects, facts.DirectConnect{ID: w.id(0), Gateway: w.id(1)})
	case "nat":
		s.nat(w)
	case "table", "route":
		s.table(words[0], w)
	case "acl", "entry":
		s.acl(words[0], w)
	case "group", "in", "out":
		s.group(words[0], w)
	case "list":
		s.f.PrefixLists = append(s.f.PrefixLists, facts.PrefixList{ID: w.id(0), CIDRs: w.blocks(1), Known: !w.has("unknown")})
	case "interface", "instance":
		s.machine(words[0], w)
	case "peering":
		s.peering(w)
	case "tgw", "attachment", "ttable", "troute":
		s.transit(words[0], w)
	case "endpoint":
		s.f.Endpoints = append(s.f.Endpoints, facts.Endpoint{ID: w.id(0), VPC: w.id(1), Kind: w.plain[2], Subnets: w.list("subnets"), Interfaces: w.list("interfaces")})
	case "balancer", "listener", "targets":
		s.balancer(words[0], w)
	default:
		return fmt.Errorf("%q is no statement", words[0])
	}
	return nil
}

// ask reads: ask SOURCE DESTINATION[:PORT] [PROTOCOL] = open|closed|unknown
// [at COMPONENT] [says TEXT].
func (s *script) ask(words []string, number int) {
	at := slices.Index(words, "=")
	a := Ask{Line: number, Source: words[0], Destination: words[1], Want: words[at+1]}
	if at == 3 {
		a.Protocol = words[2]
	}
	rest := words[at+2:]
	if len(rest) > 1 && rest[0] == "at" {
		a.At, rest = rest[1], rest[2:]
	}
	if len(rest) > 1 && rest[0] == "says" {
		a.Says = strings.Join(rest[1:], " ")
	}
	s.c.Asks = append(s.c.Asks, a)
}

func (s *script) nat(w words) {
	n := facts.NATGateway{ID: w.id(0), Subnet: w.id(1), Private: w.has("private"), Addresses: w.addresses(2)}
	for _, sub := range s.f.Subnets {
		if sub.ID == n.Subnet {
			n.VPC = sub.VPC
		}
	}
	s.f.NATGateways = append(s.f.NATGateways, n)
}

func (s *script) table(kind string, w words) {
	if kind == "table" {
		s.f.RouteTables = append(s.f.RouteTables, facts.RouteTable{
			ID: w.id(0), VPC: w.id(1), Main: w.has("main"), Subnets: w.list("subnets"), Gateways: w.list("gateways"), Propagating: w.list("propagates"),
		})
		return
	}
	r := facts.Route{Target: w.id(2), Blackhole: w.has("blackhole"), Propagated: w.has("propagated")}
	if strings.HasPrefix(w.plain[1], "pl-") {
		r.PrefixList = w.id(1)
	} else {
		r.CIDR = netip.MustParsePrefix(w.plain[1])
	}
	t := byID(s.f.RouteTables, w.id(0), func(t *facts.RouteTable) facts.ID { return t.ID })
	t.Routes = append(t.Routes, r)
}

func (s *script) acl(kind string, w words) {
	if kind == "acl" {
		s.f.ACLs = append(s.f.ACLs, facts.ACL{ID: w.id(0), VPC: w.id(1), Default: w.has("default"), Subnets: w.list("subnets")})
		return
	}
	m, rest := match(w.plain[4:])
	number, err := strconv.Atoi(w.plain[1])
	if err != nil {
		panic(err)
	}
	a := byID(s.f.ACLs, w.id(0), func(a *facts.ACL) facts.ID { return a.ID })
	a.Entries = append(a.Entries, facts.Entry{
		Number: number, Egress: w.plain[2] == "out", Allow: w.plain[3] == "allow", Match: m, CIDR: netip.MustParsePrefix(rest[0]),
	})
}

func (s *script) group(kind string, w words) {
	if kind == "group" {
		s.f.Groups = append(s.f.Groups, facts.Group{ID: w.id(0), VPC: w.id(1)})
		return
	}
	m, rest := match(w.plain[1:])
	r := facts.Rule{Match: m, Stale: w.has("stale"), Peering: facts.ID(w.word("over"))}
	switch peer := rest[0]; {
	case strings.HasPrefix(peer, "sg-"):
		r.Group = facts.ID(peer)
	case strings.HasPrefix(peer, "pl-"):
		r.PrefixList = facts.ID(peer)
	default:
		r.CIDR = netip.MustParsePrefix(peer)
	}
	g := byID(s.f.Groups, w.id(0), func(g *facts.Group) facts.ID { return g.ID })
	if kind == "in" {
		g.Ingress = append(g.Ingress, r)
	} else {
		g.Egress = append(g.Egress, r)
	}
}

func (s *script) machine(kind string, w words) {
	n := facts.Interface{
		ID: w.id(0), Subnet: w.id(1), Addresses: w.addresses(2), Groups: w.list("groups"), Instance: facts.ID(w.word("of")),
		ForwardsForOthers: w.has("forwards"), Kind: w.word("kind"), Description: strings.ReplaceAll(w.word("description"), "_", " "),
	}
	if kind == "instance" {
		n.Instance, n.ID = n.ID, "eni-"+n.ID
	}
	s.f.Interfaces = append(s.f.Interfaces, n)
	if n.Instance != "" {
		s.f.Instances = append(s.f.Instances, facts.Instance{ID: n.Instance, State: "running"})
	}
}

func (s *script) peering(w words) {
	p := facts.Peering{ID: w.id(0), Active: !w.has("inactive"), Requester: facts.PeerVPC{VPC: w.id(1)}, Accepter: facts.PeerVPC{VPC: w.id(2)}}
	if w.has("regions") {
		p.Accepter.Region = "eu-west-1"
	}
	for _, v := range s.f.VPCs {
		for _, side := range []*facts.PeerVPC{&p.Requester, &p.Accepter} {
			if v.ID == side.VPC {
				side.CIDRs = v.CIDRs
			}
		}
	}
	s.f.Peerings = append(s.f.Peerings, p)
}

func (s *script) transit(kind string, w words) {
	switch kind {
	case "tgw":
		s.f.TransitGateways = append(s.f.TransitGateways, facts.TransitGateway{ID: w.id(0), GroupReferences: w.has("references")})
	case "attachment":
		s.f.Attachments = append(s.f.Attachments, facts.Attachment{
			ID: w.id(0), Gateway: w.id(1), Kind: w.plain[2], Resource: w.id(3), Table: facts.ID(w.word("table")), Subnets: w.list("subnets"),
			GroupReferences: !w.has("unreferenced"), Appliance: w.has("appliance"),
		})
	case "ttable":
		s.f.TransitTables = append(s.f.TransitTables, facts.TransitTable{ID: w.id(0), Gateway: w.id(1), Propagating: w.list("propagates")})
	case "troute":
		r := facts.TransitRoute{CIDR: netip.MustParsePrefix(w.plain[1]), Blackhole: w.has("blackhole"), Propagated: w.has("propagated")}
		if !r.Blackhole {
			r.Attachments = w.ids(2)
		}
		t := byID(s.f.TransitTables, w.id(0), func(t *facts.TransitTable) facts.ID { return t.ID })
		t.Routes = append(t.Routes, r)
	}
}

func (s *script) balancer(kind string, w words) {
	switch kind {
	case "balancer":
		s.f.LoadBalancers = append(s.f.LoadBalancers, facts.LoadBalancer{
			ID: w.id(0), Name: w.plain[0], Kind: w.plain[1], VPC: w.id(2), InternetFacing: w.has("facing"), Subnets: w.list("subnets"),
			Groups: w.list("groups"), CrossZone: w.choice("cross"),
		})
	case "listener":
		l := byID(s.f.LoadBalancers, w.id(0), func(l *facts.LoadBalancer) facts.ID { return l.ID })
		l.Listeners = append(l.Listeners, facts.Listener{Protocol: w.plain[1], Port: w.port(2), TargetGroups: w.ids(3)})
	case "targets":
		g := facts.TargetGroup{ID: w.id(0), VPC: w.id(1), Kind: w.plain[2], Protocol: w.plain[3], Port: w.port(4), PreserveClient: w.choice("preserve"), CrossZone: w.choice("cross")}
		for _, t := range w.plain[5:] {
			g.Targets = append(g.Targets, facts.Target{ID: t, Port: g.Port})
		}
		s.f.TargetGroups = append(s.f.TargetGroups, g)
	}
}

func byID[T any](all []T, id facts.ID, of func(*T) facts.ID) *T {
	for i := range all {
		if of(&all[i]) == id {
			return &all[i]
		}
	}
	panic(string(id) + " is not declared")
}

// words are those of a statement: plain ones in order, and what follows the
// words that name something.
type words struct {
	plain []string
	named map[string][]string
}

func parse(all []string) words {
	keys := map[string]int{
		"main": 0, "default": 0, "blackhole": 0, "propagated": 0, "forwards": 0, "inactive": 0, "regions": 0, "references": 0, "unreferenced": 0,
		"facing": 0, "private": 0, "stale": 0, "unknown": 0, "appliance": 0,
		"zone": 1, "of": 1, "kind": 1, "table": 1, "cross": 1, "preserve": 1, "over": 1, "description": 1,
		"subnets": 9, "gateways": 9, "propagates": 9, "groups": 9, "interfaces": 9,
	}
	w := words{named: map[string][]string{}}
	key, left := "", 0
	for _, word := range all {
		if n, ok := keys[word]; ok {
			key, left = word, n
			w.named[key] = []string{}
			continue
		}
		if left > 0 {
			w.named[key], left = append(w.named[key], word), left-1
			continue
		}
		w.plain = append(w.plain, word)
	}
	return w
}

func (w words) id(i int) facts.ID { return facts.ID(w.plain[i]) }

func (w words) ids(from int) []facts.ID {
	var out []facts.ID
	for _, text := range w.plain[from:] {
		out = append(out, facts.ID(text))
	}
	return out
}

func (w words) list(key string) []facts.ID { return words{plain: w.named[key]}.ids(0) }

func (w words) has(key string) bool { return w.named[key] != nil }

func (w words) word(key string) string { return strings.Join(w.named[key], " ") }

// choice is on, off or nothing.
func (w words) choice(key string) *bool {
	if !w.has(key) {
		return nil
	}
	return new(w.word(key) == "on")
}

func (w words) port(i int) uint16 {
	n, err := strconv.ParseUint(w.plain[i], 10, 16)
	if err != nil {
		panic(err)
	}
	return uint16(n)
}

func (w words) blocks(from int) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range w.plain[from:] {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// addresses are PRIVATE or PRIVATE=PUBLIC; a private one may be a prefix.
func (w words) addresses(from int) []facts.Address {
	var out []facts.Address
	for _, text := range w.plain[from:] {
		private, public, twin := strings.Cut(text, "=")
		var a facts.Address
		if strings.Contains(private, "/") {
			a.Private = netip.MustParsePrefix(private)
		} else {
			ip := netip.MustParseAddr(private)
			a.Private = netip.PrefixFrom(ip, ip.BitLen())
		}
		if twin {
			a.Public = netip.MustParseAddr(public)
		}
		out = append(out, a)
	}
	return out
}

// match reads "tcp 22", "tcp 20-30", "udp 53", "icmp", "icmp 8", "all" or a
// number, and returns the words after it.
func match(words []string) (facts.Match, []string) {
	m := facts.Match{Protocol: facts.Any, From: 0, To: 65535}
	switch words[0] {
	case "all":
		return m, words[1:]
	case "tcp":
		m.Protocol = facts.TCP
	case "udp":
		m.Protocol = facts.UDP
	case "icmp", "icmpv6":
		m = facts.Match{Protocol: facts.ICMP, From: -1, To: -1}
		if words[0] == "icmpv6" {
			m.Protocol = facts.ICMPv6
		}
	default:
		n, err := strconv.Atoi(words[0])
		if err != nil {
			panic(err)
		}
		m.Protocol = facts.Protocol(n)
		return m, words[1:]
	}
	first, last, ranged := strings.Cut(words[1], "-")
	n, err := strconv.Atoi(first)
	if err != nil {
		return m, words[1:]
	}
	m.From, m.To = n, n
	if ranged {
		if m.To, err = strconv.Atoi(last); err != nil {
			panic(err)
		}
	}
	if m.Protocol == facts.ICMP || m.Protocol == facts.ICMPv6 {
		m.To = -1
	}
	return m, words[2:]
}
