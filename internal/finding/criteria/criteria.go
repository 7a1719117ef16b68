// Package criteria is the language of finding filters: the 46 criteria of
// Inspector's FilterCriteria (findings interfaces, 7.2) as plain values. What
// they mean is worked out twice, in memory by package suppress and in SQL by
// store/findings; a property test holds the two together.
package criteria

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"muster/internal/finding"
)

// Attribute is the name of one criterion, as on the wire.
type Attribute string

// Comparison is how a string filter compares.
type Comparison string

// The comparisons. All are case-sensitive.
const (
	Equals    Comparison = "EQUALS"
	Prefix    Comparison = "PREFIX"
	NotEquals Comparison = "NOT_EQUALS"
)

// String compares a text. Several filters of one criterion combine so: those
// with EQUALS and PREFIX by "or", those with NOT_EQUALS by "and", the two
// groups by "and". A finding without the attribute fails EQUALS and PREFIX
// and passes NOT_EQUALS.
type String struct {
	Comparison Comparison `json:"comparison"`
	Value      string     `json:"value"`
}

// Date is a span of time, both ends included; a nil end is open. Times are
// compared as answers show them, in whole milliseconds, so that what was read
// from one finds what it was read from.
type Date struct {
	Start *time.Time `json:"start,omitempty"`
	End   *time.Time `json:"end,omitempty"`
}

// Micros are the first and the last microsecond since 1970 that the span
// includes; a nil one is open.
func (d Date) Micros() (first, last *int64) {
	if d.Start != nil {
		first = new(-1000 * floor(-d.Start.UnixMicro()))
	}
	if d.End != nil {
		last = new(1000*floor(d.End.UnixMicro()) + 999)
	}
	return first, last
}

// floor is the millisecond that a microsecond belongs to.
func floor(micros int64) int64 { return time.UnixMicro(micros).UnixMilli() }

// Number is a range, both ends included; a nil end is open.
type Number struct {
	Lower *float64 `json:"lower,omitempty"`
	Upper *float64 `json:"upper,omitempty"`
}

// Tag asks for a resource tag; without a value the key alone counts.
type Tag struct {
	Key   string  `json:"key"`
	Value *string `json:"value,omitempty"`
}

// Ports matches findings whose open ports overlap the range; a nil end is
// open.
type Ports struct {
	Begin *int32 `json:"begin,omitempty"`
	End   *int32 `json:"end,omitempty"`
}

// Package asks for one vulnerable package that meets all members given.
type Package struct {
	Strings map[Attribute]String `json:"strings,omitempty"`
	Epoch   *Number              `json:"epoch,omitempty"`
}

// Criteria are the filters of a query or of a suppression rule. Different
// attributes combine by "and". An attribute with an empty list matches
// everything; the desks refuse such lists before. The zero value matches
// every finding.
type Criteria struct {
	Strings  map[Attribute][]String `json:"strings,omitempty"`
	Dates    map[Attribute][]Date   `json:"dates,omitempty"`
	Numbers  map[Attribute][]Number `json:"numbers,omitempty"`
	Tags     []Tag                  `json:"resourceTags,omitempty"`
	Ports    []Ports                `json:"portRange,omitempty"`
	Packages []Package              `json:"vulnerablePackages,omitempty"`
}

// Empty reports whether the criteria match every finding.
func (c *Criteria) Empty() bool {
	return len(c.Strings)+len(c.Dates)+len(c.Numbers)+len(c.Tags)+len(c.Ports)+len(c.Packages) == 0
}

// Encode is the stored form of the criteria; Decode reads it.
func (c *Criteria) Encode() (string, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode filter criteria: %w", err)
	}
	return string(b), nil
}

// Decode reads what Encode wrote.
func Decode(s string) (Criteria, error) {
	var c Criteria
	if err := json.Unmarshal([]byte(s), &c); err != nil {
		return c, fmt.Errorf("decode filter criteria: %w", err)
	}
	return c, nil
}

// Check reports the first filter that can never be meant: an unknown
// attribute, or a value that an enumerated attribute never has. attribute is
// its name; the error says what is wrong with it.
func (c *Criteria) Check() (attribute Attribute, err error) {
	for _, a := range sortedKeys(c.Strings) {
		if _, known := StringAttributes()[a]; !known {
			return a, fmt.Errorf("%s is no criterion of texts", a)
		}
		for _, f := range c.Strings[a] {
			if err := check(a, f); err != nil {
				return a, err
			}
		}
	}
	for _, a := range sortedKeys(c.Dates) {
		if !slices.Contains(DateAttributes(), a) {
			return a, fmt.Errorf("%s is no criterion of times", a)
		}
	}
	for _, a := range sortedKeys(c.Numbers) {
		if !slices.Contains(NumberAttributes(), a) {
			return a, fmt.Errorf("%s is no criterion of numbers", a)
		}
	}
	return "", nil
}

func check(a Attribute, f String) error {
	allowed := StringAttributes()[a]
	if len(allowed) > 0 && f.Comparison != Prefix && !slices.Contains(allowed, f.Value) {
		return fmt.Errorf("%q is none of %v", f.Value, allowed)
	}
	return nil
}

func sortedKeys[V any](m map[Attribute]V) []Attribute {
	keys := make([]Attribute, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// severities are the words that the criterion "severity" knows.
func severities() []string {
	var words []string
	for _, s := range finding.Severities() {
		words = append(words, string(s))
	}
	return words
}
