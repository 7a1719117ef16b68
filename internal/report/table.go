package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"muster/internal/finding"
	"muster/internal/match"
	"muster/internal/scanner"
)

// writeTable writes for people: what was looked at, the findings by severity,
// what to do, what statements take out, and what could not be judged.
func writeTable(w io.Writer, r *scanner.Result, opts Options) error {
	out := bufio.NewWriter(w)
	t := tabular{grid: grid{out: out, color: opts.Color, width: opts.Width}, out: out, opts: &opts}
	fmt.Fprintln(out, t.paint("1", plain(r.Target.String())))
	if name := r.Inventory.OS.PrettyName; name != "" {
		fmt.Fprintln(out, plain(name))
	}
	fmt.Fprintln(out)
	hidden := t.findings(r)
	t.advise(r, opts.All)
	t.summary(r, hidden)
	t.suppressed(r)
	t.baseline()
	t.coverage(r)
	if r.Explanation != nil {
		t.explanation(r.Explanation)
	}
	return out.Flush()
}

type tabular struct {
	grid
	out  *bufio.Writer
	opts *Options
}

// findings writes one line per vulnerability and returns how many it hides.
func (t *tabular) findings(r *scanner.Result) (hidden int) {
	var rows [][]string
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity == finding.Informational && !t.opts.All {
			hidden++
			continue
		}
		rows = append(rows, t.findingRows(f, t.opts.isNew(i))...)
	}
	if len(rows) == 0 {
		return hidden
	}
	columns := []column{
		{head: "SEVERITY"}, {head: "SCORE", right: true}, {head: "VULNERABILITY"}, {head: "PACKAGE", yields: 3, least: 12},
		{head: "INSTALLED", yields: 2, least: 10}, {head: "FIXED IN", yields: 4, least: 10}, {head: "WHERE", yields: 1, least: 16, tail: true, optional: true},
	}
	t.grid.rows(columns[:used(rows)], rows)
	if slices.ContainsFunc(r.Findings, func(f scanner.Finding) bool { return f.KEV != nil }) {
		fmt.Fprintln(t.out, "! is exploited, by CISA's catalogue")
	}
	if slices.ContainsFunc(r.Findings, func(f scanner.Finding) bool { return f.DevelopmentOnly() }) {
		fmt.Fprintln(t.out, "dev is in what lock files list for development or tests only (--dev exclude leaves it out)")
	}
	if slices.ContainsFunc(r.Findings, func(f scanner.Finding) bool { return f.Disputed }) {
		fmt.Fprintln(t.out, "? is disputed: somebody denies that it is a vulnerability")
	}
	fmt.Fprintln(t.out)
	return hidden
}

// used is how many columns any row fills; it cuts the rows down to them.
func used(rows [][]string) int {
	n := 0
	for _, row := range rows {
		for i, cell := range row {
			if cell != "" {
				n = max(n, i+1)
			}
		}
	}
	for i := range rows {
		rows[i] = rows[i][:n]
	}
	return n
}

// findingRows is a line per package; without --all, one for each distinct
// version and fix, and the number of packages that share it.
func (t *tabular) findingRows(f *scanner.Finding, isNew bool) [][]string {
	type group struct{ version, fix string }
	var order []group
	first := map[group]finding.Package{}
	count := map[group]int{}
	for i, p := range f.Package.Packages {
		g := group{fullVersion(p), fixText(f, p)}
		if t.opts.All {
			g.version += fmt.Sprintf("\x00%d", i)
		}
		if count[g] == 0 {
			order, first[g] = append(order, g), p
		}
		count[g]++
	}
	var rows [][]string
	for i, g := range order {
		p := first[g]
		name := p.Name
		if count[g] > 1 {
			name += fmt.Sprintf(" (+%d)", count[g]-1)
		}
		version, _, _ := strings.Cut(g.version, "\x00")
		row := []string{"", "", "", name, version, g.fix, p.Path}
		if i == 0 {
			row[0], row[1], row[2] = string(f.Severity), scoreText(f), idText(f, isNew)
		}
		rows = append(rows, row)
	}
	return rows
}

// idText marks what is known to be exploited, what is disputed, what only
// development needs and what the baseline lacks.
func idText(f *scanner.Finding, isNew bool) string {
	text := f.Package.VulnerabilityID
	if f.KEV != nil {
		text += " !"
	}
	if f.Disputed {
		text += " ?"
	}
	if f.DevelopmentOnly() {
		text += " dev"
	}
	if isNew {
		text += " new"
	}
	return text
}

func scoreText(f *scanner.Finding) string {
	if f.Score == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", f.Score.Value)
}

// fullVersion puts a version together as package managers write it.
func fullVersion(p finding.Package) string {
	v := p.Version
	if p.Release != "" {
		v += "-" + p.Release
	}
	if p.Epoch != 0 {
		v = fmt.Sprintf("%d:%s", p.Epoch, v)
	}
	return v
}

func fixText(f *scanner.Finding, p finding.Package) string {
	if p.FixedIn != finding.NotAvailable {
		return strings.TrimPrefix(p.FixedIn, "0:")
	}
	switch f.State {
	case match.WontFix:
		return "won't fix"
	case match.Subscription:
		return "with subscription"
	}
	return "-"
}

// summary counts by severity. "No findings" is said only where everything was
// judged.
func (t *tabular) summary(r *scanner.Result, hidden int) {
	counts := map[finding.Severity]int{}
	fixable := 0
	for i := range r.Findings {
		counts[r.Findings[i].Severity]++
		if r.Findings[i].Fix != finding.No {
			fixable++
		}
	}
	var parts []string
	severities := finding.Severities()
	slices.Reverse(severities)
	for _, s := range severities {
		if counts[s] > 0 {
			parts = append(parts, t.paint(colourOf(string(s)), fmt.Sprintf("%d %s", counts[s], strings.ToLower(string(s)))))
		}
	}
	switch gaps := r.Gaps(); {
	case len(r.Findings) > 0:
		fmt.Fprintf(t.out, "%d vulnerabilities: %s\n", len(r.Findings), strings.Join(parts, ", "))
		fmt.Fprintf(t.out, "%d of them can be mended by updates.\n", fixable)
		if hidden > 0 {
			fmt.Fprintln(t.out, "Informational ones are shown with --all.")
		}
	case len(r.Coverage) == 0:
		fmt.Fprintln(t.out, "Nothing to judge: no packages were found.")
	case !slices.ContainsFunc(r.Coverage, scanner.Coverage.Judges):
		fmt.Fprintln(t.out, "Nothing could be judged.")
	case len(gaps) > 0 || slices.ContainsFunc(r.Coverage, func(c scanner.Coverage) bool { return c.Reason != "" }):
		fmt.Fprintln(t.out, "No vulnerabilities are known in the part that could be judged.")
	case len(r.Suppressed) > 0:
		fmt.Fprintln(t.out, "No vulnerabilities are left.")
	default:
		fmt.Fprintln(t.out, "No known vulnerabilities.")
	}
}

// suppressed says what statements take out, with all of them on request.
func (t *tabular) suppressed(r *scanner.Result) {
	if len(r.Suppressed) == 0 {
		return
	}
	more := " (shown with --all)"
	if t.opts.All {
		more = ":"
	}
	fmt.Fprintf(t.out, "%d are left out by VEX statements%s\n", len(r.Suppressed), more)
	if !t.opts.All {
		return
	}
	for i := range r.Suppressed {
		f := &r.Suppressed[i]
		for _, a := range f.Affects {
			t.wrap("  ", fmt.Sprintf("%s %s %s: %s", f.Package.VulnerabilityID, a.Item.Name, a.Item.Version, scanner.Words(a.Statement)))
		}
	}
}

// baseline says what is new and what is gone.
func (t *tabular) baseline() {
	d := t.opts.Baseline
	if d == nil {
		return
	}
	fmt.Fprintf(t.out, "Since the baseline: %d new, %d fixed\n", d.Count(), len(d.Fixed))
	for _, k := range d.Fixed {
		t.wrap("  ", fmt.Sprintf("fixed: %s %s (%s)", k.ID, strings.ToLower(string(k.Severity)), strings.Join(k.Packages, ", ")))
	}
}

// coverage says what was judged by what, and what was not.
func (t *tabular) coverage(r *scanner.Result) {
	if len(r.Coverage) > 0 {
		fmt.Fprintln(t.out)
		var rows [][]string
		for _, c := range r.Coverage {
			row := []string{c.Ecosystem, fmt.Sprint(c.Packages), "none", "-", remark(c)}
			if c.State == scanner.Judged {
				row[2] = fmt.Sprint(c.Records)
			}
			if !c.Newest.IsZero() {
				row[3] = c.Newest.Format(time.DateOnly)
			}
			rows = append(rows, row)
		}
		t.grid.rows([]column{
			{head: "JUDGED", yields: 1, least: 12}, {head: "PACKAGES", right: true}, {head: "ADVISORIES", right: true}, {head: "NEWEST"}, {head: "REMARK"},
		}, rows)
	}
	for _, n := range r.Notes {
		t.wrap("", "note: "+n)
	}
}

// remark is what to know about the judging of an ecosystem.
func remark(c scanner.Coverage) string {
	var parts []string
	if c.State != scanner.Judged {
		parts = append(parts, "NOT JUDGED: "+c.Reason)
	} else if c.Reason != "" {
		parts = append(parts, c.Reason)
	}
	if c.Excluded > 0 {
		parts = append(parts, fmt.Sprintf("%d not judged by rule", c.Excluded))
	}
	if life := lifetime(c); life != "" {
		parts = append(parts, life)
	}
	return strings.Join(parts, "; ")
}

// lifetime says until when a release gets fixes; "" where nobody knows.
func lifetime(c scanner.Coverage) string {
	var parts []string
	switch {
	case c.SupportEnded && c.SupportedUntil.IsZero():
		parts = append(parts, "no longer supported")
	case c.SupportEnded:
		parts = append(parts, "support ended on "+c.SupportedUntil.Format(time.DateOnly))
	case !c.SupportedUntil.IsZero():
		parts = append(parts, "supported until "+c.SupportedUntil.Format(time.DateOnly))
	}
	if !c.PaidUntil.IsZero() {
		parts = append(parts, "with Ubuntu Pro until "+c.PaidUntil.Format(time.DateOnly))
	}
	return strings.Join(parts, "; ")
}

// explanation writes why, package by package.
func (t *tabular) explanation(e *scanner.Explanation) {
	fmt.Fprintf(t.out, "\nWhy %s ", plain(e.ID))
	if e.Reported {
		fmt.Fprintln(t.out, "is reported:")
	} else {
		fmt.Fprintln(t.out, "is not reported:")
	}
	if e.Disputed {
		t.wrap("  ", "It is disputed: somebody denies that it is a vulnerability.")
	}
	for _, w := range e.Withdrawn {
		t.wrap("  ", w)
	}
	if len(e.Decisions) == 0 {
		fmt.Fprintln(t.out, "  No advisory at hand connects it with any package of this target.")
	}
	for i := range e.Decisions {
		t.decision(&e.Decisions[i])
	}
}

func (t *tabular) decision(d *scanner.Decision) {
	word := "not reported"
	if d.Reported {
		word = "reported"
	}
	text := fmt.Sprintf("%s %s (%s): %s", d.Item.Name, d.Item.Version, d.Item.Ecosystem, word)
	if d.Reason != "" {
		text += ", because " + d.Reason
	}
	t.wrap("  ", text)
	for _, where := range []string{d.Item.Path, d.Item.Layer} {
		if where != "" {
			t.wrap("    ", "in "+where)
		}
	}
	if d.Statement != nil && d.Reported {
		t.wrap("    ", scanner.Words(d.Statement))
	}
	for _, j := range d.Judgements {
		t.wrap("    ", fmt.Sprintf("%s: %s: %s compared as %s %s with %s", j.Advisory, j.Reason, j.Package, j.Comparator, j.Compared, j.Range))
	}
}
