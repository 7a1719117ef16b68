package reach

import (
	"slices"
	"time"

	"muster/internal/awsmodel/muster"
	"muster/internal/network"
	"muster/internal/store/topology"
)

func wireSnapshot(n *topology.Snapshot) *muster.NetworkSnapshot {
	return &muster.NetworkSnapshot{
		AccountId: string(n.Account), Region: string(n.Region), Digest: optional(n.Digest), Source: muster.NetworkSource(n.Source),
		StoredAt: when(n.StoredAt), CollectedAt: when(n.CollectedAt), AnalysedAt: when(n.AnalysedAt), SizeInBytes: &n.Size,
		Vpcs: n.VPCs, Interfaces: n.Interfaces, Instances: n.Instances,
		FailedAt: when(n.FailedAt), FailureCode: optional(n.Failure), FailureMessage: optional(n.FailureText),
	}
}

func wireFlow(f *network.Flow) muster.NetworkFlow {
	w := muster.NetworkFlow{
		From: f.From, To: f.To, Outcome: f.Outcome, Through: optional(f.Through), Open: wireOpen(f.Open),
		Path: wireHops(f.Path), Return: wireHops(f.Return), Changes: slices.Concat(f.Changes, f.Commands), Doubts: f.Doubts, Assumed: f.Assumed,
	}
	if p := f.Witness; p != nil {
		w.Witness = &muster.NetworkPacket{Source: p.Source.String(), Destination: p.Destination.String(), Protocol: network.ProtocolName(p.Protocol)}
		if p.DestinationPort != 0 {
			w.Witness.SourcePort, w.Witness.DestinationPort = new(int32(p.SourcePort)), new(int32(p.DestinationPort))
		}
	}
	for i := range f.Rules {
		r := &f.Rules[i]
		w.Rules = append(w.Rules, muster.NetworkRule{
			Component: new(wireHop(&r.Component)), Rule: r.Text, Allow: r.Allow, Egress: r.Egress, Reply: r.Reply,
		})
	}
	for i := range f.Obstacles {
		o := &f.Obstacles[i]
		w.Obstacles = append(w.Obstacles, muster.NetworkObstacle{
			Component: new(wireHop(&o.Component)), Reason: o.Reason, Reply: o.Reply, Route: o.Route,
		})
	}
	return w
}

func wireHop(h *network.Hop) muster.NetworkHop {
	return muster.NetworkHop{Type: h.Type, Id: string(h.ID), Detail: optional(h.Detail)}
}

func wireHops(list []network.Hop) []muster.NetworkHop {
	out := make([]muster.NetworkHop, len(list))
	for i := range list {
		out[i] = wireHop(&list[i])
	}
	return out
}

func wireOpen(list []network.Open) []muster.NetworkOpen {
	out := make([]muster.NetworkOpen, len(list))
	for i := range list {
		o := &list[i]
		out[i] = muster.NetworkOpen{Protocol: o.Protocol, Addresses: o.Addresses, WholeInternet: &o.Internet}
		for _, r := range o.Ports {
			out[i].Ports = append(out[i].Ports, muster.NetworkPortRange{First: int32(r.First), Last: int32(r.Last)})
		}
	}
	return out
}

func wireConnection(c *network.Connection) muster.NetworkConnection {
	return muster.NetworkConnection{From: c.From, To: c.To, Open: wireOpen(c.Open), Certain: c.Certain, Text: c.Text()}
}

// optional is a text that is absent when empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// when is a time that is absent when zero.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
