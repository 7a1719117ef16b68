package bounded_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"muster/internal/extract/bounded"
)

// elements lists what Elements visits.
func elements(t *testing.T, list string, limit int) ([]string, error) {
	t.Helper()
	var out []string
	err := bounded.Elements(bounded.Raw(list), limit, func(r bounded.Raw) error {
		out = append(out, string(r))
		return nil
	})
	return out, err
}

// FuzzElements: of every list the elements are those that encoding/json finds.
func FuzzElements(f *testing.F) {
	for _, list := range []string{
		`[]`, `null`, ` `, `[1]`, `[ 1 , -2.5e3 ,"a,]\\\"b",{"a":[1,2],"b":"}"},[[],[1]],null,true ]`, `["\\"]`, `[""]`, `{"a":1}`, `"x"`,
	} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		var whole struct {
			List bounded.Raw `json:"list"`
		}
		if json.Unmarshal([]byte(`{"list":`+list+`}`), &whole) != nil {
			return
		}
		got, err := elements(t, string(whole.List), 1000)
		var want []json.RawMessage // of the text as it was read: it may close the list itself and go on
		if wrong := json.Unmarshal(whole.List, &want); (wrong == nil) != (err == nil) && !errors.Is(err, bounded.ErrTooMany) {
			t.Fatalf("%q: %v, encoding/json %v", list, err, wrong)
		}
		if err != nil {
			return
		}
		if !slices.EqualFunc(got, want, func(a string, b json.RawMessage) bool { return strings.TrimSpace(a) == string(b) }) {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	})
}

// TestElements: too many end it before they are visited, and what is no list
// is said.
func TestElements(t *testing.T) {
	if got, err := elements(t, `[1,2,3]`, 2); !errors.Is(err, bounded.ErrTooMany) || len(got) != 2 {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{`{}`, `[1`, `[`, `["a`} {
		if _, err := elements(t, bad, 9); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// TestShape counts outside of texts only.
func TestShape(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":[]}`: true, `{"a":[{}]}`: false, `{"a{{{[[[":1}`: true, `{"a\"{{{":1}`: true, `["a","b"]`: true, `["a","b","c"]`: false,
	} {
		if err := bounded.Shape([]byte(text), 2, 2); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}
