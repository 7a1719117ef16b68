package report

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"muster/internal/sbom"
	"muster/internal/scanner"
	"muster/internal/vex"
)

// writeOpenVEX writes what was found as statements: affected, with what to do,
// or what the user's own statements say.
func writeOpenVEX(w io.Writer, r *scanner.Result, opts Options) error {
	var list []vex.Said
	for _, findings := range [][]scanner.Finding{r.Findings, r.Suppressed} {
		for i := range findings {
			list = append(list, saidOf(r, &findings[i])...)
		}
	}
	at := opts.Created
	if at.IsZero() {
		at = newest(r)
	}
	return vex.WriteOpenVEX(w, opts.Version, at, list)
}

// saidOf makes one statement for each thing that is said of a vulnerability's
// packages.
func saidOf(r *scanner.Result, f *scanner.Finding) []vex.Said {
	var list []vex.Said
	at := map[*vex.Statement]int{}
	for _, a := range f.Affects {
		i, ok := at[a.Statement]
		if !ok {
			i, at[a.Statement] = len(list), len(list)
			list = append(list, newSaid(f, a.Statement))
		}
		if url := sbom.PURL(a.Item, r.Inventory.OS); !slices.Contains(list[i].Products, url) {
			list[i].Products = append(list[i].Products, url)
		}
	}
	return list
}

func newSaid(f *scanner.Finding, st *vex.Statement) vex.Said {
	s := vex.Said{ID: f.Package.VulnerabilityID, Aliases: f.Package.Related, Status: vex.Affected}
	if st != nil {
		s.Status, s.Justification, s.Detail, s.Action, s.At = st.Status, st.Justification, st.Detail, st.Action, st.At
	}
	s.Action = cmp.Or(s.Action, action(f))
	return s
}

// action says which versions mend a finding, "" where none does.
func action(f *scanner.Finding) string {
	var parts []string
	for _, a := range f.Affects {
		if a.FixedVersion == "" {
			continue
		}
		if text := a.Item.Name + " to " + a.FixedVersion; !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	if parts == nil {
		return ""
	}
	return "Update " + strings.Join(parts, ", ") + "."
}

// analysis is what CycloneDX calls the statements about a finding; what nobody
// has spoken about is yet to be looked at.
func analysis(f *scanner.Finding) *sbom.Analysis {
	for _, a := range f.Affects {
		if st := a.Statement; st != nil {
			return &sbom.Analysis{State: vex.CycloneDXState(st.Status), Justification: vex.CycloneDXWord(st.Justification), Detail: st.Detail}
		}
	}
	return &sbom.Analysis{State: vex.CycloneDXState(vex.UnderInvestigation)}
}
