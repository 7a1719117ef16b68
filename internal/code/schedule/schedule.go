// Package schedule reads the cron expressions of AWS and finds when they fall
// due next: cron(minutes hours day-of-month month day-of-week year), in UTC.
package schedule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schedule is when something falls due.
type Schedule struct {
	minutes, hours, months, years set
	// One of both decides about days; the other is "?".
	ofMonth, ofWeek *days
}

// set are the numbers that a field names.
type set map[int]bool

// days are the days that a field names.
type days struct {
	set
	// last is the last day of the month, or, with a weekday, the last one of
	// its name; nearest is the working day nearest to a date.
	last    bool
	lastOf  set
	nearest int
	// nth are weekdays of the month by their number: the second Monday.
	nth map[int]int
}

// maxYear is the last year that expressions may name.
const maxYear = 2199

// Parse reads an expression.
func Parse(text string) (Schedule, error) {
	inner, ok := strings.CutPrefix(strings.TrimSpace(text), "cron(")
	inner, closed := strings.CutSuffix(inner, ")")
	fields := strings.Fields(inner)
	if !ok || !closed || len(fields) != 6 {
		return Schedule{}, errors.New("an expression is cron(minutes hours day-of-month month day-of-week year)")
	}
	var s Schedule
	var err error
	for _, f := range []struct {
		name     string
		text     string
		from, to int
		names    string
		into     *set
	}{
		{"minutes", fields[0], 0, 59, "", &s.minutes}, {"hours", fields[1], 0, 23, "", &s.hours},
		{"month", fields[3], 1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", &s.months},
		{"year", fields[5], 1970, maxYear, "", &s.years},
	} {
		if *f.into, err = parseSet(f.text, f.from, f.to, f.names); err != nil {
			return s, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return s, errors.New("either the day of the month or the day of the week is ?")
	}
	if fields[2] != "?" {
		s.ofMonth, err = parseOfMonth(fields[2])
	} else {
		s.ofWeek, err = parseOfWeek(fields[4])
	}
	return s, err
}

func parseOfMonth(text string) (d *days, err error) {
	d = &days{}
	before, workday := strings.CutSuffix(text, "W")
	switch {
	case text == "L":
		d.last = true
	case workday:
		d.nearest, err = number(before, 1, 31, "")
	default:
		d.set, err = parseSet(text, 1, 31, "")
	}
	if err != nil {
		err = fmt.Errorf("day of the month: %w", err)
	}
	return d, err
}

const weekdays = "SUN MON TUE WED THU FRI SAT"

func parseOfWeek(text string) (d *days, err error) {
	d = &days{}
	if name, nth, ok := strings.Cut(text, "#"); ok {
		day, err := number(name, 1, 7, weekdays)
		n, also := number(nth, 1, 5, "")
		d.nth = map[int]int{day: n}
		return d, errors.Join(err, also)
	}
	if name, ok := strings.CutSuffix(text, "L"); ok && name != "" {
		day, err := number(name, 1, 7, weekdays)
		d.lastOf = set{day: true}
		return d, err
	}
	if text == "L" {
		d.set = set{7: true}
		return d, nil
	}
	if d.set, err = parseSet(text, 1, 7, weekdays); err != nil {
		err = fmt.Errorf("day of the week: %w", err)
	}
	return d, err
}

// number reads a number or, where there are names, one of them.
func number(text string, from, to int, names string) (int, error) {
	for i, n := range strings.Fields(names) {
		if strings.EqualFold(n, text) {
			return from + i, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < from || n > to {
		return 0, fmt.Errorf("%q is not between %d and %d", text, from, to)
	}
	return n, nil
}

// parseSet reads numbers, ranges and steps, separated by commas.
func parseSet(text string, from, to int, names string) (set, error) {
	all := set{}
	for part := range strings.SplitSeq(text, ",") {
		part, step, err := cutStep(part, to)
		if err != nil {
			return nil, err
		}
		first, last, err := bounds(part, step > 0, from, to, names)
		if err != nil {
			return nil, err
		}
		for n := first; n <= last; n += max(step, 1) {
			all[n] = true
		}
	}
	return all, nil
}

// cutStep cuts the step off; 0 is none.
func cutStep(part string, to int) (rest string, step int, err error) {
	rest, by, stepped := strings.Cut(part, "/")
	if stepped {
		step, err = number(by, 1, to, "")
	}
	return rest, step, err
}

func bounds(part string, stepped bool, from, to int, names string) (first, last int, err error) {
	if part == "*" {
		return from, to, nil
	}
	low, high, ranged := strings.Cut(part, "-")
	if first, err = number(low, from, to, names); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		if last, err = number(high, from, to, names); err == nil && last < first {
			err = fmt.Errorf("%q ends before it begins", part)
		}
	case stepped:
		last = to
	default:
		last = first
	}
	return first, last, err
}

// horizon bounds the search: an expression may name a day that never comes.
const horizon = 30 * 366

// Next is the first time after another at which the schedule falls due; ok is
// false when there is none within thirty years.
func (s Schedule) Next(after time.Time) (at time.Time, ok bool) {
	after = after.UTC()
	day := time.Date(after.Year(), after.Month(), after.Day(), 0, 0, 0, 0, time.UTC)
	for range horizon {
		if s.years[day.Year()] && s.months[int(day.Month())] && s.onDay(day) {
			for minute := range 24 * 60 {
				at := day.Add(time.Duration(minute) * time.Minute)
				if at.After(after) && s.hours[minute/60] && s.minutes[minute%60] {
					return at, true
				}
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

func (s Schedule) onDay(day time.Time) bool {
	final := day.AddDate(0, 1, -day.Day()).Day()
	if d := s.ofMonth; d != nil {
		return d.set[day.Day()] || d.last && day.Day() == final || d.nearest > 0 && day.Day() == workday(day, d.nearest, final)
	}
	d, name := s.ofWeek, int(day.Weekday())+1
	return d.set[name] || d.lastOf[name] && day.Day()+7 > final || d.nth[name] > 0 && (day.Day()-1)/7+1 == d.nth[name]
}

// workday is the working day of a month that is nearest to a date, within the
// month.
func workday(in time.Time, date, final int) int {
	date = min(date, final)
	switch time.Date(in.Year(), in.Month(), date, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if date > 1 {
			return date - 1
		}
		return date + 2
	case time.Sunday:
		if date < final {
			return date + 1
		}
		return date - 2
	}
	return date
}
