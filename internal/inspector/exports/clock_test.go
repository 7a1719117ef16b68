package exports_test

import (
	"testing"
	"time"

	"muster/internal/awsmodel/muster"
	"muster/internal/inspector/exports"
	"muster/internal/store"
	"muster/internal/store/storetest"
)

// TestALeapOfTheClockDeletesNoReport: a clock that jumps by a year makes every
// report old; it stays until the clock is believed.
func TestALeapOfTheClockDeletesNoReport(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	s := storetest.Open(t, storetest.SQLite(t), store.Options{Now: func() time.Time { return now }})
	w := newWorld(t, s, false)
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(s.CheckClock(t.Context()))
	w.fill(1)
	if _, err := w.report("CSV", "reports", nil); err != nil {
		t.Fatal(err)
	}
	w.work()
	now = now.AddDate(1, 0, 0)
	w.now = now
	do(s.CheckClock(t.Context()))
	do(w.desk.Jobs()[exports.JobRetention](t.Context(), store.Job{}))
	if list, err := w.desk.ListExports(t.Context(), w.call(), &muster.ListExportsInput{}); err != nil || len(list.Exports) != 1 {
		t.Errorf("after the leap: %+v, %v", list, err)
	}
}
