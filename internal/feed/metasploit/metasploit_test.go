package metasploit_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/internal/feed/metasploit"
	"muster/internal/testshared"
)

const modules = `{"exploit_a":{"fullname":"exploit/a","type":"exploit","references":["CVE-2017-0143","URL-https://x","CVE-2017-0144"],"disclosure_date":"2017-04-14"},
"auxiliary_b":{"fullname":"auxiliary/b","type":"auxiliary","references":["CVE-2017-0143"],"disclosure_date":null},
"post_c":{"fullname":"post/c","type":"post","references":["CVE-2018-0001"]}}`

func TestParse(t *testing.T) {
	list, err := metasploit.Parse(strings.NewReader(modules))
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if e := list["CVE-2017-0143"]; strings.Join(e.Metasploit, " ") != "auxiliary/b exploit/a" || e.Last.Year() != 2017 {
		t.Errorf("%+v", e)
	}
}

func TestRefusals(t *testing.T) {
	for _, bad := range []string{"", "[]", "{}", `{"a":{}}`, `{"a":5}`} {
		if _, err := metasploit.Parse(strings.NewReader(bad)); !errors.Is(err, metasploit.ErrModules) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestRealList(t *testing.T) {
	f, err := os.Open(filepath.Join(testshared.Dir(t), "advisories", "raw", "metasploit", "modules_metadata_base.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := metasploit.Parse(f)
	if err != nil || len(list["CVE-2017-0144"].Metasploit) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(modules)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := metasploit.Parse(strings.NewReader(text)); err != nil && !errors.Is(err, metasploit.ErrModules) {
			t.Errorf("an error of another kind: %v", err)
		}
	})
}
