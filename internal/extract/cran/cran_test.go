package cran

import (
	"strings"
	"testing"

	"muster/internal/inventory"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]inventory.Component{
		"Package: stringr\r\nVersion: 1.5.0\nDescription: a\n    Version: 9\nRepository: CRAN\nBuilt: R 4.3.0; ; 2023; unix\n": {Ecosystem: "CRAN", Name: "stringr", Version: "1.5.0"},
		"Package: limma\nVersion: 3.56.2\nbiocViews: X\nBuilt: R 4.3.0\n":                                                      {Ecosystem: "Bioconductor", Name: "limma", Version: "3.56.2"},
		"Package: own\nVersion: 0.1\n":                              {}, // a project, not installed
		"Package: base\nVersion: 4.3.0\nPriority: base\nBuilt: R\n": {},
		"Built: R\n": {},
	} {
		found, err := Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		var got inventory.Component
		if len(found) == 1 {
			got = found[0]
		}
		if got != want {
			t.Errorf("%q: %+v, want %+v", text, found, want)
		}
	}
	if !Wants("usr/lib/R/library/x/DESCRIPTION") || Root("usr/lib/R/library/x/DESCRIPTION") != "usr/lib/R/library" {
		t.Error("a library's package is not recognised")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("Package: a\nVersion: 1\nBuilt: R\n")
	f.Fuzz(func(t *testing.T, text string) {
		found, err := Parse(strings.NewReader(text))
		if err == nil && len(found) > 0 && (found[0].Name == "" || found[0].Version == "") {
			t.Errorf("%+v", found)
		}
	})
}
