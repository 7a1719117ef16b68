package conda

import (
	"strings"
	"testing"

	"muster/internal/inventory"
)

func TestParse(t *testing.T) {
	found, err := Parse(strings.NewReader(`{"build":"h0","name":"zlib","version":"1.2.11","files":["lib/libz.so"]}`))
	if err != nil || len(found) != 1 || found[0] != (inventory.Component{Ecosystem: "Conda", Name: "zlib", Version: "1.2.11"}) {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err := Parse(strings.NewReader(`{"name":"x"}`)); err != nil || len(found) > 0 {
		t.Errorf("without a version: %+v, %v", found, err)
	}
	if _, err := Parse(strings.NewReader(`{"name":`)); err == nil {
		t.Error("a description that breaks off is accepted")
	}
	for name, want := range map[string]bool{"opt/conda/conda-meta/zlib-1.2.11-h0.json": true, "opt/conda/conda-meta/history": false, "a/b.json": false} {
		if Wants(name) != want {
			t.Errorf("%s is wanted: %v", name, !want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"name":"a","version":"1"}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range must(Parse(strings.NewReader(text))) {
			if c.Name == "" || c.Version == "" {
				t.Errorf("%+v", c)
			}
		}
	})
}

func must(found []inventory.Component, _ error) []inventory.Component { return found }
