package criteria_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/finding/criteria"
	"muster/internal/finding/findingtest"
)

func TestThereAre46Criteria(t *testing.T) {
	n := len(criteria.StringAttributes()) + len(criteria.DateAttributes()) + len(criteria.NumberAttributes())
	if n+3 != 46 { // and tags, ports and packages
		t.Errorf("%d criteria", n+3)
	}
}

func TestEncodeKeepsTheMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := findingtest.Criteria(t)
		text, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := criteria.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := back.Encode()
		if err != nil || again != text || back.Empty() != c.Empty() {
			t.Errorf("%s became %s: %v", text, again, err)
		}
		if len(c.Strings) > 0 && !reflect.DeepEqual(c.Strings, back.Strings) {
			t.Errorf("%v became %v", c.Strings, back.Strings)
		}
	})
}

func TestCheck(t *testing.T) {
	text := func(a criteria.Attribute, c criteria.Comparison, v string) criteria.Criteria {
		return criteria.Criteria{Strings: map[criteria.Attribute][]criteria.String{a: {{Comparison: c, Value: v}}}}
	}
	for name, tc := range map[string]struct {
		c   criteria.Criteria
		bad criteria.Attribute
	}{
		"a severity":           {text(criteria.Severity, criteria.Equals, "HIGH"), ""},
		"no severity":          {text(criteria.Severity, criteria.NotEquals, "high"), criteria.Severity},
		"a prefix of severity": {text(criteria.Severity, criteria.Prefix, "CRIT"), ""},
		"free text":            {text(criteria.Title, criteria.Equals, "anything"), ""},
		"unknown":              {text("color", criteria.Equals, "red"), "color"},
		"a time as a number":   {criteria.Criteria{Numbers: map[criteria.Attribute][]criteria.Number{criteria.UpdatedAt: {{}}}}, criteria.UpdatedAt},
		"a number as a time":   {criteria.Criteria{Dates: map[criteria.Attribute][]criteria.Date{criteria.EPSSScore: {{}}}}, criteria.EPSSScore},
	} {
		if a, err := tc.c.Check(); a != tc.bad || (err == nil) != (tc.bad == "") {
			t.Errorf("%s: %q, %v", name, a, err)
		}
	}
}

func TestDatesAreComparedAsShown(t *testing.T) {
	at := func(micros int64) *time.Time { return new(time.UnixMicro(micros)) }
	for _, tc := range []struct{ start, end, first, last int64 }{
		{1000, 1000, 1000, 1999}, {1001, 1999, 2000, 1999}, {999, 2000, 1000, 2999}, {-1, -1, 0, -1}, {-1000, -1001, -1000, -1001},
	} {
		first, last := criteria.Date{Start: at(tc.start), End: at(tc.end)}.Micros()
		if *first != tc.first || *last != tc.last {
			t.Errorf("%d to %d µs includes %d to %d, want %d to %d", tc.start, tc.end, *first, *last, tc.first, tc.last)
		}
	}
	if first, last := (criteria.Date{}).Micros(); first != nil || last != nil {
		t.Error("an open span has ends")
	}
}
