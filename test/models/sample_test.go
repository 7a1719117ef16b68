// Package models makes requests from the service models, minimal ones, full
// ones and ones that break each constraint in turn, sends them to a whole
// server and holds every answer against the model.
package models

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"muster/test/livetest"
)

// sampler makes valid values of shapes.
type sampler struct {
	m *livetest.Model
	// full fills optional members, too.
	full bool
	// known are meaningful values by "service.Operation.path", "service.Shape"
	// or "service..member" (the last name of a path), made anew for each use.
	known     map[string]func() any
	operation string
}

// maxDepth ends recursive shapes.
const maxDepth = 7

// input makes an operation's input.
func (s sampler) input(operation string) map[string]any {
	s.operation = operation
	in, _ := s.value(s.m.Operations[operation].Input, "", 0).(map[string]any)
	if in == nil {
		in = map[string]any{}
	}
	return in
}

// lookup finds a meaningful value.
func (s sampler) lookup(shape, path string) (any, bool) {
	last := path[strings.LastIndexByte(path, '.')+1:]
	service := s.m.Service()
	for _, key := range []string{service + "." + s.operation + "." + path, service + "." + shape, service + ".." + last} {
		if make := s.known[key]; make != nil {
			return make(), true
		}
	}
	return nil, false
}

func (s sampler) value(shape, path string, depth int) any {
	if v, ok := s.lookup(shape, path); ok {
		return v
	}
	sh := s.m.Shapes[shape]
	if sh == nil {
		return map[string]any{}
	}
	switch sh.Type {
	case "structure":
		return s.structure(sh, path, depth)
	case "list":
		list := []any{}
		for range s.size(sh, depth) {
			list = append(list, s.value(sh.Member.Shape, path, depth+1))
		}
		return list
	case "map":
		out := map[string]any{}
		for i := range s.size(sh, depth) {
			key, _ := s.value(sh.Key.Shape, path+".key", depth+1).(string)
			out[key+strings.Repeat("k", i)] = s.value(sh.Value.Shape, path+".value", depth+1)
		}
		return out
	case "integer", "long":
		return int(atLeast(sh, 1))
	case "double":
		return atLeast(sh, 0)
	case "boolean":
		return true
	case "timestamp":
		return float64(1_700_000_000)
	case "blob":
		return "AAAA"
	}
	return sampleString(sh)
}

func (s sampler) structure(sh *livetest.Shape, path string, depth int) any {
	out := map[string]any{}
	if sh.Document {
		return out
	}
	for _, name := range sh.MemberNames() {
		if !sh.Requires(name) && (!s.full || depth >= maxDepth || pages(name)) && (!sh.Union || len(out) > 0) {
			continue
		}
		if sh.Union && len(out) > 0 {
			break
		}
		out[name] = s.value(sh.Members[name].Shape, joined(path, name), depth+1)
	}
	return out
}

// pages tells members that only an earlier answer can fill.
func pages(name string) bool {
	switch strings.ToLower(name) {
	case "nexttoken", "marker":
		return true
	}
	return false
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "." + b
}

// size is the number of elements of a list or map.
func (s sampler) size(sh *livetest.Shape, depth int) int {
	n := 0
	if sh.Min != nil {
		n = int(*sh.Min)
	}
	if s.full && depth < maxDepth {
		n = max(n, 1)
	}
	return n
}

func atLeast(sh *livetest.Shape, v float64) float64 {
	if sh.Min != nil {
		v = max(v, *sh.Min)
	}
	if sh.Max != nil {
		v = min(v, *sh.Max)
	}
	return v
}

// sampleString makes a string that a shape permits.
func sampleString(sh *livetest.Shape) string {
	if len(sh.Enum) > 0 {
		return sh.Enum[0]
	}
	least := 1
	if sh.Min != nil {
		least = max(least, int(*sh.Min))
	}
	if sh.Pattern == "" {
		return strings.Repeat("x", least)
	}
	re := expression(sh.Pattern)
	if re == nil {
		return strings.Repeat("x", least)
	}
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		panic(fmt.Sprintf("pattern %s: %v", sh.Pattern, err))
	}
	text := ""
	for repeats := 0; repeats < 200; repeats++ {
		text = spell(tree, repeats)
		if utf8.RuneCountInString(text) >= least && re.MatchString(text) {
			return text
		}
	}
	return text
}

// expression is a model's pattern in Go's syntax, anchored; nil where Go has
// no form for it.
func expression(pattern string) *regexp.Regexp {
	escapes := regexp.MustCompile(`\\u([0-9A-F]{4,6})`)
	text := escapes.ReplaceAllString(pattern, `\x{$1}`)
	// These classes write astral characters as Java does not.
	text = strings.ReplaceAll(text, `\x{10000}-\x{10FFFF}`, `\x{10000}-\x{10FFFF}`)
	// Go repeats nothing more than a thousand times; lengths are held apart.
	text = strings.ReplaceAll(text, `{1,1024}`, `+`)
	re, err := regexp.Compile(`^(?:` + text + `)$`)
	if err != nil {
		return nil
	}
	return re
}

// spell writes a text that a regular expression matches, with each repetition
// taken so many times if it may be.
func spell(re *syntax.Regexp, repeats int) string {
	var b strings.Builder
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		return string(pleasant(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpCapture:
		return spell(re.Sub[0], repeats)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			b.WriteString(spell(sub, repeats))
		}
		return b.String()
	case syntax.OpAlternate:
		return spell(re.Sub[len(re.Sub)-1], repeats)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		low, high := bounds(re)
		n := max(low, repeats)
		if high >= 0 {
			n = min(n, high)
		}
		for range n {
			b.WriteString(spell(re.Sub[0], repeats))
		}
	}
	return b.String()
}

func bounds(re *syntax.Regexp) (low, high int) {
	switch re.Op {
	case syntax.OpStar:
		return 0, -1
	case syntax.OpPlus:
		return 1, -1
	case syntax.OpQuest:
		return 0, 1
	}
	return re.Min, re.Max
}

// pleasant picks a character of a class: a letter or digit if there is one.
func pleasant(class []rune) rune {
	for _, want := range []rune{'a', 'A', '1', '/'} {
		for i := 0; i+1 < len(class); i += 2 {
			if class[i] <= want && want <= class[i+1] {
				return want
			}
		}
	}
	return class[0]
}
