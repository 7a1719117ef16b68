package ask

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"muster/internal/arn"
	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/space"
)

// remedy is a change in words, and as a command line of the AWS CLI where one
// makes it. Words in capitals in a command are the asker's to fill in.
type remedy struct{ text, command string }

// remedies drops those said twice, and what says nothing.
func remedies(list []remedy) (texts, commands []string) {
	for _, r := range list {
		if r.text == "" || slices.Contains(texts, r.text) {
			continue
		}
		texts = append(texts, r.text)
		if r.command != "" && !slices.Contains(commands, r.command) {
			commands = append(commands, r.command)
		}
	}
	return texts, commands
}

// inRegion ends a command.
func inRegion(r arn.Region) string {
	if r == "" {
		return ""
	}
	return " --region " + string(r)
}

// protocolWord is how the CLI names a protocol.
func protocolWord(p facts.Protocol) string {
	switch p {
	case facts.Any:
		return "-1"
	case facts.TCP:
		return "tcp"
	case facts.UDP:
		return "udp"
	case facts.ICMP:
		return "icmp"
	case facts.ICMPv6:
		return "icmpv6"
	}
	return strconv.Itoa(int(p))
}

// permission is a rule as --ip-permissions takes it.
func permission(m facts.Match, peer string) string {
	text := "IpProtocol=" + protocolWord(m.Protocol)
	switch m.Protocol {
	case facts.TCP, facts.UDP, facts.ICMP, facts.ICMPv6:
		text += fmt.Sprintf(",FromPort=%d,ToPort=%d", m.From, m.To)
	}
	return "'" + text + "," + peer + "'"
}

// peerOf is whom a rule speaks of, as --ip-permissions takes it.
func peerOf(r *facts.Rule) string {
	switch {
	case r.Group != "" && r.Peering != "":
		return "UserIdGroupPairs=[{GroupId=" + string(r.Group) + ",VpcPeeringConnectionId=" + string(r.Peering) + "}]"
	case r.Group != "":
		return "UserIdGroupPairs=[{GroupId=" + string(r.Group) + "}]"
	case r.PrefixList != "":
		return "PrefixListIds=[{PrefixListId=" + string(r.PrefixList) + "}]"
	}
	return rangeOf(r.CIDR.String(), r.CIDR.Addr().Is6())
}

func rangeOf(block string, v6 bool) string {
	if v6 {
		return "Ipv6Ranges=[{CidrIpv6=" + block + "}]"
	}
	return "IpRanges=[{CidrIp=" + block + "}]"
}

func groupVerb(verb string, egress bool) string {
	if egress {
		return "aws ec2 " + verb + "-security-group-egress"
	}
	return "aws ec2 " + verb + "-security-group-ingress"
}

// Revoking is the command that takes a rule out of a group.
func Revoking(g *facts.Group, r *facts.Rule, egress bool) string {
	return groupVerb("revoke", egress) + " --group-id " + string(g.ID) + " --ip-permissions " + permission(r.Match, peerOf(r)) + inRegion(g.Region)
}

// wanted is what a change must let through: the addresses of one family, and
// the ports unless they are the asker's to choose.
type wanted struct {
	protocol facts.Protocol
	ports    space.PortRange
	anyPort  bool
	// blocks is empty where the asker has to say which addresses.
	blocks []netip.Prefix
	v6     bool
}

func (w *wanted) ported() bool { return guard.Traffic{Protocol: w.protocol}.Ported() }

// first is the block that a command names.
func (w *wanted) first() string {
	switch {
	case len(w.blocks) > 0:
		return w.blocks[0].String()
	case w.v6:
		return "ADDRESS/128"
	}
	return "ADDRESS/32"
}

// number is the protocol that rules name: ICMP has one per family.
func (w *wanted) number() facts.Protocol {
	if w.protocol == facts.ICMP && w.v6 {
		return facts.ICMPv6
	}
	return w.protocol
}

// authorizing is the command that adds a rule to a group.
func (w *wanted) authorizing(g *guard.Group, egress bool) string {
	m := facts.Match{Protocol: w.number(), From: int(w.ports.First), To: int(w.ports.Last)}
	if !w.ported() {
		m.From, m.To = -1, -1
	}
	text := permission(m, rangeOf(w.first(), w.v6))
	if w.anyPort && w.ported() {
		text = strings.Replace(text, "FromPort=0,ToPort=65535", "FromPort=PORT,ToPort=PORT", 1)
	}
	return groupVerb("authorize", egress) + " --group-id " + string(g.ID) + " --ip-permissions " + text + inRegion(g.Region)
}

// entering is the command that adds an entry to an ACL.
func (w *wanted) entering(a *guard.ACL, number int, egress bool) string {
	side, block := "--ingress", "--cidr-block"
	if egress {
		side = "--egress"
	}
	if w.v6 {
		block = "--ipv6-cidr-block"
	}
	text := fmt.Sprintf("aws ec2 create-network-acl-entry --network-acl-id %s %s --rule-number %d --rule-action allow --protocol %d", a.ID, side, number, w.number())
	switch {
	case w.ported() && w.anyPort:
		text += " --port-range From=PORT,To=PORT"
	case w.ported():
		text += fmt.Sprintf(" --port-range From=%d,To=%d", w.ports.First, w.ports.Last)
	case w.protocol == facts.ICMP:
		text += " --icmp-type-code Type=-1,Code=-1"
	}
	return text + " " + block + " " + w.first() + inRegion(a.Region)
}

// lastEntry is the highest number that an ACL's entry may have.
const lastEntry = 32766

// free is a number of an ACL that no entry of a direction has, below a bound:
// the highest one, so that as little as possible comes before it. It is 0 where
// there is none.
func free(a *guard.ACL, egress bool, below int) int {
	taken := map[int]bool{}
	highest := 0
	for _, e := range a.Ordered(egress) {
		taken[e.Number] = true
		if e.Number <= lastEntry {
			highest = max(highest, e.Number)
		}
	}
	if below > lastEntry {
		return min(highest+1, lastEntry)
	}
	for n := below - 1; n > 0; n-- {
		if !taken[n] {
			return n
		}
	}
	return 0
}

// routing is the command that adds a route for a block to a table of a subnet;
// empty where the target is of no kind that routes lead to.
func routing(table, target facts.ID, block netip.Prefix, r arn.Region) string {
	flag := ""
	switch kind, _, _ := strings.Cut(string(target), "-"); kind {
	case "igw", "vgw":
		flag = "--gateway-id"
	case "eigw":
		flag = "--egress-only-internet-gateway-id"
	case "pcx":
		flag = "--vpc-peering-connection-id"
	case "tgw":
		flag = "--transit-gateway-id"
	case "nat":
		flag = "--nat-gateway-id"
	case "eni":
		flag = "--network-interface-id"
	}
	if flag == "" || table == "" {
		return ""
	}
	destination := "--destination-cidr-block"
	if block.Addr().Is6() {
		destination = "--destination-ipv6-cidr-block"
	}
	return "aws ec2 create-route --route-table-id " + string(table) + " " + destination + " " + block.String() + " " + flag + " " + string(target) + inRegion(r)
}
