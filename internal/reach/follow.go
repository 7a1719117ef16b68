package reach

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"muster/internal/network"
	"muster/internal/network/exposure"
	"muster/internal/network/facts"
	"muster/internal/store/topology"
)

// following keeps the networks of units as the last analysis left them, so that
// the next one costs what changed.
type following struct {
	mu   sync.Mutex
	last []*followed
}

// followed is one unit's networks.
type followed struct {
	unit  topology.Unit
	watch *network.Watch
	// order are the accounts and Regions as their word counts, digests what
	// they told.
	order   []facts.Scope
	digests map[facts.Scope]string
	// at says where an instance is, of which interfaces it has.
	at        map[facts.ID]place
	of        map[facts.ID][]facts.ID
	all       map[place]*exposed
	described described
	// count is how many findings an account has in a Region.
	count map[facts.Scope]int
	// whole is when everything was last worked out and compared with what is
	// stored.
	whole time.Time
}

// step is what an analysis found to be looked at.
type step struct {
	// whole says that every account and Region is to be compared with what is
	// stored; else changed are those that are.
	whole   bool
	changed map[facts.Scope]bool
	// cut counts the findings over an account's limit.
	cut int
}

// take finds the unit, or makes room for it; the caller holds the lock.
func (f *following) take(unit topology.Unit) *followed {
	for i, u := range f.last {
		if u.unit == unit {
			f.last = append(slices.Delete(f.last, i, i+1), u)
			return u
		}
	}
	u := &followed{unit: unit}
	f.last = append(f.last, u)
	if n := len(f.last) - mostViews; n > 0 {
		f.last = slices.Delete(f.last, 0, n)
	}
	return u
}

// drop forgets a unit whose analysis did not come to its end.
func (f *following) drop(unit topology.Unit) {
	f.last = slices.DeleteFunc(f.last, func(u *followed) bool { return u.unit == unit })
}

// follow brings a unit's networks up to the facts that are stored, and says
// what may differ from what is stored of instances.
func (s *Service) follow(ctx context.Context, u *followed, list []topology.Snapshot, now time.Time) (*step, error) {
	var parts []facts.Part
	var order []facts.Scope
	digests := map[facts.Scope]string{}
	for i := range list {
		if list[i].Digest == "" {
			continue
		}
		at := facts.Scope{Account: list[i].Account, Region: list[i].Region}
		order, digests[at] = append(order, at), list[i].Digest
	}
	whole := u.watch == nil || now.Sub(u.whole) >= s.config.Every || !slices.Equal(u.order, order)
	for i := range list {
		at := facts.Scope{Account: list[i].Account, Region: list[i].Region}
		if list[i].Digest == "" || !whole && u.digests[at] == list[i].Digest {
			continue
		}
		part, err := s.part(ctx, &list[i])
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	u.order, u.digests = order, digests
	if whole {
		return u.rebuild(parts, s.config.Findings, now), nil
	}
	return u.advance(parts, s.config.Findings, now), nil
}

// partNames are how the watch knows what an account tells of itself and of
// others: what owners say comes first, in the order of the accounts.
func partNames(order []facts.Scope, at facts.Scope) (own, others string) {
	n := slices.Index(order, at)
	return fmt.Sprintf("own %06d", n), fmt.Sprintf("others %06d", n)
}

// rebuild reads everything anew.
func (u *followed) rebuild(parts []facts.Part, o exposure.Options, now time.Time) *step {
	named := map[string]*facts.Facts{}
	mine, theirs := facts.Divide(parts, u.order)
	for i := range parts {
		own, others := partNames(u.order, parts[i].Scope)
		named[own], named[others] = mine[i], theirs[i]
	}
	u.watch = network.NewWatch(named)
	return u.everything(o, now)
}

// view is the networks as the watch knows them; nobody else changes them while
// the lock of the following is held.
func (u *followed) view() *view {
	var v *view
	u.watch.View(func(s *network.Snapshot) { v = &view{facts: s.Facts, snapshot: s} })
	return v
}

// everything works out all instances.
func (u *followed) everything(o exposure.Options, now time.Time) *step {
	v, out := u.view(), &step{whole: true}
	u.whole = now
	u.all, out.cut = v.exposed(u.watch.Exposures(), o)
	u.described = v.describe()
	u.at, u.of = make(map[facts.ID]place, len(v.facts.Instances)), make(map[facts.ID][]facts.ID, len(v.facts.Instances))
	for i := range v.facts.Instances {
		n := &v.facts.Instances[i]
		u.at[n.ID] = place{n.Scope, n.ID}
	}
	for i := range v.facts.Interfaces {
		if n := &v.facts.Interfaces[i]; n.Instance != "" {
			u.of[n.Instance] = append(u.of[n.Instance], n.ID)
		}
	}
	u.count = map[facts.Scope]int{}
	for p, x := range u.all {
		u.count[p.Scope] += len(x.findings)
	}
	return out
}

// advance takes over what some accounts tell by now. Where rules of groups and
// ACLs changed and nothing else, what is exposed is worked out again for the
// instances that depend on them, and what the facts tell of instances
// themselves for the accounts that told.
func (u *followed) advance(parts []facts.Part, o exposure.Options, now time.Time) *step {
	out := &step{changed: map[facts.Scope]bool{}}
	mine, theirs := facts.Divide(parts, u.order)
	touched := map[facts.ID]bool{}
	for i := range parts {
		own, others := partNames(u.order, parts[i].Scope)
		for name, f := range map[string]*facts.Facts{own: mine[i], others: theirs[i]} {
			ids, anew := u.watch.Replace(name, f)
			if anew {
				out.whole = true
			}
			for _, id := range ids {
				touched[id] = true
			}
		}
		out.changed[parts[i].Scope] = true
	}
	if out.whole || !u.again(touched, o, out) {
		out = u.everything(o, now)
	}
	for i := range parts {
		u.redescribe(parts[i].Scope, mine[i])
	}
	return out
}

// redescribe takes over what an account tells of its instances.
func (u *followed) redescribe(at facts.Scope, mine *facts.Facts) {
	fresh := &view{facts: &facts.Facts{Instances: mine.Instances}}
	v := u.view()
	for i := range mine.Instances {
		for _, id := range u.of[mine.Instances[i].ID] {
			if n := v.snapshot.Interfaces[id]; n != nil {
				fresh.facts.Interfaces = append(fresh.facts.Interfaces, *n.Interface)
			}
		}
	}
	for p, r := range fresh.describe() {
		if p.Scope == at {
			u.described[p] = r
		}
	}
}

// again works out the instances of some interfaces; it is false where an account
// has more findings than count, as which do depends on all of them.
func (u *followed) again(touched map[facts.ID]bool, o exposure.Options, out *step) bool {
	v := u.view()
	t := v.teller(o)
	instances := map[facts.ID]bool{}
	for id := range touched {
		if n := v.snapshot.Interfaces[id]; n != nil && n.Instance != "" {
			instances[n.Instance] = true
		}
	}
	for id := range instances {
		p, ok := u.at[id]
		if !ok {
			continue
		}
		var open []network.Exposure
		for _, n := range slices.Sorted(slices.Values(u.of[id])) {
			open = append(open, u.watch.ExposuresOf(n)...)
		}
		x := t.exposed(open)
		u.count[p.Scope] += len(x.findings) - len(u.all[p].findings)
		u.all[p], out.changed[p.Scope] = x, true
	}
	for scope := range out.changed {
		if u.count[scope] >= mostFindings {
			return false
		}
	}
	return true
}
