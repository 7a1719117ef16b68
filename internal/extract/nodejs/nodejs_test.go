package nodejs

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, name, version string }{
		{`{"name":"@babel/core","version":"7.1.0","dependencies":{"a":"^1"}}`, "@babel/core", "7.1.0"},
		{`{"version":"v1.0.0","name":"a"}`, "a", "1.0.0"},
		{`{"name":"a"}`, "", ""},
		{`{"name":"a","version":1}`, "", ""},
		{`[]`, "", ""},
		{`{"name":"a","version":"1"`, "", ""},
	} {
		c, err := Parse(strings.NewReader(tt.text))
		if (err == nil) != (tt.name != "") || (err == nil && (c.Name != tt.name || c.Version != tt.version)) {
			t.Errorf("%s: %+v, %v", tt.text, c, err)
		}
	}
}

func TestWantsAndRoot(t *testing.T) {
	for name, root := range map[string]string{
		"usr/lib/node_modules/npm/package.json":                             "usr/lib/node_modules",
		"usr/lib/node_modules/npm/node_modules/@npmcli/config/package.json": "usr/lib/node_modules/npm/node_modules",
	} {
		if !Wants(name) || Root(name) != root {
			t.Errorf("%s: wanted %v, root %s", name, Wants(name), Root(name))
		}
	}
	for _, name := range []string{"package.json", "app/package.json", "node_modules/a/lib/package.json", "node_modules/package.json", "node_modules/a/bower.json"} {
		if Wants(name) {
			t.Errorf("%s is wanted", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"name":"a","version":"1"}`)
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = Parse(strings.NewReader(text))
	})
}
