package orgpolicy

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The oracle works on flat paths and raw JSON, and goes through the rules one
// setting and one operator at a time; it shares nothing with the engine.

// effect is what the oracle knows of one setting.
type effect struct {
	list   []string
	scalar string // instead of a list
}

// oracle merges levels of documents whose settings all have the same depth, so
// that kinds never conflict.
func oracle(levels [][]map[string]any) (settings map[string]effect, conflicts map[string]bool) {
	settings, conflicts = map[string]effect{}, map[string]bool{}
	var above []map[string]any
	for _, level := range levels {
		touched := map[string]bool{}
		for _, document := range level {
			for path, operators := range flatten(document) {
				applyOracle(settings, conflicts, touched, above, path, operators)
			}
			// An operator that is not permitted touches nothing.
			for path, operators := range flatten(document) {
				for operator := range operators {
					if _, there := settings[path]; there && permittedByAll(above, path, operator) {
						touched[path] = true
					}
				}
			}
		}
		above = append(above, level...)
	}
	return settings, conflicts
}

func applyOracle(settings map[string]effect, conflicts, touched map[string]bool, above []map[string]any, path string, operators map[string]any) {
	if v, ok := operators["@@assign"]; ok && permittedByAll(above, path, "@@assign") {
		next := effect{}
		if text, ok := v.(string); ok {
			next.scalar = text
		} else {
			next.list = texts(v)
		}
		old, there := settings[path]
		switch {
		case !touched[path]:
			delete(conflicts, path)
		case there && !reflect.DeepEqual(old, next):
			conflicts[path] = true
		}
		settings[path] = next
	}
	if v, ok := operators["@@append"]; ok && permittedByAll(above, path, "@@append") {
		now := settings[path]
		if now.scalar == "" {
			if now.list == nil {
				now.list = []string{}
			}
			for _, item := range texts(v) {
				if !slices.Contains(now.list, item) {
					now.list = append(slices.Clone(now.list), item)
				}
			}
			settings[path] = now
		}
	}
	if v, ok := operators["@@remove"]; ok && permittedByAll(above, path, "@@remove") {
		if now, there := settings[path]; there && now.scalar == "" {
			now.list = slices.DeleteFunc(slices.Clone(now.list), func(item string) bool { return slices.Contains(texts(v), item) })
			settings[path] = now
		}
	}
}

func texts(v any) []string {
	list := []string{}
	for _, item := range v.([]any) {
		list = append(list, item.(string))
	}
	return list
}

// flatten finds the settings of a document: path → operators.
func flatten(document map[string]any) map[string]map[string]any {
	out := map[string]map[string]any{}
	var walk func(path string, o map[string]any)
	walk = func(path string, o map[string]any) {
		operators := map[string]any{}
		for name, v := range o {
			if name == "@@assign" || name == "@@append" || name == "@@remove" {
				operators[name] = v
			} else if below, ok := v.(map[string]any); ok {
				walk(strings.TrimPrefix(path+"."+name, "."), below)
			}
		}
		if len(operators) > 0 {
			out[path] = operators
		}
	}
	walk("", document)
	return out
}

// permittedByAll: of each document above, the control nearest to the path has
// to name the operator.
func permittedByAll(above []map[string]any, path, operator string) bool {
	for _, document := range above {
		allowed := []any{"@@all"}
		o := document
		for _, step := range append([]string{""}, strings.Split(path, ".")...) {
			if step != "" {
				below, ok := o[step].(map[string]any)
				if !ok {
					break
				}
				o = below
			}
			if control, ok := o["@@operators_allowed_for_child_policies"]; ok {
				allowed = control.([]any)
			}
		}
		if !slices.Contains(allowed, "@@all") && !slices.Contains(allowed, any(operator)) {
			return false
		}
	}
	return true
}

// drawDocument draws a document of settings a.x, a.y, b.x and b.y: x are
// lists, y texts.
func drawDocument(t *rapid.T) map[string]any {
	document := map[string]any{}
	control := func(o map[string]any) {
		choices := [][]any{nil, nil, nil, {"@@none"}, {"@@all"}, {"@@append"}, {"@@assign", "@@remove"}}
		if c := rapid.SampledFrom(choices).Draw(t, "control"); c != nil {
			o["@@operators_allowed_for_child_policies"] = c
		}
	}
	control(document)
	for _, outer := range []string{"a", "b"} {
		if !rapid.Bool().Draw(t, outer) {
			continue
		}
		o := map[string]any{}
		control(o)
		for _, inner := range []string{"x", "y"} {
			setting := drawSetting(t, inner == "x")
			control(setting)
			if len(setting) > 0 {
				o[inner] = setting
			}
		}
		document[outer] = o
	}
	return document
}

func drawSetting(t *rapid.T, list bool) map[string]any {
	setting := map[string]any{}
	items := rapid.SliceOfN(rapid.SampledFrom([]any{"p", "q", "r"}), 0, 3)
	if !list {
		if rapid.Bool().Draw(t, "text") {
			setting["@@assign"] = rapid.SampledFrom([]string{"p", "q"}).Draw(t, "value")
		}
		return setting
	}
	for _, operator := range []string{"@@assign", "@@append", "@@remove"} {
		if rapid.IntRange(0, 2).Draw(t, operator) == 0 {
			setting[operator] = items.Draw(t, "items")
		}
	}
	return setting
}

// TestMergingAgainstTheOracle: any tree of documents means what the rules say,
// read one by one.
func TestMergingAgainstTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(drawDocument), 0, 3), 0, 4).Draw(t, "levels")
		var e Effective
		for i, level := range drawn {
			var list []Policy
			for j, document := range level {
				text, err := json.Marshal(document)
				if err != nil {
					t.Fatal(err)
				}
				parsed, err := Parse(string(text))
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				list = append(list, Policy{ID: fmt.Sprintf("p%d.%d", i, j), Document: parsed})
			}
			e = e.Merge(list)
		}
		settings, conflicts := oracle(drawn)
		var content map[string]any
		if err := json.Unmarshal(e.Content(), &content); err != nil {
			t.Fatal(err)
		}
		got := flattenContent(content)
		if !maps.EqualFunc(got, settings, func(a, b effect) bool {
			return a.scalar == b.scalar && slices.Equal(a.list, b.list)
		}) {
			t.Errorf("got %v, want %v", got, settings)
		}
		var paths []string
		for _, c := range e.Conflicts() {
			if paths = append(paths, c.Path); c.Code != ConflictingValues || len(c.Policies) != 2 {
				t.Errorf("conflict %+v", c)
			}
		}
		if want := slices.Sorted(maps.Keys(conflicts)); !slices.Equal(paths, want) {
			t.Errorf("conflicts %v, want %v", paths, want)
		}
	})
}

func flattenContent(content map[string]any) map[string]effect {
	out := map[string]effect{}
	for outer, v := range content {
		for inner, value := range v.(map[string]any) {
			if text, ok := value.(string); ok {
				out[outer+"."+inner] = effect{scalar: text}
			} else {
				out[outer+"."+inner] = effect{list: texts(value)}
			}
		}
	}
	return out
}

// TestNoneMeansNone: below a document that allows nothing, nothing changes.
func TestNoneMeansNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		closed := drawDocument(t)
		closed["@@operators_allowed_for_child_policies"] = []any{"@@none"}
		for _, v := range closed {
			if o, ok := v.(map[string]any); ok {
				delete(o, "@@operators_allowed_for_child_policies")
				for _, setting := range o {
					if s, ok := setting.(map[string]any); ok {
						delete(s, "@@operators_allowed_for_child_policies")
					}
				}
			}
		}
		merge := func(e Effective, document map[string]any) Effective {
			text, _ := json.Marshal(document)
			d, err := Parse(string(text))
			if err != nil {
				t.Fatal(err)
			}
			return e.Merge([]Policy{{ID: "p", Document: d}})
		}
		before := merge(Effective{}, closed)
		after := merge(before, drawDocument(t))
		if string(before.Content()) != string(after.Content()) {
			t.Errorf("%s became %s", before.Content(), after.Content())
		}
	})
}
