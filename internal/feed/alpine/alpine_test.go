package alpine_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/feed/alpine"
	"muster/internal/testshared"
)

const database = `{"apkurl":"{{urlprefix}}","archs":["x86_64"],"reponame":"main","distroversion":"v3.20","packages":[
 {"pkg":{"name":"xen","secfixes":{"4.9.0-r1":["CVE-2017-12135 XSA-226","CVE-2017-12134 XSA-226 (and more)","XSA-227"],"0":["CVE-2019-1"]}}},
 {"pkg":{"name":"busybox","secfixes":{"1.30.1-r2":["CVE-2018-20679","CVE-2019-5747 "],"1.35.0-r7":["CVE-2019-5747"],"1.0-r0":null}}},
 {"pkg":{"name":"quiet","secfixes":{}}}]}`

const yamlDatabase = `---
distroversion: v3.11
reponame: main
packages:
  - pkg:
      name: ansible
      secfixes:
        2.10:
          - CVE-2019-14904
        2.9.3-r0:
          - CVE-2019-14905
        0:
          - CVE-2020-1
`

// say writes every entry of the records: id, names, ecosystem, package, bound
// and status.
func say(all []advisory.Advisory) []string {
	var out []string
	for _, a := range all {
		for _, e := range a.Affected {
			bound := "*"
			if events := e.Ranges[0].Events; len(events) == 2 {
				bound = events[1].Version
			}
			out = append(out, strings.TrimRight(strings.Join([]string{a.ID, strings.Join(a.Upstream, ","), e.Ecosystem, e.Name, bound, string(e.Status)}, " "), " "))
		}
	}
	return out
}

func TestForms(t *testing.T) {
	asObject := strings.Replace(strings.Replace(database, `"packages":[`, `"packages":{"a":`, 1), `}}},
 {"pkg":{"name":"quiet","secfixes":{}}}]}`, `}}}}}`, 1)
	asObject = strings.Replace(asObject, `}}},
 {"pkg":{"name":"busybox"`, `}}},"b":{"pkg":{"name":"busybox"`, 1)
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"json": {database, []string{
			"ALPINE-CVE-2017-12134 CVE-2017-12134,XSA-226 Alpine:v3.20 xen 4.9.0-r1",
			"ALPINE-CVE-2017-12135 CVE-2017-12135,XSA-226 Alpine:v3.20 xen 4.9.0-r1",
			"ALPINE-CVE-2018-20679 CVE-2018-20679 Alpine:v3.20 busybox 1.30.1-r2",
			"ALPINE-CVE-2019-1 CVE-2019-1 Alpine:v3.20 xen * not_affected",
			"ALPINE-CVE-2019-5747 CVE-2019-5747 Alpine:v3.20 busybox 1.30.1-r2",
			"ALPINE-CVE-2019-5747 CVE-2019-5747 Alpine:v3.20 busybox 1.35.0-r7",
			"ALPINE-XSA-227 XSA-227 Alpine:v3.20 xen 4.9.0-r1",
		}},
		"yaml": {yamlDatabase, []string{
			"ALPINE-CVE-2019-14904 CVE-2019-14904 Alpine:v3.11 ansible 2.10",
			"ALPINE-CVE-2019-14905 CVE-2019-14905 Alpine:v3.11 ansible 2.9.3-r0",
			"ALPINE-CVE-2020-1 CVE-2020-1 Alpine:v3.11 ansible * not_affected",
		}},
	} {
		got, err := alpine.Parse(strings.NewReader(test.text))
		if err != nil || !slices.Equal(say(got), test.want) {
			t.Errorf("%s: %v\n\t%s", name, err, strings.Join(say(got), "\n\t"))
		}
	}
	list, err := alpine.Parse(strings.NewReader(database))
	object, err2 := alpine.Parse(strings.NewReader(asObject))
	if err != nil || err2 != nil || !slices.Equal(say(object), say(list)) {
		t.Errorf("as an object: %v, %v", err2, say(object))
	}
}

func TestRefusals(t *testing.T) {
	for _, bad := range []string{
		"", "[]", "{}", "x", "{", `{"distroversion":"v3:20"}`, `{"distroversion":"v3.20","packages":[{"pkg":{}}]}`,
		`{"distroversion":"v3.20","packages":[{"pkg":{"name":"a","secfixes":{"":["CVE-2019-1"]}}}]}`,
		`{"distroversion":"v3.20","packages":5}`, "distroversion: [", "- a\n- b",
	} {
		if _, err := alpine.Parse(strings.NewReader(bad)); !errors.Is(err, alpine.ErrDatabase) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestRealDatabases(t *testing.T) {
	raw := filepath.Join(testshared.Dir(t), "advisories", "raw")
	for pattern, least := range map[string]int{
		"alpine-secdb-json/*/*.json": 1, "alpine-secdb-v3.11/main.yaml": 1000, "alpine-secdb-v3.10/community.yaml": 300,
	} {
		files, err := filepath.Glob(filepath.Join(raw, filepath.FromSlash(pattern)))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, name := range files {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			list, err := alpine.Parse(f)
			if err != nil || len(list) < least {
				t.Errorf("%s: %d records, %v", name, len(list), err)
			}
			f.Close()
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(database)
	f.Add(yamlDatabase)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := alpine.Parse(strings.NewReader(text))
		if err != nil && !errors.Is(err, alpine.ErrDatabase) {
			t.Errorf("an error of another kind: %v", err)
		}
		for i := range list {
			data, err := advisory.Encode(&list[i])
			if err != nil {
				t.Fatal(err)
			}
			if back, err := advisory.Parse(data); err != nil || len(back.Affected) != len(list[i].Affected) {
				t.Fatalf("%s: %v", data, err)
			}
		}
	})
}
