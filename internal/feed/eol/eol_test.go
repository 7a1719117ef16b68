package eol_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/internal/feed/eol"
	"muster/internal/testshared"
)

func TestParse(t *testing.T) {
	list, err := eol.Parse(strings.NewReader(`{"b":{},"a":{"title":"A","category":"os","releases":[
		{"releaseCycle":"12","codename":"Bookworm","eol":"2026-06-10","releaseDate":"2023-06-10","latest":"12.5"},
		{"releaseCycle":7.10,"eol":true},{"releaseCycle":"8","eol":false,"latest":null}]}}`))
	if err != nil || len(list) != 2 || list[0].Name != "a" {
		t.Fatalf("%+v, %v", list, err)
	}
	c := list[0].Cycles
	if c[0].Name != "12" || c[0].EOL.Format(time.DateOnly) != "2026-06-10" || c[0].Ended || c[0].Codename != "Bookworm" {
		t.Errorf("%+v", c[0])
	}
	if c[1].Name != "7.10" || !c[1].Ended || !c[1].EOL.IsZero() || c[2].Ended {
		t.Errorf("%+v %+v", c[1], c[2])
	}
}

func TestRefusals(t *testing.T) {
	for _, bad := range []string{"", "[]", "{}", `{"a":[]}`} {
		if _, err := eol.Parse(strings.NewReader(bad)); !errors.Is(err, eol.ErrProducts) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestRealProducts(t *testing.T) {
	f, err := os.Open(filepath.Join(testshared.Dir(t), "advisories", "eol.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := eol.Parse(f)
	if err != nil || len(list) < 400 {
		t.Fatalf("%d products, %v", len(list), err)
	}
	for _, p := range list {
		for _, c := range p.Cycles {
			if c.Name == "" {
				t.Errorf("%s: a cycle without a name", p.Name)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"a":{"releases":[{"releaseCycle":1,"eol":true}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if list, err := eol.Parse(strings.NewReader(text)); err == nil && len(list) == 0 {
			t.Error("an empty list was accepted")
		}
	})
}
