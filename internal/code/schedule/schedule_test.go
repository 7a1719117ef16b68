package schedule_test

import (
	"testing"
	"time"

	"muster/internal/code/schedule"
)

func TestNext(t *testing.T) {
	const form = "2006-01-02 15:04"
	for _, tt := range []struct{ text, after, want string }{
		{"cron(0 0 ? * SUN *)", "2026-11-20 12:00", "2026-11-22 00:00"},
		{"cron(0 0 ? * SUN *)", "2026-11-22 00:00", "2026-11-29 00:00"},
		{"cron(15 10 ? * 2 *)", "2026-11-20 12:00", "2026-11-23 10:15"},
		{"cron(30 4 1 * ? *)", "2026-11-20 12:00", "2026-12-01 04:30"},
		{"cron(30 4 31 * ? *)", "2026-11-20 12:00", "2026-12-31 04:30"},
		{"cron(0 1 L * ? *)", "2026-02-01 00:00", "2026-02-28 01:00"},
		{"cron(0 1 ? * 6L *)", "2026-11-20 12:00", "2026-11-27 01:00"},
		{"cron(0 1 ? * MON#2 *)", "2026-11-20 12:00", "2026-12-14 01:00"},
		{"cron(0 1 15W * ? *)", "2026-11-01 12:00", "2026-11-16 01:00"},
		{"cron(0 1 1W 8 ? *)", "2026-07-31 12:00", "2026-08-03 01:00"},
		{"cron(0/20 8-9 ? * MON-FRI *)", "2026-11-20 09:30", "2026-11-20 09:40"},
		{"cron(0 0 29 2 ? *)", "2026-11-20 12:00", "2028-02-29 00:00"},
		{"cron(0 0 30 2 ? *)", "2026-11-20 12:00", ""},
		{"cron(0 0 1 1 ? 2020)", "2026-11-20 12:00", ""},
	} {
		after, err := time.Parse(form, tt.after)
		if err != nil {
			t.Fatal(err)
		}
		s, err := schedule.Parse(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		at, ok := s.Next(after)
		if got := at.Format(form); ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%s after %s: %s %t, want %s", tt.text, tt.after, got, ok, tt.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, text := range []string{"", "0 0 ? * SUN *", "cron()", "cron(0 0 * * * *)", "cron(0 0 ? * ? *)", "cron(60 0 ? * 1 *)", "cron(0 24 ? * 1 *)",
		"cron(0 0 ? * 8 *)", "cron(0 0 0 * ? *)", "cron(0 0 ? 13 1 *)", "cron(0 0 ? * FRI-MON *)", "cron(0 0 ? * 1 1969)", "cron(0/0 0 ? * 1 *)",
		"cron(0 0 ? * 1#6 *)", "cron(0 0 ? * 1#x *)", "rate(1 day)"} {
		if s, err := schedule.Parse(text); err == nil {
			t.Errorf("%q is taken as %v", text, s)
		}
	}
}

// FuzzParse: what is accepted falls due after the time asked for, if ever.
func FuzzParse(f *testing.F) {
	f.Add("cron(0 0 ? * SUN *)")
	f.Add("cron(0/5 1,2 L 2-4 ? 2026-2030)")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := schedule.Parse(text)
		if err != nil {
			return
		}
		now := time.Date(2026, 11, 20, 12, 34, 56, 0, time.UTC)
		if at, ok := s.Next(now); ok && !at.After(now) {
			t.Errorf("%q is due at %s", text, at)
		}
	})
}
