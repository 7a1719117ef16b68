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

func TestTheInterfacesAnswer(t *testing.T) {
	list, err := eol.Parse(strings.NewReader(`{"schema_version":"1.2.0","total":2,"result":[
		{"name":"ubuntu","label":"Ubuntu","category":"os","releases":[
			{"name":"24.04","codename":"Noble Numbat","releaseDate":"2024-04-25","isEol":false,"eolFrom":"2029-05-31","latest":{"name":"24.04.3"}},
			{"name":"4.10","codename":null,"releaseDate":"2004-10-20","isEol":true,"eolFrom":null,"latest":null}]},
		{"name":"debian","label":"Debian","category":"os","releases":[]}]}`))
	if err != nil || len(list) != 2 || list[0].Name != "debian" || list[1].Title != "Ubuntu" {
		t.Fatalf("%+v, %v", list, err)
	}
	first, last := list[1].Cycles[0], list[1].Cycles[1]
	if first.Name != "24.04" || first.Codename != "Noble Numbat" || first.Latest != "24.04.3" || first.EOL.Format(time.DateOnly) != "2029-05-31" || first.Ended {
		t.Errorf("%+v", first)
	}
	if !last.Ended || !last.EOL.IsZero() {
		t.Errorf("%+v", last)
	}
	for _, bad := range []string{`{"result":[]}`, `{"result":[{"releases":[]}]}`} {
		if _, err := eol.Parse(strings.NewReader(bad)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}
