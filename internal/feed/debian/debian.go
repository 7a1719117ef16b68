// Package debian reads what Debian's security team publishes: the security
// tracker's JSON, which knows the state of every vulnerability in every
// release (feeds specification 5.3), and the tracker's lists of notices.
package debian

import (
	"strings"

	"muster/internal/advisory"
)

// Ecosystem is OSV's name of a release by its codename ("bookworm" is
// "Debian:12"). Codenames without a number, sid among them, stand for
// themselves.
func Ecosystem(codename string) string {
	number, ok := map[string]string{
		"woody": "3.0", "sarge": "3.1", "etch": "4", "lenny": "5", "squeeze": "6", "wheezy": "7", "jessie": "8", "stretch": "9",
		"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "duke": "15",
	}[codename]
	if !ok {
		number = codename
	}
	return "Debian:" + number
}

// State is what the tracker says about a vulnerability of a source package in
// a release.
type State byte

// The states of the tracker. Postponed, Minor and Ignored are open: no fix is
// there. Postponed will be fixed along with something worse, Minor gets no
// notice of its own, Ignored is left as it is.
const (
	Undetermined State = iota
	Open
	Postponed
	Minor
	Ignored
	EndOfLife
	Resolved
)

// entry makes the affected entry of a source package. fixed counts for
// Resolved only; there "0" means that no version of the release was affected.
func entry(source, codename string, s State, fixed, urgency string) advisory.Affected {
	out := advisory.Affected{
		Ecosystem: Ecosystem(codename), Name: source, Word: word(urgency), Status: s.status(), Ranges: advisory.Everything(),
	}
	switch {
	case s == Resolved && fixed == "0":
		out.Status = advisory.StatusNotAffected
	case s == Resolved:
		out.Ranges = advisory.Below(fixed)
	}
	return out
}

func (s State) status() advisory.Status {
	switch s {
	case Undetermined:
		return advisory.StatusInvestigated
	case Postponed:
		return advisory.StatusPostponed
	case Minor, Ignored:
		return advisory.StatusWontFix
	case EndOfLife:
		return advisory.StatusEndOfLife
	case Open, Resolved:
	}
	return advisory.StatusAffected
}

// word is an urgency without the mark of those that a program derived; what
// rates nothing is no word.
func word(urgency string) string {
	switch urgency = strings.TrimRight(urgency, "*"); urgency {
	case "not yet assigned", "end-of-life":
		return ""
	}
	return urgency
}
