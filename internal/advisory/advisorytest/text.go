// Package advisorytest serves the tests of what makes advisories.
package advisorytest

import (
	"fmt"
	"strings"

	"muster/internal/advisory"
)

// Text writes records for comparison with an expectation: a line each with its
// id and what it derives from, and below it a line per affected entry.
func Text(records []advisory.Advisory) string {
	var b strings.Builder
	for _, a := range records {
		b.WriteString(a.ID)
		for _, id := range a.Upstream {
			b.WriteString(" " + id)
		}
		for _, s := range a.Severity {
			b.WriteString(" " + s.Score)
		}
		for _, c := range a.CWEs {
			b.WriteString(" " + c)
		}
		if !a.Modified.IsZero() {
			b.WriteString(a.Modified.UTC().Format(" 2006-01-02"))
		}
		b.WriteByte('\n')
		for _, e := range a.Affected {
			b.WriteString("    " + entry(e) + "\n")
		}
	}
	return b.String()
}

func entry(e advisory.Affected) string {
	parts := []string{fmt.Sprintf("%q %s", e.Ecosystem, e.Name)}
	for _, r := range e.Ranges {
		start, end := "", "*)"
		for _, event := range r.Events {
			switch event.Kind {
			case advisory.Introduced:
				start = event.Version
			case advisory.Fixed:
				end = event.Version + ")"
			case advisory.LastAffected, advisory.Limit:
				end = event.Version + "]"
			}
		}
		parts = append(parts, "["+start+", "+end)
	}
	for _, p := range [][2]string{{"module", e.Module}, {"status", string(e.Status)}, {"word", e.Word}, {"arches", strings.Join(e.Arches, ",")}} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+p[1])
		}
	}
	return strings.Join(parts, " ")
}

// Compare returns what differs, "" when the records read as expected. Lines of
// the expectation may be indented by tabs.
func Compare(records []advisory.Advisory, want string) string {
	got := strings.TrimSpace(Text(records))
	var lines []string
	for line := range strings.Lines(want) {
		lines = append(lines, strings.TrimLeft(strings.TrimRight(line, "\n"), "\t"))
	}
	want = strings.TrimSpace(strings.Join(lines, "\n"))
	if got == want {
		return ""
	}
	return fmt.Sprintf("got\n%s\nwant\n%s", got, want)
}

// RoundTrip returns why a record cannot be stored and read again, nil when it
// can.
func RoundTrip(a *advisory.Advisory) error {
	raw, err := advisory.Encode(a)
	if err == nil {
		_, err = advisory.Parse(raw)
	}
	return err
}
