package guard

import (
	"fmt"
	"strconv"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// Direction is "outbound" or "inbound".
func Direction(egress bool) string {
	if egress {
		return "outbound"
	}
	return "inbound"
}

// ToFrom goes before the peer of a rule.
func ToFrom(egress bool) string {
	if egress {
		return " to "
	}
	return " from "
}

// EntryText is an entry of an ACL in words.
func EntryText(e facts.Entry) string {
	verb := "deny"
	if e.Allow {
		verb = "allow"
	}
	return fmt.Sprintf("%s rule %d: %s %s%s%s", Direction(e.Egress), e.Number, verb, matchText(e.Match), ToFrom(e.Egress), e.CIDR)
}

// ProtocolName is "tcp", "udp", "icmp" or the number.
func ProtocolName(p facts.Protocol) string {
	switch p {
	case facts.Any:
		return "all protocols"
	case facts.TCP:
		return "tcp"
	case facts.UDP:
		return "udp"
	case facts.ICMP:
		return "icmp"
	case facts.ICMPv6:
		return "icmpv6"
	}
	return "protocol " + strconv.Itoa(int(p))
}

func matchText(m facts.Match) string {
	name := ProtocolName(m.Protocol)
	switch {
	case m.Protocol == facts.TCP || m.Protocol == facts.UDP:
		r := space.PortRange{First: uint16(m.From), Last: uint16(m.To)}
		return name + " " + space.PortsText([]space.PortRange{r})
	case (m.Protocol == facts.ICMP || m.Protocol == facts.ICMPv6) && m.From != -1:
		return name + " type " + strconv.Itoa(m.From)
	}
	return name
}

// RuleText is a rule of a group in words.
func RuleText(r *facts.Rule, egress bool) string {
	peer := r.CIDR.String()
	switch {
	case r.Group != "":
		peer = string(r.Group)
	case r.PrefixList != "":
		peer = string(r.PrefixList)
	}
	return Direction(egress) + " rule: " + matchText(r.Match) + ToFrom(egress) + peer
}
