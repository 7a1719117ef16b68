// Package network works out what can be reached over the networks that facts
// describe, exactly and without sending a packet: which ports of an interface
// are open to which sources, along which components, allowed by which rules,
// and what stands in the way of what is closed. The semantics are those of the
// network reachability specification, 6.4 and 6.5. It is pure.
//
// This package is the door. Behind it facts become a topology, whose rules and
// routes are compiled in guard and routing; paths follows packets through it,
// ask answers questions, and exposure tells findings.
package network

import (
	"muster/internal/network/ask"
	"muster/internal/network/facts"
	"muster/internal/network/guard"
	"muster/internal/network/paths"
	"muster/internal/network/topology"
)

// Snapshot is an index of facts that answers questions. It may be used by
// several goroutines at once.
type Snapshot struct{ *ask.Asker }

// New indexes the facts, which must not be changed afterwards.
func New(f *facts.Facts) *Snapshot {
	return &Snapshot{ask.New(paths.New(topology.New(f)))}
}

// The words of questions and answers, which have their home in paths,
// topology and ask.
type (
	Edge           = topology.Edge
	EdgeKind       = topology.EdgeKind
	Hop            = paths.Hop
	Rule           = paths.Rule
	Packet         = paths.Packet
	Question       = ask.Question
	Answer         = ask.Answer
	Flow           = ask.Flow
	Open           = ask.Open
	Obstacle       = ask.Obstacle
	Connection     = ask.Connection
	Change         = ask.Change
	UnknownError   = ask.UnknownError
	AmbiguousError = ask.AmbiguousError
	TooManyError   = ask.TooManyError
	Level          = ask.Level
)

// The kinds of edges.
const (
	InternetGateway       = topology.InternetGateway
	EgressOnlyGateway     = topology.EgressOnlyGateway
	VirtualPrivateGateway = topology.VirtualPrivateGateway
	DirectConnect         = topology.DirectConnect
	PeeringConnection     = topology.PeeringConnection
	TransitGateway        = topology.TransitGateway
	GatewayEndpoint       = topology.GatewayEndpoint
)

// The levels of a map.
const (
	ByInterface = ask.ByInterface
	BySubnet    = ask.BySubnet
	ByVPC       = ask.ByVPC
)

// ProtocolName is "tcp", "udp", "icmp" or the number.
func ProtocolName(p facts.Protocol) string { return guard.ProtocolName(p) }

// Compare lists what differs between two lists of connections, sorted.
func Compare(before, after []Connection) []Change { return ask.Compare(before, after) }
