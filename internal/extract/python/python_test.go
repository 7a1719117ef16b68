package python

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	long := "License: " + strings.Repeat("x", 10_000) + "\n"
	for _, tt := range []struct{ text, name, version string }{
		{"Metadata-Version: 2.1\nName: PyYAML\nVersion: 6.0\n\nVersion: 7", "PyYAML", "6.0"},
		{"name: a\r\n" + long + "version:1\r\n", "a", "1"},
		{"Name: a\n\nVersion: 1", "", ""},
		{"Name: a\nVersion:\n", "", ""},
		{"", "", ""},
	} {
		c, err := Parse(strings.NewReader(tt.text))
		if tt.name == "" {
			if err == nil {
				t.Errorf("%.40q accepted as %+v", tt.text, c)
			}
			continue
		}
		if err != nil || c.Name != tt.name || c.Version != tt.version {
			t.Errorf("%.40q: %+v, %v", tt.text, c, err)
		}
	}
}

func TestWantsAndRoot(t *testing.T) {
	for name, root := range map[string]string{
		"usr/lib/python3/dist-packages/PyYAML-6.0.dist-info/METADATA": "usr/lib/python3/dist-packages",
		"lib/six-1.0.egg-info/PKG-INFO":                               "lib",
		"lib/six.egg/EGG-INFO/PKG-INFO":                               "lib/six.egg",
		"lib/six-1.0.egg-info":                                        "lib",
	} {
		if !Wants(name) || Root(name) != root {
			t.Errorf("%s: wanted %v, root %s", name, Wants(name), Root(name))
		}
	}
	for _, name := range []string{"METADATA", "x/METADATA", "src/PKG-INFO", "x.dist-info/RECORD"} {
		if Wants(name) {
			t.Errorf("%s is wanted", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Name: a\nVersion: 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := Parse(strings.NewReader(text)); err == nil && (c.Name == "" || c.Version == "") {
			t.Errorf("%q gives %+v", text, c)
		}
	})
}
