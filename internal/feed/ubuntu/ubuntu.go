// Package ubuntu reads the files of Ubuntu's CVE tracker, which say for every
// source package what its state is in every release and in the channels of
// Ubuntu Pro (feeds specification 5.4).
package ubuntu

import (
	"strings"

	"muster/internal/advisory"
)

// Ecosystem is OSV's name of what the tracker calls a release: a codename
// ("jammy" is "Ubuntu:22.04:LTS") or a channel of Pro for one
// ("esm-infra/xenial" and "trusty/esm" are "Ubuntu:Pro:…", "fips-updates/focal"
// is "Ubuntu:Pro:FIPS-updates:…"). False for what is no release of packages
// (upstream, devel, snaps, phones).
func Ecosystem(release string) (string, bool) {
	channel, codename, ok := strings.Cut(release, "/")
	if !ok {
		channel, codename = "", release
	} else if codename == "esm" {
		channel, codename = "esm-infra", channel
	}
	number, known := numbers()[codename]
	prefix, named := map[string]string{
		"": "Ubuntu:", "esm-infra": "Ubuntu:Pro:", "esm-apps": "Ubuntu:Pro:", "esm-infra-legacy": "Ubuntu:Pro:", "esm-apps-legacy": "Ubuntu:Pro:",
		"fips": "Ubuntu:Pro:FIPS:", "fips-updates": "Ubuntu:Pro:FIPS-updates:", "fips-preview": "Ubuntu:Pro:FIPS-preview:",
		"realtime": "Ubuntu:Pro:Realtime:",
	}[channel]
	return prefix + number, known && named
}

// numbers are the releases by codename, as OSV spells them.
func numbers() map[string]string {
	return map[string]string{
		"precise": "12.04:LTS", "trusty": "14.04:LTS", "utopic": "14.10", "vivid": "15.04", "wily": "15.10", "xenial": "16.04:LTS",
		"yakkety": "16.10", "zesty": "17.04", "artful": "17.10", "bionic": "18.04:LTS", "cosmic": "18.10", "disco": "19.04", "eoan": "19.10",
		"focal": "20.04:LTS", "groovy": "20.10", "hirsute": "21.04", "impish": "21.10", "jammy": "22.04:LTS", "kinetic": "22.10",
		"lunar": "23.04", "mantic": "23.10", "noble": "24.04:LTS", "oracular": "24.10", "plucky": "25.04", "questing": "25.10",
		"resolute": "26.04:LTS",
	}
}

// entry makes the affected entry of a state: the tracker's word and the note
// in parentheses after it. False where the tracker says nothing about the
// release: the package is not in it (DNE), or it is out of support and the
// channel of Pro that took over is the one that knows.
func entry(word, note string) (advisory.Affected, bool) {
	out := advisory.Affected{Ranges: advisory.Everything()}
	switch word {
	case "released":
		if note == "" {
			return out, false
		}
		out.Ranges = advisory.Below(note)
	case "needed", "active", "in-progress", "pending":
	case "deferred":
		out.Status = advisory.StatusPostponed
	case "not-affected":
		out.Status = advisory.StatusNotAffected
	case "needs-triage":
		out.Status = advisory.StatusInvestigated
	case "ignored":
		status, known := ignored(note)
		out.Status = status
		return out, known
	default:
		return out, false
	}
	return out, true
}

// ignored reads why nothing will be done. Of a release out of support the
// last state before that is kept: "end of life, was needed".
func ignored(note string) (advisory.Status, bool) {
	note = strings.ToLower(note)
	ended := strings.Contains(note, "end of") || strings.Contains(note, "end-of") || strings.Contains(note, "out of standard support") || strings.Contains(note, "eol")
	if !ended {
		return advisory.StatusWontFix, true
	}
	_, was, ok := strings.Cut(note, "was ")
	switch {
	case !ok, strings.HasPrefix(was, "needs-triage"), strings.HasPrefix(was, "not-affected"):
		return advisory.StatusInvestigated, false
	}
	return advisory.StatusEndOfLife, true
}
