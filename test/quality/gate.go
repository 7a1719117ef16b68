package quality

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Verdict says how new scores compare with the committed ones.
type Verdict struct {
	// Worse lists what no change may do: a true claim that is missed, a false
	// one that is reported, packages that are no longer judged.
	Worse []string
	// Changed lists all else that differs: better numbers, other findings.
	// They are to be looked at and committed.
	Changed []string
}

// Judge compares measured scores with committed ones.
func Judge(committed, measured map[string]Score) Verdict {
	var v Verdict
	for _, name := range slices.Sorted(maps.Keys(measured)) {
		was, known := committed[name]
		is := measured[name]
		switch {
		case !known:
			v.Changed = append(v.Changed, name+": not in the table")
		case was != is:
			worse, changed := was.against(is)
			for _, text := range worse {
				v.Worse = append(v.Worse, name+": "+text)
			}
			for _, text := range changed {
				v.Changed = append(v.Changed, name+": "+text)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(committed)) {
		if _, ok := measured[name]; !ok {
			v.Changed = append(v.Changed, name+": no such target any more")
		}
	}
	return v
}

// against says in words what became worse and what merely differs.
func (s Score) against(is Score) (worse, changed []string) {
	for _, n := range []struct {
		what    string
		was, is int
		more    bool // more is better
	}{
		{"packages", s.Packages, is.Packages, true},
		{"packages judged", s.Judged, is.Judged, true},
		{"true claims found", s.Found, is.Found, true},
		{"true claims missed with an advisory at hand", s.AtHand - s.Found, is.AtHand - is.Found, false},
		{"false claims reported", s.Reported, is.Reported, false},
	} {
		text := fmt.Sprintf("%s: %d, were %d", n.what, n.is, n.was)
		switch {
		case n.was == n.is:
		case n.is > n.was == n.more:
			changed = append(changed, text)
		default:
			worse = append(worse, text)
		}
	}
	if s.Digest != is.Digest {
		changed = append(changed, fmt.Sprintf("other findings: %d, were %d", is.Hits, s.Hits))
	}
	if len(worse)+len(changed) == 0 {
		changed = append(changed, "claims: "+is.String())
	}
	return worse, changed
}

// Render writes scores in the table's form.
func Render(scores map[string]Score) string {
	var b strings.Builder
	b.WriteString(header)
	for _, name := range slices.Sorted(maps.Keys(scores)) {
		fmt.Fprintf(&b, "%s %s\n", name, scores[name])
	}
	return b.String()
}
