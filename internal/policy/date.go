package policy

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The years that IAM can tell, which count milliseconds in 64 bits.
const (
	firstYear = -292275054
	lastYear  = 292278993
)

// dateForm is ISO 8601 as IAM reads it: every part but the year may be left
// out from the end, numbers need no leading zeros, letters are of either case.
// A year alone is one only with four digits, a minus or a T: any other number
// counts seconds.
var dateForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(-?\d{1,9})(?:-(\d{1,2})(?:-(\d{1,2}))?)?` +
		`(?:T(?:(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$`)
})

// date reads a time as seconds since 1970.
func date(s string) (float64, bool) {
	s = strings.ToUpper(s)
	if !strings.ContainsAny(s, "-T") && len(s) != len("2006") {
		seconds, ok := number(s)
		return seconds, ok && math.Abs(seconds) < 1<<63
	}
	m := dateForm().FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	year := part(m[1], firstYear, lastYear)
	month, day := part(or(m[2], "1"), 1, 12), part(or(m[3], "1"), 1, 31)
	hour, minute, second := part(or(m[4], "0"), 0, 23), part(or(m[5], "0"), 0, 59), part(or(m[6], "0"), 0, 59)
	zone := offset(m[8])
	fraction, err := strconv.ParseFloat("0."+or(m[7], "0"), 64)
	if year == bad || month == bad || day == bad || hour == bad || minute == bad || second == bad || zone == bad || err != nil {
		return 0, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return float64(t.Unix()-int64(zone)) + fraction, true
}

// bad is no part of any date.
const bad = math.MinInt

func part(s string, low, high int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return bad
	}
	return n
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// offset is a time zone's distance from UTC in seconds.
func offset(zone string) int {
	if zone == "" || zone == "Z" {
		return 0
	}
	digits := strings.ReplaceAll(zone[1:], ":", "")
	hours, minutes := part(digits[:2], 0, 23), part(or(digits[2:], "0"), 0, 59)
	switch {
	case hours == bad || minutes == bad:
		return bad
	case zone[0] == '-':
		return -(hours*60 + minutes) * 60
	}
	return (hours*60 + minutes) * 60
}
