// Package ask answers questions about networks: whether one thing reaches
// another, through what, decided by which rules, and what would change it; who
// can begin flows to whom; and what differs between two answers. It is pure.
package ask

import (
	"fmt"
	"strconv"
	"strings"

	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// ParseQuestion reads a question as people type it: a source, a destination
// that may end in ":PORT" or ":FIRST-LAST", and a protocol (tcp, udp, icmp,
// all, a number, or nothing). Without a protocol a port means TCP, and no port
// means all protocols.
func (s *Asker) ParseQuestion(source, destination, protocol string) (Question, error) {
	q := Question{Source: source, Destination: destination, AnyPort: true}
	if at := strings.LastIndexByte(destination, ':'); at > 0 && !s.Resolves(destination) {
		ports, err := parsePorts(destination[at+1:])
		if err != nil {
			if s.Resolves(destination[:at]) {
				return q, err
			}
			return q, &UnknownError{destination}
		}
		q.Destination, q.Ports, q.AnyPort = destination[:at], ports, false
	}
	switch name := strings.ToLower(protocol); name {
	case "":
		if !q.AnyPort {
			q.Protocols = []facts.Protocol{facts.TCP}
		}
	case "all":
	default:
		p, err := parseProtocol(name)
		if err != nil {
			return q, err
		}
		q.Protocols = []facts.Protocol{p}
		if p != facts.TCP && p != facts.UDP && !q.AnyPort {
			return q, fmt.Errorf("%s has no ports", name)
		}
	}
	return q, nil
}

func parsePorts(text string) (space.PortRange, error) {
	first, last, ranged := strings.Cut(text, "-")
	if !ranged {
		last = first
	}
	a, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return space.PortRange{}, fmt.Errorf("%q is no port", text)
	}
	b, err := strconv.ParseUint(last, 10, 16)
	if err != nil || b < a {
		return space.PortRange{}, fmt.Errorf("%q is no range of ports", text)
	}
	return space.PortRange{First: uint16(a), Last: uint16(b)}, nil
}

func parseProtocol(name string) (facts.Protocol, error) {
	switch name {
	case "tcp":
		return facts.TCP, nil
	case "udp":
		return facts.UDP, nil
	case "icmp", "icmpv6", "ping", "1", "58":
		return facts.ICMP, nil
	}
	n, err := strconv.ParseUint(name, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%q is no protocol: tcp, udp, icmp, all or a number", name)
	}
	return facts.Protocol(n), nil
}
