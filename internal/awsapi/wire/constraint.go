package wire

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"muster/internal/awsmodel"
)

// broken is one rule that a value breaks, and its sentence.
type broken struct {
	rule     Rule
	sentence string
}

// checkString returns the rules of a string shape that the value breaks. A
// string may not hold NUL: neither XML nor PostgreSQL could carry it.
func (s *compiled) checkString(v string) []broken {
	var out []broken
	if s.HasMin || s.HasMax {
		out = s.checkSize(utf8.RuneCountInString(v), out)
	}
	if s.pattern != nil && !s.pattern.ok(v) {
		out = append(out, broken{BadPattern, patternText(s.Shape)})
	}
	if s.Enum != nil && !contains(s.Enum, v) {
		out = append(out, broken{BadEnum, enumText(s.Shape)})
	}
	if strings.IndexByte(v, 0) >= 0 {
		out = append(out, broken{BadPattern, "Member must not contain the character U+0000"})
	}
	return out
}

// checkSize checks a length: characters, elements, entries or bytes.
func (s *compiled) checkSize(n int, out []broken) []broken {
	if s.HasMax && float64(n) > s.Max {
		out = append(out, broken{TooLong, maxLengthText(s.Shape)})
	}
	if s.HasMin && float64(n) < s.Min {
		out = append(out, broken{TooShort, minLengthText(s.Shape)})
	}
	return out
}

func (s *compiled) checkNumber(v float64) []broken {
	var out []broken
	if s.HasMax && v > s.Max {
		out = append(out, broken{TooLarge, maxValueText(s.Shape)})
	}
	if s.HasMin && v < s.Min {
		out = append(out, broken{TooSmall, minValueText(s.Shape)})
	}
	return out
}

// constraints lists every constraint of a plain shape, as AWS does when an
// element of a list breaks one of them.
func constraints(s *awsmodel.Shape) string {
	var all []string
	numeric := s.Kind == awsmodel.Integer || s.Kind == awsmodel.Long || s.Kind == awsmodel.Double
	if s.HasMax && numeric {
		all = append(all, maxValueText(s))
	} else if s.HasMax {
		all = append(all, maxLengthText(s))
	}
	if s.HasMin && numeric {
		all = append(all, minValueText(s))
	} else if s.HasMin {
		all = append(all, minLengthText(s))
	}
	if s.Pattern != "" {
		all = append(all, patternText(s))
	}
	if s.Enum != nil {
		all = append(all, enumText(s))
	}
	if len(all) == 0 {
		all = append(all, "Member must not be null")
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func patternText(s *awsmodel.Shape) string {
	return "Member must satisfy regular expression pattern: " + s.Pattern
}

func enumText(s *awsmodel.Shape) string {
	return "Member must satisfy enum value set: [" + strings.Join(s.Enum, ", ") + "]"
}

func maxLengthText(s *awsmodel.Shape) string {
	return "Member must have length less than or equal to " + number(s.Max)
}

func minLengthText(s *awsmodel.Shape) string {
	return "Member must have length greater than or equal to " + number(s.Min)
}

func maxValueText(s *awsmodel.Shape) string {
	return "Member must have value less than or equal to " + number(s.Max)
}

func minValueText(s *awsmodel.Shape) string {
	return "Member must have value greater than or equal to " + number(s.Min)
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// contains beats a map for the short lists that enumerations are.
func contains(list []string, v string) bool {
	for _, s := range list {
		if s == v {
			return true
		}
	}
	return false
}

// typeText names what a shape takes, for a value of a wrong type.
func typeText(k awsmodel.Kind) string {
	switch k {
	case awsmodel.Structure:
		return "Member must be a structure"
	case awsmodel.List:
		return "Member must be a list"
	case awsmodel.Map:
		return "Member must be a map"
	case awsmodel.String:
		return "Member must be a string"
	case awsmodel.Integer:
		return "Member must be a 32-bit integer"
	case awsmodel.Long:
		return "Member must be a 64-bit integer"
	case awsmodel.Double:
		return "Member must be a finite number"
	case awsmodel.Boolean:
		return "Member must be true or false"
	case awsmodel.Timestamp:
		return "Member must be a timestamp"
	case awsmodel.Blob:
		return "Member must be base64-encoded"
	}
	return "Member must be a JSON value"
}
