package findings

import (
	"time"

	"muster/internal/finding"
	"muster/internal/store/trend"
)

// dayMoves are what changes to findings add to the numbers of the days on
// which they happen.
type dayMoves map[trend.Key]trend.Moves

// add counts one change; the zero finding is before the first and after the
// last.
func (d dayMoves) add(before, after *finding.Finding, at time.Time) {
	of := after
	if of.Account == "" {
		of = before
	}
	k := trend.Key{Account: of.Account, Region: of.Region, Day: trend.DayOf(at)}
	m := d[k]
	step(open(before), open(after), &m.Opened, &m.Closed)
	step(severe(before), severe(after), &m.SevereOpened, &m.SevereClosed)
	if m != (trend.Moves{}) {
		d[k] = m
	}
}

func step(before, after bool, begun, ended *int64) {
	switch {
	case after && !before:
		*begun++
	case before && !after:
		*ended++
	}
}

func open(f *finding.Finding) bool { return f.Status == finding.Active }

func severe(f *finding.Finding) bool { return open(f) && f.Severity.Rank() >= finding.High.Rank() }
