package ubuntu

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/feed"
)

// Bounds of a file. The largest real ones, about kernels, have 100 kB.
const (
	maxBytes = 16 << 20
	maxLine  = 1 << 20
	maxText  = 1024
)

// ErrFile says that bytes are not a file of the tracker.
var ErrFile = errors.New("not a file of Ubuntu's CVE tracker")

// Parse reads the file of one CVE. The record's id is OSV's,
// "UBUNTU-CVE-2023-4911"; it has an entry per source package and release that
// the tracker says something about, in the order of the file.
func Parse(r io.Reader) (advisory.Advisory, error) {
	data, err := feed.ReadAll(r, maxBytes)
	if err != nil {
		return advisory.Advisory{}, err
	}
	f := file{priorities: map[string]string{}}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(make([]byte, 4<<10), maxLine)
	for lines.Scan() {
		f.line(strings.TrimRight(lines.Text(), " \t\r"))
	}
	if err := lines.Err(); err != nil {
		return advisory.Advisory{}, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if !advisory.IsCVE(f.cve) {
		return advisory.Advisory{}, fmt.Errorf("%w: candidate %.40q is not a CVE id", ErrFile, f.cve)
	}
	return f.advisory(), nil
}

// file is what has been read so far.
type file struct {
	// field is the one that indented lines continue.
	field       string
	cve         string
	published   time.Time
	description []string
	references  []advisory.Reference
	severity    []advisory.Severity
	// priorities are words by source package, "" for all others.
	priorities map[string]string
	states     []advisory.Affected
	withdrawn  bool
}

// line reads "Field: value", what continues a field, or a state.
func (f *file) line(text string) {
	if text == "" || text[0] == '#' {
		return
	}
	if text[0] == ' ' || text[0] == '\t' {
		f.more(strings.TrimSpace(text))
		return
	}
	name, value, ok := strings.Cut(text, ":")
	if !ok {
		return
	}
	f.field, value = name, strings.TrimSpace(value)
	source, isPriority := strings.CutPrefix(name, "Priority_")
	switch {
	case name == "Candidate":
		f.cve = value
	case name == "PublicDate":
		f.published = date(value)
	case name == "Priority":
		f.priorities[""] = firstWord(value)
	case isPriority:
		f.priorities[source] = firstWord(value)
	case value != "":
		f.state(name, value)
	}
}

// more reads an indented line.
func (f *file) more(text string) {
	switch f.field {
	case "Description":
		f.description = append(f.description, text)
		f.withdrawn = f.withdrawn || strings.HasPrefix(text, "** REJECT **") || strings.HasPrefix(text, "Rejected reason:")
	case "References":
		if strings.HasPrefix(text, "http") {
			f.references = append(f.references, advisory.Reference{Type: "REPORT", URL: firstWord(text)})
		}
	case "CVSS":
		f.rate(text)
	}
}

// rate reads "nvd: CVSS:3.1/AV:L/… [7.8 HIGH]".
func (f *file) rate(text string) {
	_, rest, _ := strings.Cut(text, ":")
	vector := firstWord(strings.TrimSpace(rest))
	kind := ""
	switch {
	case len(vector) > 256:
	case strings.HasPrefix(vector, "CVSS:3."):
		kind = "CVSS_V3"
	case strings.HasPrefix(vector, "CVSS:4."):
		kind = "CVSS_V4"
	}
	if rating := (advisory.Severity{Type: kind, Score: vector}); kind != "" && !slices.Contains(f.severity, rating) {
		f.severity = append(f.severity, rating)
	}
}

// state reads "jammy_glibc: released (2.35-0ubuntu3.4)".
func (f *file) state(name, value string) {
	release, source, ok := strings.Cut(name, "_")
	ecosystem, known := Ecosystem(release)
	if !ok || !known || source == "" || len(source) > maxText {
		return
	}
	word, note, _ := strings.Cut(value, "(")
	note = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(note), ")"))
	e, known := entry(strings.TrimSpace(word), note)
	if !known || len(note) > maxText {
		return
	}
	e.Ecosystem, e.Name = ecosystem, source
	f.states = append(f.states, e)
}

func (f *file) advisory() advisory.Advisory {
	out := advisory.Advisory{
		ID: "UBUNTU-" + f.cve, Upstream: []string{f.cve}, Published: f.published, Modified: f.published,
		Details: strings.Join(f.description, "\n"), Severity: f.severity, References: f.references, Affected: f.states,
	}
	out.References = append([]advisory.Reference{{Type: "REPORT", URL: "https://ubuntu.com/security/" + f.cve}}, out.References...)
	if f.withdrawn {
		out.Withdrawn = f.published
	}
	for i := range out.Affected {
		e := &out.Affected[i]
		priority, ok := f.priorities[e.Name]
		if !ok {
			priority = f.priorities[""]
		}
		if priority != "untriaged" {
			e.Word = priority
		}
	}
	return out
}

// firstWord is what precedes a blank, at most 256 bytes of it.
func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word[:min(len(word), 256)]
}

// date reads "2023-10-03 18:15:00 UTC" or "2023-10-03"; zero for other forms.
func date(s string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04:05 UTC", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}
