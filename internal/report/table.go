package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"muster/internal/finding"
	"muster/internal/match"
	"muster/internal/scanner"
)

// writeTable writes for people: what was looked at, the findings, what could
// not be judged.
func writeTable(w io.Writer, r *scanner.Result, opts Options) error {
	out := bufio.NewWriter(w)
	t := tabular{out: out, color: opts.Color}
	fmt.Fprintf(out, "%s\n", plain(r.Target.String()))
	if name := r.Inventory.OS.PrettyName; name != "" {
		fmt.Fprintf(out, "%s\n", plain(name))
	}
	fmt.Fprintln(out)
	hidden := t.findings(r, opts)
	t.summary(r, hidden)
	t.coverage(r)
	if r.Explanation != nil {
		t.explanation(r.Explanation)
	}
	return out.Flush()
}

type tabular struct {
	out   *bufio.Writer
	color bool
}

// findings writes one line per vulnerability and returns how many it hides.
func (t *tabular) findings(r *scanner.Result, opts Options) (hidden int) {
	rows := [][]string{{"SEVERITY", "SCORE", "VULNERABILITY", "PACKAGE", "INSTALLED", "FIXED IN", "WHERE"}}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity == finding.Informational && !opts.All {
			hidden++
			continue
		}
		rows = append(rows, findingRows(f, opts.All)...)
	}
	if len(rows) > 1 {
		t.rows(rows)
		fmt.Fprintln(t.out)
	}
	return hidden
}

// findingRows is a line per package; without all, one for each distinct
// version and fix, and the number of packages that share it.
func findingRows(f *scanner.Finding, all bool) [][]string {
	type group struct{ version, fix string }
	var order []group
	first := map[group]finding.Package{}
	count := map[group]int{}
	for i, p := range f.Package.Packages {
		g := group{fullVersion(p), fixText(f, p)}
		if all {
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
			row[0], row[1], row[2] = string(f.Severity), scoreText(f), idText(f)
		}
		rows = append(rows, row)
	}
	return rows
}

// idText marks what is known to be exploited.
func idText(f *scanner.Finding) string {
	if f.KEV != nil {
		return f.Package.VulnerabilityID + " !"
	}
	return f.Package.VulnerabilityID
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
	case match.Postponed:
		return "postponed"
	case match.EndOfLife:
		return "end of life"
	case match.Subscription:
		return "with subscription"
	}
	return "-"
}

// rows aligns columns; the last is not padded.
func (t *tabular) rows(rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i := range row {
			row[i] = plain(row[i])
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			padded := cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2)
			if i == 0 {
				padded = t.paint(cell, padded)
			}
			line += padded
		}
		fmt.Fprintln(t.out, strings.TrimRight(line, " "))
	}
}

// paint colours severities on terminals that want it.
func (t *tabular) paint(word, text string) string {
	code := map[string]string{"CRITICAL": "1;31", "HIGH": "31", "MEDIUM": "33", "LOW": "36"}[word]
	if !t.color || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// summary counts by severity. "No findings" is said only where everything was
// judged.
func (t *tabular) summary(r *scanner.Result, hidden int) {
	counts := map[finding.Severity]int{}
	for i := range r.Findings {
		counts[r.Findings[i].Severity]++
	}
	var parts []string
	severities := finding.Severities()
	slices.Reverse(severities)
	for _, s := range severities {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[s], strings.ToLower(string(s))))
		}
	}
	switch gaps := r.Gaps(); {
	case len(r.Findings) > 0:
		fmt.Fprintf(t.out, "%d vulnerabilities: %s", len(r.Findings), strings.Join(parts, ", "))
		if hidden > 0 {
			fmt.Fprintf(t.out, " (informational ones are shown with --all)")
		}
		fmt.Fprintln(t.out)
	case len(r.Coverage) == 0:
		fmt.Fprintln(t.out, "Nothing to judge: no packages were found.")
	case !slices.ContainsFunc(r.Coverage, scanner.Coverage.Judges):
		fmt.Fprintln(t.out, "Nothing could be judged.")
	case len(gaps) > 0:
		fmt.Fprintln(t.out, "No vulnerabilities are known in the part that could be judged.")
	default:
		fmt.Fprintln(t.out, "No known vulnerabilities.")
	}
}

// coverage says what was judged by what, and what was not.
func (t *tabular) coverage(r *scanner.Result) {
	if len(r.Coverage) > 0 {
		fmt.Fprintln(t.out)
		rows := [][]string{{"JUDGED", "PACKAGES", "ADVISORIES", "NEWEST", "REMARK"}}
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
		t.rows(rows)
	}
	for _, n := range r.Notes {
		fmt.Fprintln(t.out, "note: "+plain(n))
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
	if !c.SupportedUntil.IsZero() {
		parts = append(parts, "supported until "+c.SupportedUntil.Format(time.DateOnly))
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
	for _, w := range e.Withdrawn {
		fmt.Fprintf(t.out, "  %s\n", plain(w))
	}
	if len(e.Decisions) == 0 {
		fmt.Fprintln(t.out, "  No advisory at hand connects it with any package of this target.")
	}
	for _, d := range e.Decisions {
		word := "not reported"
		if d.Reported {
			word = "reported"
		}
		fmt.Fprintf(t.out, "  %s %s (%s): %s", plain(d.Item.Name), plain(d.Item.Version), plain(d.Item.Ecosystem), word)
		if d.Reason != "" {
			fmt.Fprintf(t.out, ", because %s", plain(d.Reason))
		}
		fmt.Fprintln(t.out)
		for _, where := range []string{d.Item.Path, d.Item.Layer} {
			if where != "" {
				fmt.Fprintf(t.out, "    in %s\n", plain(where))
			}
		}
		for _, j := range d.Judgements {
			fmt.Fprintf(t.out, "    %s: %s: %s compared as %s %s with %s\n",
				plain(j.Advisory), j.Reason, plain(j.Package), j.Comparator, plain(j.Compared), plain(j.Range))
		}
	}
}

// plain drops control characters: cells hold publishers' and strangers' words.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return ' '
		}
		return r
	}, s)
}
