package tell

import (
	"fmt"
	"io"
	"strings"

	"muster/internal/network"
	"muster/internal/network/exposure"
	"muster/internal/network/space"
)

// Connections writes who can begin flows to whom, one line each.
func Connections(w io.Writer, list []network.Connection) error {
	p := &printer{w: w}
	if len(list) == 0 {
		p.line("nothing can reach anything")
	}
	for i := range list {
		doubt := ""
		if !list[i].Certain {
			doubt = "  (not certain)"
		}
		p.line("%s → %s: %s%s", list[i].From, list[i].To, list[i].Text(), doubt)
	}
	return p.err
}

// Changes writes what differs between two snapshots: + is open now, - was
// open before.
func Changes(w io.Writer, list []network.Change) error {
	p := &printer{w: w}
	if len(list) == 0 {
		p.line("nothing changed")
	}
	for _, c := range list {
		if c.Before != "" {
			p.line("- %s → %s: %s", c.From, c.To, c.Before)
		}
		if c.After != "" {
			p.line("+ %s → %s: %s", c.From, c.To, c.After)
		}
	}
	return p.err
}

// Findings writes what is exposed, the way there and what to change.
func Findings(w io.Writer, list []exposure.Finding) error {
	p := &printer{w: w}
	if len(list) == 0 {
		p.line("nothing is exposed")
	}
	for i := range list {
		f := &list[i]
		service := ""
		if f.Service != "" {
			service = " (" + f.Service + ")"
		}
		what := string(f.Instance)
		if what == "" {
			what = string(f.Interface)
		}
		p.line("%-13s %s: %s%s", f.Severity, what, f.Title, service)
		p.line("  from   %s", sources(f.Sources))
		var ids []string
		for _, s := range f.Network.Path {
			ids = append(ids, s.ID)
		}
		p.line("  path   %s", strings.Join(ids, " → "))
		p.line("  to do  %s", f.Remediation)
		for _, n := range f.Notes {
			p.line("  note   %s", n)
		}
	}
	return p.err
}

// sources keeps a long list of blocks short.
func sources(set space.Set) string {
	const most = 6
	first, more := set.Some(most)
	var texts []string
	for _, p := range first {
		texts = append(texts, p.String())
	}
	text := strings.Join(texts, ", ")
	if more > 0 {
		text += fmt.Sprintf(" … (%d blocks)", len(first)+more)
	}
	return text
}
