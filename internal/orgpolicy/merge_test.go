package orgpolicy

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func parse(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

// levels merges levels of documents; policies are called p1, p2 … in order.
func levels(t testing.TB, levels ...[]string) Effective {
	t.Helper()
	var e Effective
	n := 0
	for _, level := range levels {
		var list []Policy
		for _, text := range level {
			n++
			list = append(list, Policy{ID: "p" + string(rune('0'+n)), Document: parse(t, text)})
		}
		e = e.Merge(list)
	}
	return e
}

func TestMerging(t *testing.T) {
	for name, c := range map[string]struct {
		levels    [][]string
		want      string
		conflicts []Conflict
	}{
		"nothing":             {nil, `{}`, nil},
		"assign":              {[][]string{{`{"a":{"b":{"@@assign":"x"}}}`}}, `{"a":{"b":"x"}}`, nil},
		"nearer assign":       {[][]string{{`{"a":{"@@assign":["x","y"]}}`}, {`{"a":{"@@assign":["z"]}}`}}, `{"a":["z"]}`, nil},
		"append":              {[][]string{{`{"a":{"@@assign":["x"]}}`}, {`{"a":{"@@append":["y","x"]}}`}}, `{"a":["x","y"]}`, nil},
		"append to nothing":   {[][]string{{`{"a":{"@@append":["y","y"]}}`}}, `{"a":["y"]}`, nil},
		"remove":              {[][]string{{`{"a":{"@@assign":["x","y"]}}`}, {`{"a":{"@@remove":["x","q"]}}`}}, `{"a":["y"]}`, nil},
		"remove from nothing": {[][]string{{`{"a":{"b":{"@@remove":["x"]}}}`}}, `{}`, nil},
		"remove all":          {[][]string{{`{"a":{"@@assign":["x"]}}`}, {`{"a":{"@@remove":["x"]}}`}}, `{"a":[]}`, nil},
		"assign, then the others": {
			[][]string{{`{"a":{"@@remove":["x"],"@@append":["z"],"@@assign":["x","y"]}}`}}, `{"a":["y","z"]}`, nil,
		},
		"settings add up":   {[][]string{{`{"a":{"b":{"@@assign":1}}}`}, {`{"a":{"c":{"@@assign":true}}}`}}, `{"a":{"b":1,"c":true}}`, nil},
		"an empty list":     {[][]string{{`{"a":{"@@assign":[]}}`}}, `{"a":[]}`, nil},
		"no trace of names": {[][]string{{`{"a":{"b":{}}}`}}, `{}`, nil},
		"markup stays":      {[][]string{{`{"a":{"@@assign":"<&>"}}`}}, `{"a":"<&>"}`, nil},

		"none": {
			[][]string{{`{"a":{"@@assign":["x"],"@@operators_allowed_for_child_policies":["@@none"]}}`}, {`{"a":{"@@assign":["y"],"@@append":["z"]}}`}},
			`{"a":["x"]}`, nil,
		},
		"some": {
			[][]string{{`{"a":{"@@assign":["x"],"@@operators_allowed_for_child_policies":["@@append"]}}`}, {`{"a":{"@@assign":["y"],"@@append":["z"],"@@remove":["x"]}}`}},
			`{"a":["x","z"]}`, nil,
		},
		"one word": {
			[][]string{{`{"a":{"@@assign":["x"],"@@operators_allowed_for_child_policies":"@@none"}}`}, {`{"a":{"@@append":["z"]}}`}},
			`{"a":["x"]}`, nil,
		},
		"above a setting": {
			[][]string{{`{"a":{"@@operators_allowed_for_child_policies":["@@none"],"b":{"@@assign":"x"}}}`}, {`{"a":{"b":{"@@assign":"y"},"new":{"@@assign":"z"}}}`}},
			`{"a":{"b":"x"}}`, nil,
		},
		"for everything": {
			[][]string{{`{"@@operators_allowed_for_child_policies":["@@none"]}`}, {`{"a":{"@@assign":"y"}}`}}, `{}`, nil,
		},
		"the nearest counts": {
			[][]string{{`{"a":{"@@operators_allowed_for_child_policies":["@@none"],"b":{"@@operators_allowed_for_child_policies":["@@append"],"@@assign":["x"]}}}`}, {`{"a":{"b":{"@@append":["y"]},"c":{"@@append":["z"]}}}`}},
			`{"a":{"b":["x","y"]}}`, nil,
		},
		"cannot be taken back": {
			[][]string{
				{`{"a":{"@@assign":["x"],"@@operators_allowed_for_child_policies":["@@append"]}}`},
				{`{"a":{"@@operators_allowed_for_child_policies":["@@all"]}}`},
				{`{"a":{"@@assign":["y"],"@@append":["z"]}}`},
			}, `{"a":["x","z"]}`, nil,
		},
		"two of one level both bind": {
			[][]string{
				{`{"a":{"@@operators_allowed_for_child_policies":["@@append","@@remove"]}}`, `{"a":{"@@assign":["x","y"],"@@operators_allowed_for_child_policies":["@@remove","@@assign"]}}`},
				{`{"a":{"@@append":["z"],"@@remove":["x"]}}`},
			}, `{"a":["y"]}`, nil,
		},
		"its own level is free": {
			[][]string{{`{"a":{"@@operators_allowed_for_child_policies":["@@none"]}}`, `{"a":{"@@assign":["x"]}}`}}, `{"a":["x"]}`, nil,
		},

		"the later of one level": {
			[][]string{{`{"a":{"@@assign":"x"}}`, `{"a":{"@@assign":"y"}}`}}, `{"a":"y"}`,
			[]Conflict{{ConflictingValues, "a", []string{"p1", "p2"}}},
		},
		"no conflict":             {[][]string{{`{"a":{"@@assign":["x"]}}`, `{"a":{"@@assign":["x"]}}`}}, `{"a":["x"]}`, nil},
		"no conflict in adding":   {[][]string{{`{"a":{"@@append":["x"]}}`, `{"a":{"@@append":["y"]}}`}}, `{"a":["x","y"]}`, nil},
		"decided by the next":     {[][]string{{`{"a":{"@@assign":"x"}}`, `{"a":{"@@assign":"y"}}`}, {`{"a":{"@@assign":"z"}}`}}, `{"a":"z"}`, nil},
		"not decided when banned": {[][]string{{`{"a":{"@@assign":"x","@@operators_allowed_for_child_policies":"@@none"}}`, `{"a":{"@@assign":"y"}}`}, {`{"a":{"@@assign":"z"}}`}}, `{"a":"y"}`, []Conflict{{ConflictingValues, "a", []string{"p1", "p2"}}}},
		"a value over names": {
			[][]string{{`{"a":{"b":{"@@assign":"x"}}}`}, {`{"a":{"@@assign":"y"}}`}}, `{"a":"y"}`,
			[]Conflict{{ConflictingTypes, "a", []string{"p2"}}},
		},
		"names over a value": {
			[][]string{{`{"a":{"@@assign":"y"}}`}, {`{"a":{"b":{"@@assign":"x"}}}`}}, `{"a":{"b":"x"}}`,
			[]Conflict{{ConflictingTypes, "a", []string{"p1", "p2"}}},
		},
		"appending to a value": {
			[][]string{{`{"a":{"@@assign":"y"}}`}, {`{"a":{"@@append":["x"]}}`}}, `{"a":"y"}`,
			[]Conflict{{ConflictingTypes, "a", []string{"p1", "p2"}}},
		},
		"appending to names": {
			[][]string{{`{"a":{"b":{"@@assign":"y"}}}`}, {`{"a":{"@@append":["x"]}}`}}, `{"a":{"b":"y"}}`,
			[]Conflict{{ConflictingTypes, "a", []string{"p2"}}},
		},
	} {
		e := levels(t, c.levels...)
		if got := string(e.Content()); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
		if got := e.Conflicts(); len(got)+len(c.conflicts) > 0 && !reflect.DeepEqual(got, c.conflicts) {
			t.Errorf("%s: conflicts %v, want %v", name, got, c.conflicts)
		}
		if e.Found() != (len(c.levels) > 0) {
			t.Errorf("%s: found %v", name, e.Found())
		}
	}
}

// TestAnEffectiveDoesNotChange: what accounts of one unit share stays whole.
func TestAnEffectiveDoesNotChange(t *testing.T) {
	shared := levels(t, []string{`{"a":{"b":{"@@assign":["x"]}}}`})
	before := string(shared.Content())
	one := shared.Merge([]Policy{{ID: "one", Document: parse(t, `{"a":{"b":{"@@append":["y"]},"c":{"@@assign":1}}}`)}})
	two := shared.Merge([]Policy{{ID: "two", Document: parse(t, `{"a":{"b":{"@@remove":["x"]}}}`)}})
	if got := string(shared.Content()); got != before {
		t.Errorf("was %s, is %s", before, got)
	}
	if a, b := string(one.Content()), string(two.Content()); a != `{"a":{"b":["x","y"],"c":1}}` || b != `{"a":{"b":[]}}` {
		t.Errorf("%s and %s", a, b)
	}
}

func TestWhatIsNoDocument(t *testing.T) {
	for text, want := range map[string]string{
		``:                       "not valid JSON",
		`[]`:                     "a policy is a JSON object",
		`"x"`:                    "a policy is a JSON object",
		`{"a":`:                  "a: not valid JSON",
		`{"a":{"@@assign":1}} 1`: "something follows",
		`{"a":{"@@assign":1},"a":{"@@assign":1}}`: "a: stands twice",
		`{"a":1}`:                                             "a: a value needs an operator",
		`{"a":{"b":[1]}}`:                                     "a.b: a value needs an operator",
		`{"a":{"@@assign":null}}`:                             "a.@@assign: null",
		`{"a":{"@@assign":{"b":1}}}`:                          "a.@@assign: an operator takes",
		`{"a":{"@@assign":[[1]]}}`:                            "a.@@assign: a list holds plain values",
		`{"a":{"@@assign":[null]}}`:                           "a.@@assign: null",
		`{"a":{"@@append":"x"}}`:                              "a.@@append: takes a list",
		`{"a":{"@@remove":"x"}}`:                              "a.@@remove: takes a list",
		`{"a":{"@@replace":"x"}}`:                             "a.@@replace: not an operator",
		`{"@@assign":"x"}`:                                    "operators need a setting",
		`{"a":{"@@assign":"x","b":{"@@assign":"y"}}}`:         "a: operators and names",
		`{"a":{"@@operators_allowed_for_child_policies":[]}}`: "needs @@all",
		`{"a":{"@@operators_allowed_for_child_policies":["@@assign",1]}}`:        "takes @@all alone",
		`{"a":{"@@operators_allowed_for_child_policies":["@@none","@@assign"]}}`: "takes @@all alone",
		`{"a":{"@@operators_allowed_for_child_policies":{"b":1}}}`:               "takes @@all alone",
		strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40):              "nested too deeply",
		`{"a":{"@@assign":"` + strings.Repeat("x", MaxSize) + `"}}`:              "too large",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %q", text, err, want)
		}
	}
}

func TestInspectorSchema(t *testing.T) {
	const lists = `"enable_in_regions":{"@@assign":["us-east-1","ALL_SUPPORTED"]},"disable_in_regions":{"@@assign":[]}`
	enablement := func(body string) string { return `{"inspector":{"enablement":{` + body + `}}}` }
	for text, want := range map[string]string{
		enablement(``): "",
		enablement(`"ec2_scanning":{` + lists + `},"ecr_scanning":{` + lists + `},"code_repository_scanning":{` + lists + `}`):        "",
		enablement(`"lambda_standard_scanning":{` + lists + `,"lambda_code_scanning":{` + lists + `}}`):                               "",
		enablement(`"ec2_scanning":{"enable_in_regions":{"@@append":["us-east-1"]},"disable_in_regions":{"@@remove":["us-east-1"]}}`): "",
		enablement(`"ec2_scanning":{"@@operators_allowed_for_child_policies":["@@none"],` + lists + `}`):                              "",

		`{}`:                                        "inspector: is missing",
		`{"inspector":{}}`:                          "inspector.enablement: is missing",
		`{"inspector":{"@@assign":"x"}}`:            "inspector: holds names",
		`{"guardduty":{}}`:                          "the only name",
		`{"inspector":{"enablement":{},"x":{}}}`:    "inspector.x: is not known",
		enablement(`"s3_scanning":{` + lists + `}`): "enablement.s3_scanning: is not known",
		enablement(`"lambda_code_scanning":{` + lists + `}`):                                                             "enablement.lambda_code_scanning: is not known",
		enablement(`"ec2_scanning":{` + lists + `,"lambda_code_scanning":{` + lists + `}}`):                              "ec2_scanning.lambda_code_scanning: is not known",
		enablement(`"ec2_scanning":{"enable_in_regions":{"@@assign":["us-east-1"]}}`):                                    "ec2_scanning.disable_in_regions: is missing",
		enablement(`"ec2_scanning":{"disable_in_regions":{"@@assign":["us-east-1"]}}`):                                   "ec2_scanning.enable_in_regions: is missing",
		enablement(`"ec2_scanning":{` + strings.Replace(lists, "us-east-1", "mars-1", 1) + `}`):                          "enable_in_regions: takes names of supported Regions",
		enablement(`"ec2_scanning":{` + strings.Replace(lists, `"us-east-1"`, "1", 1) + `}`):                             "enable_in_regions: takes names of supported Regions",
		enablement(`"ec2_scanning":{"enable_in_regions":{"@@assign":"us-east-1"},"disable_in_regions":{"@@assign":[]}}`): "takes a list of Regions",
		enablement(`"lambda_standard_scanning":{` + lists + `,"lambda_code_scanning":{}}`):                               "lambda_code_scanning.enable_in_regions: is missing",
		enablement(`"ec2_scanning":{"enable_in_regions":{"x":{"@@assign":[]}},"disable_in_regions":{"@@assign":[]}}`):    "enable_in_regions: is missing",
	} {
		err := parse(t, text).CheckInspector(func(region string) bool { return region == "us-east-1" })
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"a":{"b":{"@@assign":["x"],"@@operators_allowed_for_child_policies":["@@none"]}}}`, `{"a":{"@@append":[1]}}`)
	f.Add(`{"a":{"@@remove":[true]}}`, `{}`)
	f.Fuzz(func(t *testing.T, one, two string) {
		a, err := Parse(one)
		if err != nil {
			return
		}
		list := []Policy{{"a", a}}
		if b, err := Parse(two); err == nil {
			list = append(list, Policy{"b", b})
		}
		e := Effective{}.Merge(list[:1]).Merge(list)
		if !json.Valid(e.Content()) {
			t.Errorf("%q and %q give %q", one, two, e.Content())
		}
		if again := (Effective{}).Merge(list[:1]).Merge(list); string(again.Content()) != string(e.Content()) {
			t.Errorf("once %s, once %s", e.Content(), again.Content())
		}
		_ = a.CheckInspector(func(string) bool { return true })
	})
}
