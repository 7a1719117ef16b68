package sbomscan

import (
	"time"

	"muster/internal/scanner"
)

// The form INSPECTOR. Where AWS's documents and its real answers name a member
// differently, both are there.
type (
	inspectorAnswer struct {
		Messages        []inspectorMessage `json:"messages"`
		Count           map[string]int     `json:"vulnerability_count"`
		Vulnerabilities []inspectorEntry   `json:"vulnerabilities"`
	}
	inspectorMessage struct {
		Name     string `json:"name"`
		Version  string `json:"version,omitempty"`
		PURL     string `json:"purl,omitempty"`
		Info     string `json:"info"`
		Observed string `json:"info_message"`
	}
	inspectorEntry struct {
		ID          string              `json:"id"`
		Severity    string              `json:"severity"`
		Source      string              `json:"source"`
		Related     []string            `json:"related,omitempty"`
		Description string              `json:"description"`
		References  []string            `json:"references,omitempty"`
		Created     string              `json:"created,omitempty"`
		Updated     string              `json:"updated,omitempty"`
		Properties  inspectorProperties `json:"properties"`
		Affects     []inspectorAffect   `json:"affects"`
	}
	inspectorProperties struct {
		KEVAdded string          `json:"cisa_kev_date_added,omitempty"`
		KEVDue   string          `json:"cisa_kev_date_due,omitempty"`
		CWEs     []int           `json:"cwes,omitempty"`
		CVSS     []inspectorCVSS `json:"cvss,omitempty"`
		EPSS     *float64        `json:"epss,omitempty"`
		Exploit  bool            `json:"exploit_available,omitempty"`
		LastSeen string          `json:"exploit_last_seen_in_public,omitempty"`
	}
	inspectorCVSS struct {
		Source          string   `json:"source"`
		Severity        string   `json:"severity"`
		Score3          *float64 `json:"cvss3_base_score,omitempty"`
		Vector3         string   `json:"cvss3_base_vector,omitempty"`
		ObservedScore3  *float64 `json:"cvss_3_base_score,omitempty"`
		ObservedVector3 string   `json:"cvss_3_base_vector,omitempty"`
		Score2          *float64 `json:"cvss2_base_score,omitempty"`
		Vector2         string   `json:"cvss2_base_vector,omitempty"`
		Score4          *float64 `json:"cvss4_base_score,omitempty"`
		Vector4         string   `json:"cvss4_base_vector,omitempty"`
	}
	// inspectorAffect is a package, a file's lines or an operating system.
	inspectorAffect struct {
		Installed string `json:"installed_version,omitempty"`
		Fixed     string `json:"fixed_version,omitempty"`
		Path      string `json:"path,omitempty"`
		File      string `json:"file,omitempty"`
		Lines     string `json:"lines,omitempty"`
		Name      string `json:"name,omitempty"`
		Version   string `json:"version,omitempty"`
	}
)

// Inspector is the answer in the form INSPECTOR that ScanSbom would give about
// what was found on a target. Without a time nothing has outlived its support.
func Inspector(r *scanner.Result, now time.Time) any {
	d := ofInventory(r.Inventory)
	d.annotate(r, now)
	return d.inspectorForm()
}

func (d *document) inspectorForm() inspectorAnswer {
	out := inspectorAnswer{Messages: []inspectorMessage{}, Count: d.counts(), Vulnerabilities: []inspectorEntry{}}
	for _, n := range d.nodes {
		text := n.text
		if n.endOfLife != "" {
			text = "Component end-of-life: " + n.endOfLife
		}
		if text != "" {
			m := inspectorMessage{Name: n.name, PURL: n.purl, Info: text, Observed: text}
			if n.purl == "" {
				m.Version = n.version
			}
			out.Messages = append(out.Messages, m)
		}
	}
	for i := range d.found {
		out.Vulnerabilities = append(out.Vulnerabilities, d.found[i].inspectorForm())
	}
	return out
}

func (v *vulnerability) inspectorForm() inspectorEntry {
	out := inspectorEntry{
		ID: v.id, Severity: v.severity, Source: v.sourceURL, Related: v.related, Description: v.description, References: v.references,
		Created: stamp(v.created), Updated: stamp(v.updated), Affects: []inspectorAffect{},
		Properties: inspectorProperties{CWEs: v.cwes, EPSS: v.epss, Exploit: v.exploit, LastSeen: stamp(v.lastExploit)},
	}
	if v.kev != nil {
		out.Properties.KEVAdded, out.Properties.KEVDue = stamp(v.kev.AddedAt), stamp(v.kev.DueAt)
	}
	for _, s := range v.scores {
		out.Properties.CVSS = append(out.Properties.CVSS, s.inspectorForm())
	}
	for _, a := range v.affects {
		out.Affects = append(out.Affects, a.inspectorForm())
	}
	return out
}

func (s score) inspectorForm() inspectorCVSS {
	out := inspectorCVSS{Source: s.Source, Severity: s.severity}
	switch s.Version {
	case "2.0":
		out.Score2, out.Vector2 = new(s.BaseScore), s.Vector
	case "4.0":
		out.Score4, out.Vector4 = new(s.BaseScore), s.Vector
	default:
		out.Score3, out.Vector3 = new(s.BaseScore), s.Vector
		out.ObservedScore3, out.ObservedVector3 = out.Score3, s.Vector
	}
	return out
}

func (a affect) inspectorForm() inspectorAffect {
	switch {
	case a.lines != "":
		return inspectorAffect{File: a.node.name, Lines: a.lines}
	case a.node.kind == "operating-system":
		return inspectorAffect{Name: a.node.name, Version: a.node.version}
	}
	return inspectorAffect{Installed: a.node.purl, Fixed: a.fixed, Path: a.node.path}
}
