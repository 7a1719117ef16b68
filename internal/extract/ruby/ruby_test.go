package ruby

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, name, version string }{
		{"# -*- encoding: utf-8 -*-\n# stub: rack 2.2.3 ruby lib\n\nGem::Specification.new do |s|\n", "rack", "2.2.3"},
		{"Gem::Specification.new do |s|\n  s.name = \"nokogiri\".freeze\n  s.version = \"1.10.0\"\nend", "nokogiri", "1.10.0"},
		{"Gem::Specification.new do |spec|\n  spec.name = 'a'\n  spec.version = Gem::Version.new('1.0')\nend", "a", "1.0"},
		{"s.name = 'a'\ns.version = A::VERSION", "", ""},
		{"s.name = \"a#{x}\"\ns.version = '1'", "", ""},
		{"# s.name = 'a'\ns.version = '1'", "", ""},
		{"", "", ""},
	} {
		c, err := Parse(strings.NewReader(tt.text))
		if (err == nil) != (tt.name != "") || (err == nil && (c.Name != tt.name || c.Version != tt.version)) {
			t.Errorf("%q: %+v, %v", tt.text, c, err)
		}
	}
}

func TestWants(t *testing.T) {
	for name, want := range map[string]bool{
		"usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.3.gemspec":         true,
		"usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec": true,
		"usr/lib/ruby/gems/3.1.0/gems/rack-2.2.3/rack.gemspec":              false,
	} {
		if Wants(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("# stub: rack 2.2.3 ruby lib\n")
	f.Add("s.name = 'a'\ns.version = \"1\"")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := Parse(strings.NewReader(text)); err == nil && (c.Name == "" || c.Version == "") {
			t.Errorf("%q gives %+v", text, c)
		}
	})
}
