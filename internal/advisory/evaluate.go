package advisory

import (
	"slices"
	"strings"

	"muster/internal/version"
)

// Verdict says why a version is affected.
type Verdict struct {
	// Listed: the exact version is in the entry's list.
	Listed bool
	// Introduced is the start of the deciding interval, Fixed or
	// LastAffected its end; both ends empty means open.
	Introduced, Fixed, LastAffected string
}

// String is the interval in words: "[0, 1.2-3)", "[1.0, 2.0]", "[1.0, …)" or
// "version list".
func (v Verdict) String() string {
	switch {
	case v.Listed:
		return "version list"
	case v.Fixed != "":
		return "[" + v.Introduced + ", " + v.Fixed + ")"
	case v.LastAffected != "":
		return "[" + v.Introduced + ", " + v.LastAffected + "]"
	}
	return "[" + v.Introduced + ", …)"
}

// Evaluate decides whether a version is affected: it is when the list names it
// or any range contains it (feeds specification 2). Of several ranges the one
// with the highest fix decides, because only that fix leaves them all. Git
// ranges and bounds that are no versions decide nothing.
func (a *Affected) Evaluate(v version.Version) (Verdict, bool) {
	var best Verdict
	var found bool
	for i := range a.Ranges {
		verdict, ok := a.Ranges[i].evaluate(v)
		if ok && (!found || higherFix(v.Scheme(), verdict.Fixed, best.Fixed)) {
			best, found = verdict, true
		}
	}
	if found {
		return best, true
	}
	return Verdict{Listed: true}, a.lists(v)
}

// Lists reports whether the version list names a string that is no version of
// the ecosystem: then only equality counts.
func (a *Affected) Lists(text string) bool { return slices.Contains(a.Versions, text) }

// lists compares by order: 1.0 and 1.0.0 may be the same version.
func (a *Affected) lists(v version.Version) bool {
	if len(a.Versions) == 0 {
		return false
	}
	if a.Lists(v.String()) {
		return true
	}
	for _, listed := range a.Versions {
		if w, err := v.Scheme().Parse(listed); err == nil && v.Compare(w) == 0 {
			return true
		}
	}
	return false
}

func higherFix(scheme version.Scheme, a, b string) bool {
	if a == "" || b == "" {
		return a != ""
	}
	va, errA := scheme.Parse(a)
	vb, errB := scheme.Parse(b)
	return errA == nil && errB == nil && va.Compare(vb) > 0
}

// evaluate finds the interval of the range that contains v. The two most
// common forms, [0, fixed) and [0, …), need no sorting.
func (r *Range) evaluate(v version.Version) (Verdict, bool) {
	if r.Type == Git || len(r.Events) == 0 {
		return Verdict{}, false
	}
	first := r.Events[0]
	if len(r.Events) > 2 || first.Kind != Introduced || first.Version != "0" {
		return r.evaluateSorted(v)
	}
	if len(r.Events) == 1 {
		return Verdict{Introduced: "0"}, true
	}
	last := r.Events[1]
	if last.Kind != Fixed {
		return r.evaluateSorted(v)
	}
	if last.Version == "0" {
		return Verdict{}, false
	}
	bound, err := v.Scheme().Parse(last.Version)
	if err != nil || v.CompareBound(bound) >= 0 {
		return Verdict{}, false
	}
	return Verdict{Introduced: "0", Fixed: last.Version}, true
}

// bound is an event with its version parsed; zero marks "0", which is before
// everything.
type bound struct {
	Event
	parsed version.Version
	zero   bool
}

func (b *bound) compare(o *bound) int {
	switch {
	case b.zero && o.zero:
		return 0
	case b.zero:
		return -1
	case o.zero:
		return 1
	}
	return b.parsed.Compare(o.parsed)
}

// above reports whether the bound lies above v.
func (b *bound) above(v version.Version) bool { return !b.zero && v.CompareBound(b.parsed) < 0 }

// bounds parses and sorts the events; limits apart. False when a bound is no
// version of the scheme: such a range decides nothing.
func (r *Range) bounds(scheme version.Scheme) (events, limits []bound, ok bool) {
	for _, e := range r.Events {
		b := bound{Event: e, zero: e.Version == "0" && e.Kind != LastAffected}
		if e.Kind == Limit && e.Version == "*" {
			continue
		}
		if !b.zero {
			parsed, err := scheme.Parse(e.Version)
			if err != nil {
				return nil, nil, false
			}
			b.parsed = parsed
		}
		if e.Kind == Limit {
			limits = append(limits, b)
		} else {
			events = append(events, b)
		}
	}
	slices.SortStableFunc(events, orderBounds)
	return events, limits, true
}

// orderBounds puts a fix before what is introduced at the same version, so
// that adjoining intervals join. At zero nothing adjoins: there a fix means
// that no version ever was affected (feeds specification 8).
func orderBounds(x, y bound) int {
	c := x.compare(&y)
	switch {
	case c != 0:
		return c
	case x.zero:
		return int(y.Kind) - int(x.Kind)
	}
	return int(x.Kind) - int(y.Kind)
}

// evaluateSorted walks the sorted events.
func (r *Range) evaluateSorted(v version.Version) (Verdict, bool) {
	events, limits, ok := r.bounds(v.Scheme())
	if !ok || !belowLimit(v, limits) {
		return Verdict{}, false
	}
	verdict, affected := Verdict{}, false
	next := 0
	for ; next < len(events); next++ {
		e := &events[next]
		if e.above(v) || (e.Kind == LastAffected && v.CompareBound(e.parsed) == 0) {
			break
		}
		if e.Kind != Introduced {
			affected = false
		} else if !affected {
			verdict, affected = Verdict{Introduced: e.Version}, true
		}
	}
	if affected {
		verdict.close(events[next:])
	}
	return verdict, affected
}

// close finds the end of the interval among the events above the version. A
// fix at which the next interval begins is none.
func (v *Verdict) close(events []bound) {
	for i := range events {
		e := &events[i]
		joined := i+1 < len(events) && events[i+1].Kind == Introduced && events[i+1].compare(e) == 0
		switch {
		case e.Kind == Fixed && !joined:
			v.Fixed = e.Version
			return
		case e.Kind == LastAffected:
			v.LastAffected = e.Version
			return
		}
	}
}

// belowLimit: no limit, or below one of them.
func belowLimit(v version.Version, limits []bound) bool {
	for i := range limits {
		if limits[i].above(v) {
			return true
		}
	}
	return len(limits) == 0
}

// Bugfix reports whether a notice is a bug fix or an enhancement and no
// security notice; it counts only where it names a CVE.
func (a *Advisory) Bugfix() bool {
	for _, prefix := range []string{"ALBA-", "ALEA-", "RHBA-", "RHEA-"} {
		if strings.HasPrefix(a.ID, prefix) {
			return true
		}
	}
	return strings.HasPrefix(a.ID, "SUSE-") && !strings.HasPrefix(a.ID, "SUSE-SU-")
}
