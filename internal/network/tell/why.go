// Package tell writes the answers about networks for people: which component
// and which rule, and what would change it, readable in a minute.
package tell

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"muster/internal/network"
	"muster/internal/network/facts"
	"muster/internal/network/space"
)

// maxFlows is how many flows a text shows; JSON has all.
const maxFlows = 20

// printer gathers the first error of many writes.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// Why writes an answer as text.
func Why(w io.Writer, a *network.Answer) error {
	p := &printer{w: w}
	verdict := "NO"
	if a.Reachable {
		verdict = "YES"
	}
	p.line("%s: %s → %s, %s%s", verdict, a.Source, a.Destination, a.Asked, confidence(a))
	open := 0
	for i := range a.Flows {
		if a.Flows[i].Open != nil {
			open++
		}
	}
	shown := a.Flows
	if open > 0 {
		// What is closed besides interests nobody who asked what is open.
		shown = a.Flows[:open]
	}
	for i := range shown[:min(len(shown), maxFlows)] {
		p.flow(&shown[i])
	}
	if left := len(shown) - maxFlows + a.Left; left > 0 {
		p.line("\nand %d more pairs (--format json lists them)", left)
	}
	if open > 0 && open < len(a.Flows) {
		p.line("\n%d other pairs or ways are closed (--format json lists them)", len(a.Flows)-open)
	}
	p.behind(a.Behind)
	for i, text := range a.Facts {
		if i == 0 {
			p.line("")
		}
		p.line("%s", text)
	}
	return p.err
}

// behind writes what becomes of flows to a load balancer: the targets that they
// get to in a line each, the others with what stops them.
func (p *printer) behind(targets []network.Flow) {
	if len(targets) == 0 {
		return
	}
	open := 0
	for i := range targets {
		if targets[i].Open != nil {
			open++
		}
	}
	p.line("\nbehind it, %d of %d targets are reached", open, len(targets))
	for i := range targets[:min(len(targets), maxFlows)] {
		f := &targets[i]
		health := ""
		if f.Health != "" {
			health = " (" + f.Health + ")"
		}
		if f.Open == nil {
			p.flow(f)
			continue
		}
		p.line("  reached   %s port %s%s", f.To, space.PortsText(f.Open[0].Ports), health)
		for _, r := range f.Rules {
			p.line("            %s %s", component(r.Component), r.Text)
		}
	}
	if left := len(targets) - maxFlows; left > 0 {
		p.line("  and %d more (--format json lists them)", left)
	}
}

func confidence(a *network.Answer) string {
	switch a.Confidence {
	case "unknown":
		return " — not certain: a component decides whose rules are not known"
	case "assumed":
		return " — as far as the facts go"
	}
	return ""
}

func (p *printer) flow(f *network.Flow) {
	through := ""
	if f.Through != "" {
		through = " by " + f.Through
	}
	p.line("\n%s → %s%s: %s", f.From, f.To, through, f.Outcome)
	for _, o := range f.Open {
		p.line("  open      %s", o.Text())
	}
	for i, o := range f.Obstacles {
		label := "stopped"
		if i > 0 {
			label = "and"
		}
		reply := ""
		if o.Reply {
			reply = " (replies)"
		}
		p.line("  %-9s at %s%s: %s", label, component(o.Component), reply, o.Reason)
	}
	label := "to open"
	if f.Open != nil {
		label = "to close"
	}
	for _, c := range f.Changes {
		p.line("  %-9s %s", label, c)
	}
	label = "command"
	for _, c := range f.Commands {
		p.line("  %-9s %s", label, c)
	}
	if f.Witness != nil {
		p.line("  example   %s", packetText(f.Witness))
	}
	p.way("way", f.Path)
	p.way("replies", f.Return)
	for _, text := range f.Doubts {
		p.line("  unknown   %s", text)
	}
	for _, text := range f.Assumed {
		p.line("  assumed   %s", text)
	}
}

// way writes the components of a path, one line each.
func (p *printer) way(label string, hops []network.Hop) {
	for i, h := range hops {
		if i > 0 {
			label = ""
		}
		detail := ""
		if h.Detail != "" {
			detail = "  " + h.Detail
		}
		p.line("  %-9s %s%s", label, component(h), detail)
	}
}

// component names a hop by its id, and by its kind where it has none.
func component(h network.Hop) string {
	kind := h.Type[strings.LastIndexByte(h.Type, ':')+1:]
	switch {
	case h.ID == "":
		return "the " + cmp.Or(kind, "way")
	case kind == "":
		return string(h.ID)
	}
	return kind + " " + string(h.ID)
}

func packetText(k *network.Packet) string {
	if k.Protocol == facts.TCP || k.Protocol == facts.UDP {
		return fmt.Sprintf("%s %s port %d → %s port %d", network.ProtocolName(k.Protocol), k.Source, k.SourcePort, k.Destination, k.DestinationPort)
	}
	return fmt.Sprintf("%s %s → %s", network.ProtocolName(k.Protocol), k.Source, k.Destination)
}
