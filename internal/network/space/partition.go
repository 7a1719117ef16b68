package space

import (
	"cmp"
	"slices"
)

// Partition finds the members of a family of disjoint sets, its parts, that
// other sets meet.
type Partition struct {
	v4    []cell[ip4]
	v6    []cell[ip6]
	parts int
}

// cell is a span of one part.
type cell[P point[P]] struct {
	span[P]
	part int
}

// Divide makes a partition of disjoint sets, whose indexes number the parts.
func Divide(sets []Set) Partition {
	p := Partition{parts: len(sets)}
	for i, s := range sets {
		p.v4, p.v6 = addCells(p.v4, s.v4, i), addCells(p.v6, s.v6, i)
	}
	sortCells(p.v4)
	sortCells(p.v6)
	return p
}

func addCells[P point[P]](cells []cell[P], list []span[P], part int) []cell[P] {
	for _, r := range list {
		cells = append(cells, cell[P]{r, part})
	}
	return cells
}

func sortCells[P point[P]](cells []cell[P]) {
	slices.SortFunc(cells, func(a, b cell[P]) int { return a.from.compare(b.from) })
}

// Share is what a set has in common with one part; Part is -1 for what lies in
// none.
type Share struct {
	Part int
	Set  Set
}

// Split divides a set, by ascending part, what lies in none at the end.
func (p *Partition) Split(s Set) []Share {
	if part, ok := p.only(s); ok {
		return []Share{{part, s}}
	}
	c := collection{at: make([]int32, p.parts+1)}
	split(s.v4, p.v4, func(part int, r span[ip4]) {
		share := c.share(part)
		share.Set.v4 = append(share.Set.v4, r)
	})
	split(s.v6, p.v6, func(part int, r span[ip6]) {
		share := c.share(part)
		share.Set.v6 = append(share.Set.v6, r)
	})
	slices.SortFunc(c.out, func(a, b Share) int { return cmp.Compare(uint(a.Part), uint(b.Part)) })
	return c.out
}

// collection gathers shares; at finds those of a part, counted from 1.
type collection struct {
	at  []int32
	out []Share
}

func (c *collection) share(part int) *Share {
	i := &c.at[part+1]
	if *i == 0 {
		c.out = append(c.out, Share{Part: part})
		*i = int32(len(c.out))
	}
	return &c.out[*i-1]
}

// split calls for each piece of a list with the part that it lies in.
func split[P point[P]](list []span[P], cells []cell[P], each func(part int, r span[P])) {
	if len(list) == 0 {
		return
	}
	k := at(cells, list[0].from)
	for _, r := range list {
		for k < len(cells) && cells[k].to.compare(r.from) < 0 {
			k++
		}
		from, open := r.from, true
		for ; k < len(cells) && cells[k].from.compare(r.to) <= 0; k++ {
			if cells[k].from.compare(from) > 0 {
				each(-1, span[P]{from, cells[k].from.prev()})
				from = cells[k].from
			}
			each(cells[k].part, span[P]{from, earlier(cells[k].to, r.to)})
			if cells[k].to.compare(r.to) >= 0 {
				open = false
				break
			}
			from = cells[k].to.next()
		}
		if open {
			each(-1, span[P]{from, r.to})
		}
	}
}

// at is the first cell that ends at or behind an address.
func at[P point[P]](cells []cell[P], a P) int {
	low, high := 0, len(cells)
	for low < high {
		if middle := (low + high) / 2; cells[middle].to.compare(a) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// Uniform reports whether all of a set lies in one part, or all in none.
func (p *Partition) Uniform(s Set) bool {
	_, ok := p.only(s)
	return ok || s.Empty()
}

// only is the part that holds a set alone.
func (p *Partition) only(s Set) (part int, ok bool) {
	a, found4, ok4 := onlyPart(s.v4, p.v4)
	b, found6, ok6 := onlyPart(s.v6, p.v6)
	switch {
	case !ok4 || !ok6 || !found4 && !found6 || found4 && found6 && a != b:
		return 0, false
	case found4:
		return a, true
	}
	return b, true
}

// onlyPart is the part that holds a list alone; found is false for empty ones.
func onlyPart[P point[P]](list []span[P], cells []cell[P]) (part int, found, ok bool) {
	for i, r := range list {
		here, whole := -1, true
		if k := at(cells, r.from); k < len(cells) && cells[k].from.compare(r.to) <= 0 {
			here, whole = cells[k].part, cells[k].from.compare(r.from) <= 0 && cells[k].to.compare(r.to) >= 0
		}
		if !whole || i > 0 && here != part {
			return 0, true, false
		}
		part = here
	}
	return part, len(list) > 0, true
}
