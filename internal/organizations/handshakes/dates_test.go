package handshakes

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestEndsAreEndsOfMonths: without a date, a transfer ends with the month in
// which it is withdrawn, or in which it begins if that is later; such a date is
// also one that may be asked for.
func TestEndsAreEndsOfMonths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(1_700_000_000, 2_000_000_000).Draw(t, "now"), 0).UTC()
		start := monthAfter(now.AddDate(0, rapid.IntRange(-20, 11).Draw(t, "months"), 0))
		end, err := endDate(nil, start, now)
		if err != nil {
			t.Fatal(err)
		}
		if next := end.Add(time.Millisecond); next.Day() != 1 || !next.Equal(next.Truncate(day)) {
			t.Errorf("%s is no end of a month", end)
		}
		if end.Before(now) || end.Before(start) {
			t.Errorf("%s is before %s or %s", end, now, start)
		}
		if again, err := endDate(&end, start, now); err != nil || !again.Equal(end) {
			t.Errorf("%s as a wish: %s, %v", end, again, err)
		}
		if err := startDate(monthAfter(now.Add(2*day)), now); err != nil {
			t.Errorf("the month after %s: %v", now, err)
		}
	})
}
