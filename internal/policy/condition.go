package policy

import "strings"

// condition is one operator applied to one key: it holds if the request's
// values of the key satisfy the operator against any of the policy's values.
type condition struct {
	operator
	name   string // the key as written
	key    string // lower case
	values []pattern
}

// operator is a comparison with its modifiers.
type operator struct {
	// test compares one policy value with one request value.
	test func(want *pattern, have string, c Context) bool
	// negated operators hold when no policy value fits.
	negated  bool
	null     bool
	ifExists bool
	set      setOperator
	syntax   syntax
	lower    bool
	// valid checks a policy value without variables when it is parsed.
	valid func(string) bool
}

type setOperator uint8

const (
	noSet setOperator = iota
	forAllValues
	forAnyValue
)

func (k *condition) holds(c Context) bool {
	have, present := c.get(k.key)
	if k.null {
		return k.holdsNull(present)
	}
	if !present {
		return k.holdsAbsent()
	}
	switch k.set {
	case forAllValues:
		for _, h := range have {
			if !k.fits(h, c) {
				return false
			}
		}
		return true
	case forAnyValue:
		return k.anyFits(have, c)
	}
	if k.negated { // without a set operator: none of the values may match
		for _, h := range have {
			if !k.fits(h, c) {
				return false
			}
		}
		return true
	}
	return k.anyFits(have, c)
}

func (k *condition) anyFits(have []string, c Context) bool {
	for _, h := range have {
		if k.fits(h, c) {
			return true
		}
	}
	return false
}

// fits compares one request value with all policy values.
func (k *condition) fits(have string, c Context) bool {
	if k.lower {
		have = strings.ToLower(have)
	}
	for i := range k.values {
		if k.test(&k.values[i], have, c) {
			return !k.negated
		}
	}
	return k.negated
}

// holdsNull is the Null operator: "true" asks for an absent key.
func (k *condition) holdsNull(present bool) bool {
	for i := range k.values {
		if strings.EqualFold(k.values[i].text, "true") != present {
			return true
		}
	}
	return false
}

// holdsAbsent decides when the request has no such key: nothing can be equal
// to it, everything differs from it.
func (k *condition) holdsAbsent() bool {
	switch {
	case k.ifExists, k.set == forAllValues:
		return true
	case k.set == forAnyValue:
		return false
	}
	return k.negated
}

// wellTyped reports whether the values are of the operator's type. What holds
// variables cannot be known yet.
func (w *writtenCondition) wellTyped(variables bool) bool {
	op, _ := parseOperator(w.operator, variables)
	if op.valid == nil {
		return true
	}
	for _, v := range w.values {
		if p := compile(v, op.syntax); len(p.vars) == 0 && !op.valid(v) {
			return false
		}
	}
	return true
}

func (w *writtenCondition) compile(variables bool) condition {
	op, _ := parseOperator(w.operator, variables) // known, as the syntax was checked
	c := condition{operator: op, name: w.key, key: strings.ToLower(w.key)}
	for _, v := range w.values {
		if op.lower {
			v = strings.ToLower(v)
		}
		c.values = append(c.values, compile(v, op.syntax))
	}
	return c
}
