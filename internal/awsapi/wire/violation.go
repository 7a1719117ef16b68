package wire

import (
	"fmt"
	"strings"
)

// Rule is the kind of a constraint.
type Rule uint8

// The rules a value can break.
const (
	// NotNull: a required member is missing.
	NotNull Rule = iota
	// WrongType: the value has a type that the shape cannot take.
	WrongType
	TooShort
	TooLong
	TooSmall
	TooLarge
	BadPattern
	BadEnum
	// BadElement: something inside a list or map of plain values.
	BadElement
	// BadUnion: a union has no member set, or several.
	BadUnion
)

// Violation is one constraint that a request breaks.
type Violation struct {
	// Path is where, in AWS's form: "filterCriteria.severity.1.member.value".
	Path string
	// Value is what stood there, shortened; HasValue is false where it is
	// missing, has no plain form, or is sensitive.
	Value    string
	HasValue bool
	Rule     Rule
	// Constraint is the sentence "Member must …".
	Constraint string
}

// Message is the clause AWS writes for the violation.
func (v Violation) Message() string {
	const failed = " failed to satisfy constraint: "
	switch {
	case v.Rule == NotNull:
		return "Value null at '" + v.Path + "'" + failed + v.Constraint
	case v.HasValue:
		return "Value '" + v.Value + "' at '" + v.Path + "'" + failed + v.Constraint
	}
	return "Value at '" + v.Path + "'" + failed + v.Constraint
}

// Invalid is a well-formed request that breaks constraints, all of them.
type Invalid struct {
	// Violations are the first MaxViolations in the request's order.
	Violations []Violation
	// Count is how many there are in all.
	Count int
}

// MaxViolations bounds what is reported; the rest is counted.
const MaxViolations = 100

// Error is AWS's message: "2 validation errors detected: …; …".
func (e *Invalid) Error() string {
	noun := "errors"
	if e.Count == 1 {
		noun = "error"
	}
	clauses := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		clauses[i] = v.Message()
	}
	return fmt.Sprintf("%d validation %s detected: %s", e.Count, noun, strings.Join(clauses, "; "))
}

func (e *Invalid) add(v Violation) {
	e.Count++
	if len(e.Violations) < MaxViolations {
		e.Violations = append(e.Violations, v)
	}
}

// SyntaxError is a body that is not even well-formed.
type SyntaxError struct {
	// Offset is the byte at which reading stopped.
	Offset int
	What   string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("the request body is malformed at byte %d: %s", e.Offset, e.What)
}

// shorten bounds what a message echoes.
func shorten(s string) string {
	const most = 256
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "..."
}
