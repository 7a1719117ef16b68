package reach

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/network"
	"muster/internal/network/exposure"
	"muster/internal/network/facts"
)

// This file is all that the desk knows of the analysis.

// view is the networks of some accounts, ready to be asked about.
type view struct {
	facts    *facts.Facts
	snapshot *network.Snapshot
}

func newView(parts []facts.Part) *view {
	f := facts.Merge(parts)
	return &view{facts: f, snapshot: network.New(f)}
}

// place is an instance and whose it is.
type place struct {
	facts.Scope
	id facts.ID
}

// exposed is what can be reached of an instance.
type exposed struct {
	reach    finding.Reach
	path     string
	findings []finding.Content
}

// mostFindings is how many network findings an account has in a Region at most,
// as AWS limits them; the most severe ones count.
const mostFindings = 10_000

// exposed tells what can be reached of every instance; cut counts the findings
// that are over an account's limit.
func (v *view) exposed(open []network.Exposure, o exposure.Options) (all map[place]*exposed, cut int) {
	at := map[facts.ID]place{}
	all = map[place]*exposed{}
	for i := range v.facts.Instances {
		n := &v.facts.Instances[i]
		at[n.ID] = place{n.Scope, n.ID}
		all[at[n.ID]] = &exposed{reach: finding.ReachInside}
	}
	list := exposure.Findings(v.snapshot, open, o)
	bySeverity(list)
	count := map[facts.Scope]int{}
	for i := range list {
		p, ok := at[list[i].Instance]
		if !ok {
			continue
		}
		all[p].found(&list[i])
		if count[p.Scope]++; count[p.Scope] > mostFindings {
			cut++
			continue
		}
		all[p].findings = append(all[p].findings, contentOf(&list[i]))
	}
	for i := range open {
		if x := all[at[open[i].Instance]]; x != nil {
			x.open(&open[i])
		}
	}
	return all, cut
}

// exposedOf is exposed for the exposures of one instance, without a limit.
func (v *view) exposedOf(open []network.Exposure, o exposure.Options) *exposed {
	x := &exposed{reach: finding.ReachInside}
	list := exposure.Findings(v.snapshot, open, o)
	bySeverity(list)
	for i := range list {
		x.found(&list[i])
		x.findings = append(x.findings, contentOf(&list[i]))
	}
	for i := range open {
		x.open(&open[i])
	}
	return x
}

func bySeverity(list []exposure.Finding) {
	slices.SortStableFunc(list, func(a, b exposure.Finding) int { return cmp.Compare(b.Severity.Rank(), a.Severity.Rank()) })
}

// found notes the way in that a finding tells of, where it is from the internet.
func (x *exposed) found(f *exposure.Finding) {
	if f.Edge.Internet() {
		x.from(f.Edge, f.Network.Begin)
	}
}

// open notes a way in: what raises no finding, because it is trusted, is one all
// the same.
func (x *exposed) open(e *network.Exposure) { x.from(e.Edge, int32(e.Ports.First)) }

// from notes a way in; the first one from the internet is told.
func (x *exposed) from(edge network.Edge, port int32) {
	switch {
	case x.reach == finding.ReachInternet:
	case edge.Internet():
		x.reach, x.path = finding.ReachInternet, fmt.Sprintf("%s on port %d", edge.ID, port)
	default:
		x.reach = finding.ReachAdjacent
	}
}

// mostText is how long texts of findings may be.
const mostText = 1024

// contentOf is an exposure as a finding says it.
func contentOf(f *exposure.Finding) finding.Content {
	n := f.Network
	n.Interface, n.Edge = string(f.Interface), string(f.Edge.ID)
	n.Evidence = evidenceOf(f)
	c := finding.Content{
		Type: finding.NetworkReachability, Title: f.Title, Description: f.Description, Severity: f.Severity,
		Recommendation: finding.Recommendation{Text: f.Remediation}, Network: &n,
	}
	if !f.Certain {
		c.Description += " This is not certain: " + strings.Join(f.Notes, "; ") + "."
	}
	if len(c.Description) > mostText {
		c.Description = strings.ToValidUTF8(c.Description[:mostText], "")
	}
	return c
}

// mostSources is how many blocks of sources an explanation lists.
const mostSources = 20

// evidenceOf explains a finding: which sources get through, by which rules.
func evidenceOf(f *exposure.Finding) []finding.NetworkEvidence {
	sources := f.Sources
	text := strings.Join(sources[:min(len(sources), mostSources)], ", ")
	if left := len(sources) - mostSources; left > 0 {
		text += fmt.Sprintf(" and %d more blocks", left)
	}
	list := []finding.NetworkEvidence{{Rule: "muster/sources", Detail: "reachable from " + text}}
	for i := range f.Rules {
		r := &f.Rules[i]
		what := "allows"
		if !r.Allow {
			what = "denies"
		}
		kind := r.Component.Type[strings.LastIndexByte(r.Component.Type, ':')+1:]
		detail := fmt.Sprintf("%s %s: %s", r.Component.ID, what, r.Text)
		if r.Reply {
			detail += " (replies)"
		}
		list = append(list, finding.NetworkEvidence{Rule: "muster/" + kind, Detail: detail})
	}
	for _, note := range f.Notes {
		list = append(list, finding.NetworkEvidence{Rule: "muster/uncertain", Detail: note})
	}
	return list
}

// describe is an instance as findings and coverage show it.
func (v *view) describe() map[place]finding.Resource {
	all := map[place]finding.Resource{}
	for i := range v.facts.Instances {
		n := &v.facts.Instances[i]
		all[place{n.Scope, n.ID}] = finding.Resource{
			Type: finding.Instance, ID: string(n.ID), Tags: maps.Clone(n.Tags),
			Instance: &finding.InstanceDetails{
				Type: n.Type, ImageID: n.Image, KeyName: n.Key, ProfileARN: n.Profile, VPC: string(n.VPC), Subnet: string(n.Subnet),
				LaunchedAt: n.Launched, Stopped: n.State == "stopped" || n.State == "stopping",
			},
		}
	}
	at := map[facts.ID]place{}
	for p := range all {
		at[p.id] = p
	}
	for i := range v.facts.Interfaces {
		n := &v.facts.Interfaces[i]
		r, ok := all[at[n.Instance]]
		if !ok {
			continue
		}
		if r.Instance.VPC == "" {
			r.Instance.VPC = string(n.VPC)
		}
		if r.Instance.Subnet == "" {
			r.Instance.Subnet = string(n.Subnet)
		}
		addAddresses(r.Instance, n)
	}
	return all
}

func addAddresses(d *finding.InstanceDetails, n *facts.Interface) {
	for _, a := range n.Addresses {
		switch {
		case !a.Private.IsSingleIP():
		case a.Private.Addr().Is4():
			d.IPv4 = append(d.IPv4, a.Private.Addr().String())
		default:
			d.IPv6 = append(d.IPv6, a.Private.Addr().String())
		}
		if a.Public.IsValid() {
			d.IPv4 = append(d.IPv4, a.Public.String())
		}
	}
}

// explain answers whether one thing reaches another.
func (v *view) explain(source, destination, protocol string) (*network.Answer, error) {
	q, err := v.snapshot.ParseQuestion(source, destination, protocol)
	if err != nil {
		return nil, err
	}
	return v.snapshot.Why(q)
}

// connections lists who can begin flows to whom; within is a VPC, a subnet, an
// account or empty.
func (v *view) connections(within string) ([]network.Connection, error) {
	account := arn.AccountID(within)
	if !account.Valid() {
		return v.snapshot.Connections(facts.ID(within))
	}
	var list []network.Connection
	for i := range v.facts.VPCs {
		if v.facts.VPCs[i].Account != account {
			continue
		}
		more, err := v.snapshot.Connections(v.facts.VPCs[i].ID)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}
