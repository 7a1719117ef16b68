package quality

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"muster/internal/inventory"
	"muster/internal/scanner"
)

// Comparison is how a target's hits compare with the peer's.
type Comparison struct {
	// Common hits, by source package; Reasons count the differences.
	Common  int
	Reasons map[string]int
	// Unexplained are the differences that nobody has looked into.
	Unexplained []Difference
	// Ours and Theirs are the hits of each; Took is the peer's time.
	Ours, Theirs int
	Took         time.Duration
}

// Against compares a result with what the peer finds on the same target.
func (p *Peer) Against(ctx context.Context, w World, t Target, r *scanner.Result) (Comparison, error) {
	begun := time.Now()
	theirs, theirPackages, err := p.Scan(ctx, w, t)
	if err != nil {
		return Comparison{}, err
	}
	took := time.Since(begun)
	ours := hits(r)
	common, differences := Compare(ours, theirs, packagesOf(r.Inventory.Items), theirPackages)
	c := Comparison{Common: common, Reasons: map[string]int{}, Ours: len(perSource(ours)), Theirs: len(theirs), Took: took}
	for _, d := range differences {
		reason, ok := Explain(d, t, r)
		if !ok {
			c.Unexplained = append(c.Unexplained, d)
			continue
		}
		c.Reasons[reason.Name]++
	}
	return c, nil
}

func packagesOf(items []inventory.Item) map[string]bool {
	names := map[string]bool{}
	for _, it := range items {
		names[packageName(Hit{Ecosystem: it.Ecosystem, Name: it.Name})] = true
		names[packageName(Hit{Ecosystem: it.Ecosystem, Name: it.Source})] = true
	}
	return names
}

// Tell writes a comparison, with what is not explained in full.
func (c Comparison) Tell(out io.Writer, name string) {
	fmt.Fprintf(out, "%s: %d common, ours %d, theirs %d\n", name, c.Common, c.Ours, c.Theirs)
	for _, reason := range slices.Sorted(maps.Keys(c.Reasons)) {
		fmt.Fprintf(out, "    %4d %s\n", c.Reasons[reason], reason)
	}
	slices.SortFunc(c.Unexplained, func(a, b Difference) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.IDs[0], b.IDs[0])) })
	for _, d := range c.Unexplained {
		side := "only theirs"
		if d.Ours {
			side = "only ours"
		}
		fmt.Fprintf(out, "    UNEXPLAINED %s: %s %s %s %v\n", side, d.Ecosystem, d.Name, d.Version, d.IDs)
	}
}
