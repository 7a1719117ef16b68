package scan

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"muster/internal/agentwire"
	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/fleet"
	"muster/internal/store/topology"
)

// The findings of a resource are of two sorts: those of its packages, and
// those of its network, which the desk of networks works out and stores. Both
// go through one evaluation.

// judges reports whether the verdict decides about findings of a type.
func (v *verdict) judges(t finding.Type) bool {
	if t == finding.NetworkReachability {
		return v.gone || v.network
	}
	return v.gone || v.judged
}

// network returns what is known of an instance's network, nil for nothing,
// decides whether it counts, and covers the network scan accordingly.
func (e *evaluator) network(ctx context.Context, r *catalog.Resource, g *regime, v *verdict) (*topology.Instance, error) {
	if r.Type != finding.Instance {
		return nil, nil
	}
	scan := g.scans.Status(activation.EC2)
	v.network = scan == activation.Enabled && !v.gone && v.Reason != reasonStopped
	n := e.known.networks[r.Place()]
	if n == nil {
		return nil, nil
	}
	return n, coverNetwork(ctx, e.tx, r, n, networkCoverage(r, scan, v, n.Coverage), e.now)
}

// coverNetwork stores how the network of an instance is covered, and announces
// what changes.
func coverNetwork(ctx context.Context, tx *store.Tx, r *catalog.Resource, n *topology.Instance, c topology.Coverage, now time.Time) error {
	before := n.Coverage
	if err := topology.SetCoverage(ctx, tx, n, c); err != nil || !before.Covered || !c.Covered || before == c {
		return err
	}
	e := coverageEvent{ScanType: catalog.NetworkScan, At: now.UTC(), Version: eventVersion}
	e.Status.Reason, e.Status.Code = c.Reason, c.Status
	return emit(ctx, tx, r, "Inspector2 Coverage", r.ID, e, now)
}

// networkCoverage is how the network of an instance is covered; what keeps its
// packages from being scanned, such as a missing agent, does not matter.
func networkCoverage(r *catalog.Resource, scan activation.Status, v *verdict, before topology.Coverage) topology.Coverage {
	switch {
	case !r.GoneAt.IsZero():
		return topology.Coverage{}
	case scan == activation.Disabling, v.Reason == reasonExcluded, v.Reason == reasonStopped:
		return topology.Coverage{Covered: true, Status: v.Status, Reason: v.Reason}
	case scan != activation.Enabled:
		return before
	}
	return topology.Coverage{Covered: true, Status: codeActive, Reason: reasonSuccessful}
}

// exposed are the network findings that an instance wants. Where an agent has
// told of the host's sockets they say what listens at the end of the path.
func exposed(ctx context.Context, tx *store.Tx, r *catalog.Resource, n *topology.Instance) ([]finding.Draft, error) {
	list := make([]finding.Draft, len(n.Findings))
	for i := range n.Findings {
		list[i].Content = n.Findings[i]
	}
	if len(list) == 0 || r.Instance == nil || !r.Instance.Managed {
		return list, nil
	}
	told, err := fleet.EvidenceOf(ctx, tx, r.Account, r.Region, agentwire.HostID(r.ID))
	if errors.Is(err, store.ErrNotFound) {
		return list, nil
	}
	if err != nil {
		return nil, err
	}
	sockets, err := fleet.Sockets(ctx, tx, r.Account, r.Region, agentwire.HostID(r.ID))
	if err != nil {
		return nil, err
	}
	for i := range list {
		bare := *list[i].Network
		bare.Evidence = append(slices.Clip(bare.Evidence), listening(&bare, sockets, told.CollectedAt)...)
		list[i].Network = &bare
	}
	return list, nil
}

// mostListening is how many sockets the evidence of a finding lists.
const mostListening = 20

// listening says which programs listen on the ports of a path.
func listening(n *finding.NetworkDetails, sockets []agentwire.Socket, at time.Time) []finding.NetworkEvidence {
	const rule = "muster/listening"
	var list []finding.NetworkEvidence
	for _, s := range sockets {
		port := int32(s.Port)
		if string(s.Protocol) != n.Protocol || port < n.Begin || port > n.End || s.Address.IsLoopback() || len(list) == mostListening {
			continue
		}
		list = append(list, finding.NetworkEvidence{Rule: rule, Detail: listener(&s) + " listens on " + netip.AddrPortFrom(s.Address, s.Port).String()})
	}
	if list == nil {
		list = append(list, finding.NetworkEvidence{Rule: rule, Detail: "nothing listened here at " + at.UTC().Format(time.RFC3339)})
	}
	return list
}

// listener names a program as far as the agent could see it.
func listener(s *agentwire.Socket) string {
	name := cmp.Or(s.Process, s.Executable, "a program that the agent may not see")
	var about []string
	if s.Executable != "" && s.Executable != name {
		about = append(about, s.Executable)
	}
	if s.Package != "" {
		about = append(about, "package "+s.Package)
	}
	if s.Contained {
		about = append(about, "in a container")
	}
	if s.Replaced {
		about = append(about, "its file was replaced since it started")
	}
	if len(about) > 0 {
		name += " (" + strings.Join(about, ", ") + ")"
	}
	return name
}

// adaptation is a content on resources that can be reached alike.
type adaptation struct {
	content *content
	finding.Environment
}

// reached are the findings of a content on a resource that can be reached as
// is known: what is exploited over a network counts for less where nobody far
// away can send a packet. Without facts nothing is known.
func (e *evaluator) reached(c *content, n *topology.Instance) []finding.Draft {
	if n == nil || n.Reach == finding.ReachUnknown {
		return c.wanted
	}
	as := adaptation{c, finding.Environment{Reach: n.Reach, Path: n.Path}}
	if list, ok := e.adapted[as]; ok {
		return list
	}
	list := make([]finding.Draft, len(c.wanted))
	for i, d := range c.wanted {
		if d.Score != nil {
			d.Score = new(d.Score.Adjust(as.Environment))
		}
		list[i] = d
	}
	e.adapted[as] = list
	return list
}

// Ask asks for resources to be scanned: something beside their inventories has
// changed. No resource may be named twice.
func (s *Service) Ask(ctx context.Context, tx *store.Tx, places []catalog.Place, now time.Time) error {
	jobs := make([]store.Job, len(places))
	for i, at := range places {
		body, err := json.Marshal(targetOf(at))
		if err != nil {
			return err
		}
		jobs[i] = store.Job{Kind: JobResource, Key: keyOf(at), Account: string(at.Account), Region: string(at.Region), Payload: body, RunAt: now}
	}
	return tx.EnqueueAll(ctx, jobs)
}

// AskToForget asks for what is gone of an account in a Region to be forgotten
// in time.
func (s *Service) AskToForget(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, now time.Time) error {
	return askForAccount(ctx, tx, JobRetention, account, region, now.Add(finding.KeepGone))
}
