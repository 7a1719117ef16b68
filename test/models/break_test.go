package models

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"muster/test/livetest"
)

// rule is a kind of constraint.
type rule string

const (
	required  rule = "required"
	tooShort  rule = "too short"
	tooLong   rule = "too long"
	tooSmall  rule = "too small"
	tooLarge  rule = "too large"
	pattern   rule = "pattern"
	enum      rule = "enumeration"
	wrongType rule = "wrong type"
	bothSides rule = "union"
)

// broken is a request that breaks one constraint of its model.
type broken struct {
	rule rule
	// at is the place in AWS's words, sentence the constraint's.
	at, sentence string
	// element is "Member", "Map keys" or "Map value" where the value stands in
	// a list or map of plain values: AWS names that then.
	element string
	// secret must not be echoed.
	secret string
	input  map[string]any
}

func (b broken) String() string { return fmt.Sprintf("%s at %s", b.rule, b.at) }

// breaker lists the requests that break an operation's constraints.
type breaker struct {
	sampler
	out []broken
}

// breaks lists a broken request for each constraint of an operation's input.
func (s sampler) breaks(operation string) []broken {
	s.operation = operation
	b := breaker{sampler: s}
	in := s.m.Operations[operation].Input
	if in == "" {
		return nil
	}
	base := s.input(operation)
	b.structure(in, nil, func(v any) map[string]any {
		if v == nil {
			return base
		}
		return v.(map[string]any)
	}, base, "", 0)
	return b.out
}

// place makes the whole input with a value at some place.
type place func(v any) map[string]any

func lower(name string) string { return strings.ToLower(name[:1]) + name[1:] }

func (b *breaker) add(r rule, at, sentence string, whole map[string]any) *broken {
	b.out = append(b.out, broken{rule: r, at: at, sentence: sentence, input: whole})
	return &b.out[len(b.out)-1]
}

// structure breaks what is in a structure that has the given valid value.
func (b *breaker) structure(shape string, seen []string, whole place, valid map[string]any, path string, depth int) {
	if slices.Contains(seen, shape) || depth > maxDepth {
		return
	}
	sh := b.m.Shapes[shape]
	for _, name := range sh.MemberNames() {
		member := sh.Members[name]
		at := joined(path, lower(name))
		set := func(v any) map[string]any {
			next := maps.Clone(valid)
			if sh.Union {
				next = map[string]any{}
			}
			next[name] = v
			return whole(next)
		}
		if sh.Requires(name) && member.Location != "uri" {
			without := maps.Clone(valid)
			delete(without, name)
			if len(without) > 0 || path == "" || !b.m.Form() {
				b.add(required, at, "Member must not be null", whole(without))
			}
		}
		if member.Location == "uri" {
			continue
		}
		before := len(b.out)
		b.value(member.Shape, append(seen, shape), set, joined(strings.TrimPrefix(path, "."), name), at, depth+1)
		if member.Location == "querystring" {
			// Whatever stands in a query string is text.
			b.out = append(b.out[:before], slices.DeleteFunc(slices.Clone(b.out[before:]), func(x broken) bool { return x.rule == wrongType })...)
		}
	}
}

func (b *breaker) value(shape string, seen []string, whole place, path, at string, depth int) {
	sh := b.m.Shapes[shape]
	if sh.Document {
		return
	}
	switch sh.Type {
	case "structure":
		valid, ok := b.sampler.value(shape, path, depth).(map[string]any)
		if !ok {
			return
		}
		b.types(whole, at, "text", []any{})
		b.structure(shape, seen, whole, valid, at, depth)
	case "list", "map":
		b.collection(sh, seen, whole, path, at, depth)
	case "string":
		b.text(sh, whole, at, "")
	case "integer", "long", "double":
		b.number(sh, whole, at)
		b.types(whole, at, "many", map[string]any{"a": 1}, []any{})
	case "boolean":
		b.types(whole, at, "perhaps", 7)
	case "timestamp":
		b.types(whole, at, "yesterday", []any{})
	}
}

// types adds values of wrong types; forms have only text.
func (b *breaker) types(whole place, at string, values ...any) {
	for _, v := range values {
		if _, isText := v.(string); b.m.Form() && !isText {
			continue
		}
		if b.m.Form() && v == "text" {
			continue
		}
		b.add(wrongType, at, "Member must be", whole(v))
	}
}

func (b *breaker) number(sh *livetest.Shape, whole place, at string) {
	if sh.Min != nil {
		b.add(tooSmall, at, fmt.Sprintf("Member must have value greater than or equal to %v", *sh.Min), whole(int(*sh.Min)-1))
	}
	if sh.Max != nil {
		b.add(tooLarge, at, fmt.Sprintf("Member must have value less than or equal to %v", int(*sh.Max)), whole(int(*sh.Max)+1))
	}
}

func (b *breaker) collection(sh *livetest.Shape, seen []string, whole place, path, at string, depth int) {
	b.types(whole, at, "text", 7)
	if sh.Type == "map" {
		b.mapping(sh, whole, path, at, depth)
		return
	}
	elem := b.m.Shapes[sh.Member.Shape]
	one := b.sampler.value(sh.Member.Shape, path, depth)
	many := func(n int) []any {
		list := make([]any, n)
		for i := range list {
			list[i] = one
		}
		return list
	}
	if sh.Min != nil && *sh.Min > 0 {
		b.add(tooShort, at, fmt.Sprintf("Member must have length greater than or equal to %v", *sh.Min), whole(many(int(*sh.Min)-1)))
	}
	if fields, ok := one.(map[string]any); ok && len(fields) == 0 && b.m.Form() {
		return // a form cannot say it
	}
	if sh.Max != nil && *sh.Max < 2000 {
		b.add(tooLong, at, fmt.Sprintf("Member must have length less than or equal to %v", *sh.Max), whole(many(int(*sh.Max)+1)))
	}
	least := 1
	if sh.Min != nil {
		least = max(least, int(*sh.Min))
	}
	first := func(v any) map[string]any {
		list := many(least)
		list[0] = v
		return whole(list)
	}
	switch elem.Type {
	case "string":
		b.text(elem, first, at, "Member")
	case "structure":
		valid, ok := one.(map[string]any)
		if ok && !elem.Document {
			b.structure(sh.Member.Shape, seen, func(v any) map[string]any { return first(v) }, valid, at+".1.member", depth+1)
		}
	}
}

// mapping breaks the size of a map, and its keys and values.
func (b *breaker) mapping(sh *livetest.Shape, whole place, path, at string, depth int) {
	key, _ := b.sampler.value(sh.Key.Shape, path+".key", depth).(string)
	value := b.sampler.value(sh.Value.Shape, path+".value", depth)
	if sh.Min != nil && *sh.Min > 0 {
		b.add(tooShort, at, fmt.Sprintf("Member must have length greater than or equal to %v", *sh.Min), whole(map[string]any{}))
	}
	if sh.Max != nil {
		many := map[string]any{}
		for i := range int(*sh.Max) + 1 {
			many[key+strings.Repeat("k", i)] = value
		}
		b.add(tooLong, at, fmt.Sprintf("Member must have length less than or equal to %v", *sh.Max), whole(many))
	}
	keys, values := breaker{sampler: b.sampler}, breaker{sampler: b.sampler}
	keys.text(b.m.Shapes[sh.Key.Shape], func(v any) map[string]any {
		if k, ok := v.(string); ok {
			return whole(map[string]any{k: value})
		}
		return nil
	}, at, "Map keys")
	values.text(b.m.Shapes[sh.Value.Shape], func(v any) map[string]any { return whole(map[string]any{key: v}) }, at, "Map value")
	for _, list := range [][]broken{keys.out, values.out} {
		for _, x := range list {
			if x.input != nil {
				b.out = append(b.out, x)
			}
		}
	}
}

// text breaks a string's constraints one by one where that can be.
func (b *breaker) text(sh *livetest.Shape, whole place, at, element string) {
	mark := func(x *broken, v string) {
		x.element = element
		if sh.Sensitive && len(v) > 3 {
			x.secret = v
		}
	}
	if sh.Type != "string" {
		return
	}
	valid := sampleString(sh)
	if sh.Min != nil && *sh.Min > 0 && sh.Enum == nil {
		v := ""
		if *sh.Min > 1 {
			v = valid[:min(len(valid), int(*sh.Min)-1)]
		}
		mark(b.add(tooShort, at, fmt.Sprintf("Member must have length greater than or equal to %v", *sh.Min), whole(v)), v)
	}
	if sh.Max != nil && *sh.Max <= 100_000 && sh.Enum == nil {
		v := valid + strings.Repeat("x", int(*sh.Max)+1-len(valid))
		mark(b.add(tooLong, at, fmt.Sprintf("Member must have length less than or equal to %v", int(*sh.Max)), whole(v)), v)
	}
	if sh.Enum != nil {
		v := "NO_SUCH_VALUE"
		mark(b.add(enum, at, "Member must satisfy enum value set: [", whole(v)), v)
	}
	if v, ok := mismatch(sh, valid); ok {
		mark(b.add(pattern, at, "Member must satisfy regular expression pattern: "+sh.Pattern, whole(v)), v)
	}
	if element == "" {
		b.types(whole, at, map[string]any{"a": "b"}, []any{"x"}, 7, true)
	}
}

// mismatch is a text of a good length that a shape's pattern rules out.
func mismatch(sh *livetest.Shape, valid string) (string, bool) {
	re := expression(sh.Pattern)
	if sh.Pattern == "" || re == nil || sh.Enum != nil {
		return "", false
	}
	least, most := 1, 1<<20
	if sh.Min != nil {
		least = max(least, int(*sh.Min))
	}
	if sh.Max != nil {
		most = int(*sh.Max)
	}
	for _, bad := range []string{" ", "!", "é", "\u2603", "\u007f", "x", "%"} {
		for _, v := range []string{valid + bad, strings.Repeat(bad, least), bad + valid[min(len(valid), 1):]} {
			if n := utf8.RuneCountInString(v); n >= least && n <= most && !re.MatchString(v) {
				return v, true
			}
		}
	}
	return "", false
}
