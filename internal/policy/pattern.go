package policy

import (
	"slices"
	"strings"
)

// pattern is a value of a policy: text with wildcards and policy variables.
// Variables are filled in per request, and what they bring is taken
// literally: a user named "*" gains nothing.
type pattern struct {
	text   string // when tokens is nil: exactly this
	all    bool   // the pattern "*"
	tokens []token
	vars   []variable
}

// token is a byte, a wildcard, or (from variableBase down) a variable.
type token int32

const (
	anyText      token = -1
	anyByte      token = -2
	variableBase token = -3
)

type variable struct {
	name     string // the key as written
	key      string // lower case
	fallback string
	has      bool // has a fallback
}

// syntax says what has a meaning in a pattern's text.
type syntax struct{ wildcards, variables bool }

func compile(text string, s syntax) pattern {
	if s.wildcards && text == "*" {
		return pattern{all: true}
	}
	special := ""
	if s.wildcards {
		special += "*?"
	}
	if s.variables {
		special += "$"
	}
	if special == "" || !strings.ContainsAny(text, special) {
		return pattern{text: text}
	}
	p := pattern{}
	for i := 0; i < len(text); {
		i += p.append(text[i:], s)
	}
	return p
}

// append compiles the beginning of text and returns how much it took.
func (p *pattern) append(text string, s syntax) int {
	switch {
	case s.wildcards && text[0] == '*':
		if n := len(p.tokens); n == 0 || p.tokens[n-1] != anyText {
			p.tokens = append(p.tokens, anyText)
		}
		return 1
	case s.wildcards && text[0] == '?':
		p.tokens = append(p.tokens, anyByte)
		return 1
	case s.variables && strings.HasPrefix(text, "${"):
		if end := strings.IndexByte(text, '}'); end > 0 {
			p.appendVariable(text[2:end])
			return end + 1
		}
	}
	p.tokens = append(p.tokens, token(text[0]))
	return 1
}

// appendVariable compiles what stands between ${ and }.
func (p *pattern) appendVariable(inner string) {
	if inner == "*" || inner == "?" || inner == "$" {
		p.tokens = append(p.tokens, token(inner[0]))
		return
	}
	key, fallback, has := strings.Cut(inner, ",")
	key = strings.TrimSpace(key)
	v := variable{name: key, key: strings.ToLower(key)}
	if has {
		v.has, v.fallback = true, strings.Trim(strings.TrimSpace(fallback), "'")
	}
	p.tokens = append(p.tokens, variableBase-token(len(p.vars)))
	p.vars = append(p.vars, v)
}

// fill replaces the variables. It fails when the request lacks one, which
// callers treat as "the statement does not match", except where that would
// turn an exclusion into a grant.
func (p *pattern) fill(c Context) ([]token, bool) {
	if len(p.vars) == 0 {
		return p.tokens, true
	}
	out := make([]token, 0, len(p.tokens)+32)
	for _, t := range p.tokens {
		if t > variableBase {
			out = append(out, t)
			continue
		}
		v := p.vars[variableBase-t]
		value, ok := c.variable(v.key)
		if !ok {
			if !v.has {
				return nil, false
			}
			value = v.fallback
		}
		for i := range len(value) {
			out = append(out, token(value[i]))
		}
	}
	return out, true
}

// match reports whether s is what the pattern says. filled is false when a
// variable has no value in this request.
func (p *pattern) match(s string, c Context) (matches, filled bool) {
	switch {
	case p.all:
		return true, true
	case p.tokens == nil:
		return p.text == s, true
	}
	tokens, ok := p.fill(c)
	if !ok {
		return false, false
	}
	return glob(tokens, s), true
}

// glob matches in time len(tokens) × len(s) at worst: on a mismatch only the
// last star can take more.
func glob(p []token, s string) bool {
	var i, j int
	star, resume := -1, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == anyText:
			star, resume = i, j
			i++
		case i < len(p) && (p[i] == anyByte || p[i] == token(s[j])):
			i++
			j++
		case star >= 0:
			resume++
			i, j = star+1, resume
		default:
			return false
		}
	}
	for i < len(p) && p[i] == anyText {
		i++
	}
	return i == len(p)
}

// matchARN matches each of an ARN's six parts on its own, so that a star in
// one part never reaches into the next.
func matchARN(p []token, s string) bool {
	have := strings.SplitN(s, ":", 6)
	for i, part := range have {
		want := p
		if i < 5 {
			colon := slices.Index(p, ':')
			if colon < 0 {
				return false
			}
			want, p = p[:colon], p[colon+1:]
		}
		if !glob(want, part) {
			return false
		}
	}
	return len(have) == 6
}
