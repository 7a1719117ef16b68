package php

import (
	"bytes"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		`{"packages":[{"name":"a/b","version":"v1.2.0"},{"name":"c/d","version":"dev-main"},{"name":"","version":"1"}],"dev":true}`: "a/b 1.2.0, c/d dev-main",
		`[{"name":"a/b","version":"1.2.0"}]`: "a/b 1.2.0",
		`{"packages":[]}`:                    "",
	} {
		found, err := Parse(strings.NewReader(text))
		var got []string
		for _, c := range found {
			got = append(got, c.Name+" "+c.Version)
		}
		if err != nil || strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "{", `"a"`, "7"} {
		if _, err := Parse(strings.NewReader(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestWants(t *testing.T) {
	if !Wants("app/vendor/composer/installed.json") || Wants("app/installed.json") || Root("app/vendor/composer/installed.json") != "app/vendor" {
		t.Error("names")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"packages":[{"name":"a/b","version":"v1.2.0"}]}`))
	f.Add([]byte(`[{"name":"a/b","version":"1"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := Parse(bytes.NewReader(data))
		if err != nil && found != nil {
			t.Error("packages and an error")
		}
	})
}
