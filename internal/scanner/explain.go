package scanner

import (
	"cmp"
	"slices"

	"muster/internal/advisorydb"
	"muster/internal/inventory"
	"muster/internal/match"
	"muster/internal/vex"
)

// Explanation says for one vulnerability why each package that any advisory
// connects with it is or is not reported.
type Explanation struct {
	// ID is what was asked for.
	ID string
	// Reported: a finding of the result goes by the id.
	Reported bool
	// Decisions are sorted like the inventory.
	Decisions []Decision
	// Withdrawn are advisories of that id that were taken back.
	Withdrawn []string
	// Disputed: somebody denies that it is a vulnerability.
	Disputed bool
}

// Decision is about one package.
type Decision struct {
	Item     inventory.Item
	Reported bool
	// Reason is why a package that is affected is not reported, "" otherwise.
	Reason     string
	Judgements []match.Judgement
	// Statement is what the user says about it, nil for nothing.
	Statement *vex.Statement
}

// Words say what a statement says, and where.
func Words(st *vex.Statement) string {
	text := st.Origin + " says " + string(st.Status)
	for _, part := range []string{st.Justification, st.Detail} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}

// statements are those about a vulnerability, by package.
func statements(r *Result, id string) map[inventory.Item]*vex.Statement {
	out := map[inventory.Item]*vex.Statement{}
	for _, list := range [][]Finding{r.Findings, r.Suppressed} {
		for i := range list {
			p := list[i].Package
			if p.VulnerabilityID != id && !slices.Contains(p.Related, id) {
				continue
			}
			for _, a := range list[i].Affects {
				out[a.Item] = a.Statement
			}
		}
	}
	return out
}

// explain asks about every package of the inventory.
func explain(id string, r *Result, set *advisorydb.Set) (*Explanation, error) {
	out := &Explanation{ID: id}
	known := map[inventory.Component][]match.Judgement{}
	said := statements(r, id)
	asked := map[string]bool{}
	for _, item := range r.Inventory.Items {
		judgements, done := known[item.Component]
		if !done {
			var err error
			if judgements, err = match.Explain(item.Component, set, id); err != nil {
				return nil, err
			}
			known[item.Component] = judgements
		}
		if len(judgements) > 0 {
			d := decide(item, judgements)
			if st := said[item]; st != nil {
				d.Statement = st
				if st.Status.Suppresses() && d.Reported {
					d.Reported, d.Reason = false, Words(st)
				}
			}
			out.Reported = out.Reported || d.Reported
			out.Decisions = append(out.Decisions, d)
		}
		if !asked[item.Ecosystem] {
			asked[item.Ecosystem] = true
			if err := out.withdrawn(set, item.Ecosystem); err != nil {
				return nil, err
			}
		}
	}
	return out, out.rejected(set)
}

// rejected takes every decision back where the CVE itself was.
func (e *Explanation) rejected(set *advisorydb.Set) error {
	in, _, err := set.Intel(e.ID)
	e.Disputed = in.Disputed
	if err != nil || !in.Rejected {
		return err
	}
	e.Reported, e.Withdrawn = false, append(e.Withdrawn, e.ID+" was rejected: it never was a vulnerability")
	for i := range e.Decisions {
		if d := &e.Decisions[i]; d.Reported {
			d.Reported, d.Reason = false, "the CVE was rejected"
		}
	}
	return nil
}

func decide(item inventory.Item, judgements []match.Judgement) Decision {
	affected := slices.ContainsFunc(judgements, func(j match.Judgement) bool { return j.Affected })
	d := Decision{Item: item, Judgements: judgements, Reported: affected && item.Role.Judged()}
	if affected && !d.Reported {
		d.Reason = whyNot(item)
	}
	return d
}

// whyNot says in words why packages of a role are not reported.
func whyNot(item inventory.Item) string {
	switch item.Role {
	case inventory.RoleKernelHeaders:
		return "kernel headers hold no running code"
	case inventory.RoleKernelIdle:
		return "this kernel is not the running one"
	case inventory.RoleOwned:
		return "the operating-system package " + cmp.Or(item.OwnedBy, "that owns its folder") + " brought it, and the distribution's advisories judge that"
	case inventory.RoleThirdParty:
		return "it is another publisher's package, of which the distribution's advisories say nothing"
	case inventory.RoleNotDeployed:
		return "its lock file lists it for development only, and what is deployed counts here"
	case inventory.RoleToolchain:
		if item.Manager == inventory.ManagerGoMod {
			return "go.mod names the oldest Go that may build the module, not the one that does"
		}
		return "toolchains are judged in images only"
	}
	return ""
}

func (e *Explanation) withdrawn(set *advisorydb.Set, ecosystem string) error {
	record, found, err := set.Advisory(ecosystem, e.ID)
	if err != nil || !found || record.Withdrawn.IsZero() {
		return err
	}
	text := record.ID + " was withdrawn on " + record.Withdrawn.Format("2006-01-02")
	if !slices.Contains(e.Withdrawn, text) {
		e.Withdrawn = append(e.Withdrawn, text)
	}
	return nil
}
