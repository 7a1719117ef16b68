package network

import (
	"maps"
	"slices"
	"sync"

	"muster/internal/network/facts"
)

// Watch keeps exposures up to date while facts change. It holds the facts in
// parts, as they are told: one per account and Region, say. It may be used by
// several goroutines at once.
type Watch struct {
	mu    sync.RWMutex
	parts map[string]*facts.Facts
	s     *Snapshot
	used  *uses
	known map[facts.ID][]Exposure
}

// NewWatch begins with some parts, which must not be changed afterwards.
func NewWatch(parts map[string]*facts.Facts) *Watch {
	w := &Watch{parts: maps.Clone(parts)}
	if w.parts == nil {
		w.parts = map[string]*facts.Facts{}
	}
	w.rebuild()
	return w
}

// Put replaces a part, nil taking it away, and returns the interfaces whose
// exposures are not what they were: their ports, their sources, or how packets
// get there and which rules decide. Changed rules of groups and ACLs cost what
// depends on them; any other change costs an analysis of everything.
func (w *Watch) Put(part string, f *facts.Facts) []facts.ID {
	changed, _ := w.Replace(part, f)
	return changed
}

// Replace is Put, and says whether everything was analysed anew.
func (w *Watch) Replace(part string, f *facts.Facts) (changed []facts.ID, anew bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.parts[part]
	if before == nil {
		before = &facts.Facts{}
	}
	if f == nil {
		delete(w.parts, part)
		return w.rebuild(), true
	}
	c := facts.Compare(before, f)
	w.parts[part] = f
	return w.change(part, c)
}

// Apply is Put for changes that are known singly: the groups and ACLs replace
// those of the part.
func (w *Watch) Apply(part string, c facts.Changes) []facts.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.parts[part]
	if f == nil {
		return nil
	}
	w.parts[part], c = f.With(c)
	changed, _ := w.change(part, c)
	return changed
}

// change carries changes of a part over to the snapshot.
func (w *Watch) change(part string, c facts.Changes) (list []facts.ID, anew bool) {
	if c.Empty() {
		return nil, false
	}
	if c.Structure || w.told(part, c) {
		return w.rebuild(), true
	}
	var changed []any
	for _, g := range c.Groups {
		changed = append(changed, w.s.ReplaceGroup(g))
	}
	for _, a := range c.ACLs {
		changed = append(changed, w.s.ReplaceACL(a))
	}
	hit := w.used.touched(w.s, changed)
	after := byInterface(w.s.exposuresOf(hit, w.used))
	for _, n := range hit {
		if !slices.EqualFunc(w.known[n.ID], after[n.ID], sameExposure) {
			list = append(list, n.ID)
		}
		if w.known[n.ID] = after[n.ID]; after[n.ID] == nil {
			delete(w.known, n.ID)
		}
	}
	return list, false
}

// told reports whether another part tells of a changed resource, too; then
// only joining says which of them counts.
func (w *Watch) told(part string, c facts.Changes) bool {
	for name, f := range w.parts {
		if name != part && f.Tells(c) {
			return true
		}
	}
	return false
}

// rebuild analyses everything.
func (w *Watch) rebuild() []facts.ID {
	var list []*facts.Facts
	for _, name := range slices.Sorted(maps.Keys(w.parts)) {
		list = append(list, w.parts[name])
	}
	w.s, w.used = New(facts.Join(list...)), newUses()
	before := w.known
	w.known = byInterface(w.s.exposuresOf(w.s.Order, w.used))
	var out []facts.ID
	for id, x := range w.known {
		if !slices.EqualFunc(before[id], x, sameExposure) {
			out = append(out, id)
		}
	}
	for id := range before {
		if w.known[id] == nil {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func byInterface(all []Exposure) map[facts.ID][]Exposure {
	out := map[facts.ID][]Exposure{}
	for from := 0; from < len(all); {
		to := from
		for to < len(all) && all[to].Interface == all[from].Interface {
			to++
		}
		out[all[from].Interface] = all[from:to:to]
		from = to
	}
	return out
}

// sameExposure reports whether nothing about two exposures differs.
func sameExposure(a, b Exposure) bool {
	return a.mark == b.mark && a.Interface == b.Interface && a.Instance == b.Instance && a.Subnet == b.Subnet && a.VPC == b.VPC && a.Scope == b.Scope &&
		a.Address == b.Address && a.Public == b.Public && a.Edge == b.Edge && a.Through == b.Through && a.Protocol == b.Protocol && a.Ports == b.Ports &&
		a.Certain == b.Certain && a.Sources.Equal(b.Sources)
}

// View lets a function read the snapshot; it must not keep it.
func (w *Watch) View(read func(s *Snapshot)) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	read(w.s)
}

// ExposuresOf are those of one interface, which must not be changed.
func (w *Watch) ExposuresOf(id facts.ID) []Exposure {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.known[id]
}

// Exposures are all, in the order of Snapshot.Exposures.
func (w *Watch) Exposures() []Exposure {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var out []Exposure
	for _, n := range w.s.Order {
		out = append(out, w.known[n.ID]...)
	}
	return out
}
