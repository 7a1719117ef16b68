package policy

import (
	"encoding/base64"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// parseOperator reads an operator's name with its modifiers, such as
// "ForAnyValue:StringNotLikeIfExists".
func parseOperator(name string, variables bool) (operator, bool) {
	set := noSet
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		set, name = forAllValues, rest
	} else if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		set, name = forAnyValue, rest
	}
	name, ifExists := strings.CutSuffix(name, "IfExists")
	op, ok := baseOperator(name)
	if !ok || op.null && (ifExists || set != noSet) {
		return operator{}, false
	}
	op.set, op.ifExists = set, ifExists
	op.syntax.variables = variables && !op.null
	return op, true
}

func baseOperator(name string) (operator, bool) {
	if op, ok := stringOperator(name); ok {
		return op, true
	}
	if op, ok := orderOperator(name); ok {
		return op, true
	}
	switch name {
	case "Bool":
		return operator{test: text(strings.EqualFold), valid: isBool}, true
	case "Null":
		return operator{null: true, valid: isBool}, true
	case "BinaryEquals":
		return operator{test: text(sameBinary)}, true
	case "IpAddress":
		return operator{test: text(inNetwork), valid: isNetwork}, true
	case "NotIpAddress":
		return operator{test: text(inNetwork), valid: isNetwork, negated: true}, true
	}
	return operator{}, false
}

func stringOperator(name string) (operator, bool) {
	switch name {
	case "StringEquals":
		return operator{test: matches}, true
	case "StringNotEquals":
		return operator{test: matches, negated: true}, true
	case "StringEqualsIgnoreCase":
		return operator{test: matchesFolded, lower: true}, true
	case "StringNotEqualsIgnoreCase":
		return operator{test: matchesFolded, lower: true, negated: true}, true
	case "StringLike":
		return operator{test: matches, syntax: syntax{wildcards: true}}, true
	case "StringNotLike":
		return operator{test: matches, syntax: syntax{wildcards: true}, negated: true}, true
	case "ArnEquals", "ArnLike":
		return operator{test: matchesARN, syntax: syntax{wildcards: true}}, true
	case "ArnNotEquals", "ArnNotLike":
		return operator{test: matchesARN, syntax: syntax{wildcards: true}, negated: true}, true
	}
	return operator{}, false
}

// orderOperator covers the twelve Numeric… and Date… comparisons.
func orderOperator(name string) (operator, bool) {
	parse := number
	rest, ok := strings.CutPrefix(name, "Numeric")
	if !ok {
		if rest, ok = strings.CutPrefix(name, "Date"); !ok {
			return operator{}, false
		}
		parse = date
	}
	compare := func(accept func(have, want float64) bool) func(want, have string) bool {
		return func(want, have string) bool {
			w, ok1 := parse(want)
			h, ok2 := parse(have)
			return ok1 && ok2 && accept(h, w)
		}
	}
	op := operator{valid: func(s string) bool { _, ok := parse(s); return ok }}
	switch rest {
	case "Equals", "NotEquals":
		op.test = text(compare(func(h, w float64) bool { return h == w }))
		op.negated = rest == "NotEquals"
	case "LessThan":
		op.test = text(compare(func(h, w float64) bool { return h < w }))
	case "LessThanEquals":
		op.test = text(compare(func(h, w float64) bool { return h <= w }))
	case "GreaterThan":
		op.test = text(compare(func(h, w float64) bool { return h > w }))
	case "GreaterThanEquals":
		op.test = text(compare(func(h, w float64) bool { return h >= w }))
	default:
		return operator{}, false
	}
	return op, true
}

// matches compares by the pattern's own rules.
func matches(want *pattern, have string, c Context) bool {
	ok, filled := want.match(have, c)
	return ok && filled
}

// matchesFolded also folds what variables bring; have is lower case already.
func matchesFolded(want *pattern, have string, c Context) bool {
	value, ok := want.value(c)
	return ok && strings.ToLower(value) == have
}

func matchesARN(want *pattern, have string, c Context) bool {
	if want.all {
		return true
	}
	tokens, ok := want.fill(c)
	if !ok {
		return false
	}
	if tokens == nil {
		return want.text == have
	}
	return matchARN(tokens, have)
}

// text adapts a comparison of two plain values.
func text(test func(want, have string) bool) func(*pattern, string, Context) bool {
	return func(want *pattern, have string, c Context) bool {
		value, ok := want.value(c)
		return ok && test(value, have)
	}
}

// value is the text of a pattern without wildcards, variables filled in.
func (p *pattern) value(c Context) (string, bool) {
	if p.tokens == nil {
		return p.text, true
	}
	tokens, ok := p.fill(c)
	if !ok {
		return "", false
	}
	out := make([]byte, len(tokens))
	for i, t := range tokens {
		out[i] = byte(t)
	}
	return string(out), true
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

func number(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsNaN(f)
}

func sameBinary(want, have string) bool {
	w, err1 := base64.StdEncoding.DecodeString(want)
	h, err2 := base64.StdEncoding.DecodeString(have)
	return err1 == nil && err2 == nil && string(w) == string(h)
}

func network(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

func isNetwork(s string) bool { _, ok := network(s); return ok }

func inNetwork(want, have string) bool {
	n, ok := network(want)
	a, err := netip.ParseAddr(have)
	return ok && err == nil && n.Contains(a.Unmap().WithZone(""))
}
