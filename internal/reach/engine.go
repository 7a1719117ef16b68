package reach

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/network"
	"muster/internal/network/exposure"
	"muster/internal/network/facts"
	"muster/internal/network/space"
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
	byInstance := map[facts.ID][]network.Exposure{}
	for from := 0; from < len(open); {
		to := from
		for to < len(open) && open[to].Instance == open[from].Instance {
			to++
		}
		id := open[from].Instance
		byInstance[id] = append(byInstance[id], open[from:to:to]...)
		from = to
	}
	list := v.facts.Instances
	told := make([]*exposed, len(list))
	workers := min(runtime.GOMAXPROCS(0), max(1, len(list)/64))
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			t := v.teller(o)
			for i := len(list) * w / workers; i < len(list)*(w+1)/workers; i++ {
				told[i] = t.exposed(byInstance[list[i].ID])
			}
		})
	}
	wait.Wait()
	all = make(map[place]*exposed, len(list))
	for i := range list {
		all[place{list[i].Scope, list[i].ID}] = told[i]
	}
	return all, limit(all)
}

// limit takes away the least severe findings of accounts that have more in a
// Region than count, and says how many.
func limit(all map[place]*exposed) (cut int) {
	count := map[facts.Scope]int{}
	for p, x := range all {
		count[p.Scope] += len(x.findings)
	}
	for scope, n := range count {
		if n > mostFindings {
			limitAccount(scope, all)
			cut += n - mostFindings
		}
	}
	return cut
}

// limitAccount keeps the most severe findings, the first of equals.
func limitAccount(scope facts.Scope, all map[place]*exposed) {
	type one struct {
		of *exposed
		at int
	}
	var list []one
	for p, x := range all {
		if p.Scope == scope {
			for i := range x.findings {
				list = append(list, one{x, i})
			}
		}
	}
	content := func(o one) *finding.Content { return &o.of.findings[o.at] }
	slices.SortFunc(list, func(a, b one) int {
		x, y := content(a), content(b)
		return cmp.Or(cmp.Compare(y.Severity.Rank(), x.Severity.Rank()), cmp.Compare(x.Network.Interface, y.Network.Interface), cmp.Compare(a.at, b.at))
	})
	kept := map[*exposed]int{}
	for _, o := range list[:mostFindings] {
		kept[o.of]++
	}
	for p, x := range all {
		if p.Scope == scope {
			// Those of an instance are in this order themselves.
			x.findings = slices.Clip(x.findings[:kept[x]])
		}
	}
}

// teller says what can be reached of instances, one after the other.
type teller struct {
	*exposure.Teller
	// texts are the words for sets of sources that were told before.
	texts map[space.Identity]string
}

func (v *view) teller(o exposure.Options) *teller {
	return &teller{exposure.NewTeller(v.snapshot, o), map[space.Identity]string{}}
}

// exposed is what can be reached of one instance, by all its exposures.
func (t *teller) exposed(open []network.Exposure) *exposed {
	x := &exposed{reach: finding.ReachInside}
	list := t.Findings(open)
	bySeverity(list)
	for i := range list {
		x.found(&list[i])
		x.findings = append(x.findings, t.content(&list[i]))
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

// content is an exposure as a finding says it.
func (t *teller) content(f *exposure.Finding) finding.Content {
	n := f.Network
	n.Interface, n.Edge = string(f.Interface), string(f.Edge.ID)
	n.Evidence = t.evidence(f)
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

// sources says in words which addresses get through.
func (t *teller) sources(set space.Set) string {
	key := set.Identity()
	if got, ok := t.texts[key]; ok {
		return got
	}
	first, more := set.Some(mostSources)
	texts := make([]string, len(first))
	for i, p := range first {
		texts[i] = p.String()
	}
	text := "reachable from " + strings.Join(texts, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more blocks", more)
	}
	t.texts[key] = text
	return text
}

// evidence explains a finding: which sources get through, by which rules.
func (t *teller) evidence(f *exposure.Finding) []finding.NetworkEvidence {
	list := []finding.NetworkEvidence{{Rule: "muster/sources", Detail: t.sources(f.Sources)}}
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
