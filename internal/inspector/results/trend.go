package results

import (
	"context"

	"muster/internal/inspector/desk"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/finding"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/findings"
	"muster/internal/store/trend"
)

// usualDays is how many days a trend has where nobody says.
const usualDays = 30

// GetFindingTrend tells day by day how many findings of the accounts that the
// caller sees were opened, closed or suppressed, and open at the end. It begins
// with the first day on which anything is known to have happened.
func (s *Service) GetFindingTrend(ctx context.Context, call *awsmodel.Call, in *muster.GetFindingTrendInput) (*muster.GetFindingTrendOutput, error) {
	asked := usualDays
	if in.Days != nil {
		asked = int(*in.Days)
	}
	today := trend.DayOf(call.Time)
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*muster.GetFindingTrendOutput, error) {
		moved, err := trend.Since(ctx, tx, scope, call.Region, today-trend.Day(asked)+1)
		if err != nil {
			return nil, err
		}
		tallies, err := findings.Tallies(ctx, tx, scope, call.Region)
		if err != nil {
			return nil, err
		}
		open, severe := openNow(tallies)
		return &muster.GetFindingTrendOutput{Days: daysOf(moved, today, open, severe)}, nil
	})
}

func openNow(tallies []findings.Tally) (open, severe int64) {
	for _, t := range tallies {
		if t.Status != finding.Active {
			continue
		}
		open += t.Count
		if t.Severity.Rank() >= finding.High.Rank() {
			severe += t.Count
		}
	}
	return open, severe
}

// daysOf is every day from the first that something happened on to today. What
// was open is worked out backwards from what is open now.
func daysOf(moved []trend.Moved, today trend.Day, open, severe int64) []muster.TrendDay {
	first := today
	if len(moved) > 0 {
		first = min(first, moved[0].Day)
	}
	days := make([]muster.TrendDay, today-first+1)
	for i := range days {
		days[i].Begin = (first + trend.Day(i)).Time()
	}
	for _, m := range moved {
		if m.Day > today {
			continue // Another process's clock is ahead; today's number has it already.
		}
		d := &days[m.Day-first]
		d.Opened, d.Closed, d.SevereOpened, d.SevereClosed = m.Opened, m.Closed, m.SevereOpened, m.SevereClosed
	}
	for i := len(days) - 1; i >= 0; i-- {
		d := &days[i]
		d.Open, d.SevereOpen = max(open, 0), max(severe, 0)
		open += d.Closed - d.Opened
		severe += d.SevereClosed - d.SevereOpened
	}
	return days
}
