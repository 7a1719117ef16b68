package bounded

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestEachMember(t *testing.T) {
	read := func(text string, limit int) (map[string]int, error) {
		found := map[string]int{}
		err := EachMember([]byte(text), limit, func(name string, d *json.Decoder) error {
			var n int
			err := d.Decode(&n)
			found[name] = n
			return err
		})
		return found, err
	}
	found, err := read(`{"a":1,"b":2}`, 2)
	if err != nil || !slices.Equal(slices.Sorted(maps.Keys(found)), []string{"a", "b"}) || found["b"] != 2 {
		t.Errorf("%v, %v", found, err)
	}
	for _, text := range []string{"", "null", "{}"} {
		if found, err := read(text, 0); err != nil || len(found) > 0 {
			t.Errorf("%q: %v, %v", text, found, err)
		}
	}
	if found, err := read(`{"a":1,"b":2,"c":3}`, 2); !errors.Is(err, ErrTooMany) || len(found) != 2 {
		t.Errorf("%v, %v", found, err)
	}
	for _, text := range []string{`[1]`, `{"a"`, `{"a":"x"}`, `{1:2}`, `"` + strings.Repeat("x", 1000) + `"`} {
		if _, err := read(text, 2); err == nil || len(err.Error()) > 200 {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
