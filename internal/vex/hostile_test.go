package vex_test

import (
	"fmt"
	"strings"
	"testing"

	"muster/internal/vex"
)

// TestNotesAboutMany: products that many notes name, by groups too, take no
// time or memory that grows with the product of both.
func TestNotesAboutMany(t *testing.T) {
	var ids, notes []string
	for n := range 20_000 {
		ids = append(ids, fmt.Sprintf(`"p%d"`, n))
	}
	all := strings.Join(ids, ",")
	document := func(notes string) []byte {
		return []byte(`{"document":{"category":"csaf_vex"},"product_tree":{"product_groups":[{"group_id":"g","product_ids":[` + all + `]},{"group_id":"g","product_ids":["p1"]}]},
			"vulnerabilities":[{"cve":"CVE-2024-1","product_status":{"known_affected":[` + all + `]},"remediations":[` + notes + `]}]}`)
	}
	for n := range 2000 {
		notes = append(notes, fmt.Sprintf(`{"category":"workaround","details":"%d %s"}`, n, strings.Repeat("x", 1000)))
	}
	set := vex.NewSet()
	if err := set.Read("general", document(strings.Join(notes, ","))); err != nil {
		t.Error(err)
	}
	notes = notes[:0]
	for n := range 55 {
		notes = append(notes, fmt.Sprintf(`{"category":"workaround","details":"%d","product_ids":[%s]}`, n, all))
	}
	if err := set.Read("about", document(strings.Join(notes, ","))); err == nil || !strings.Contains(err.Error(), "notes about more than") {
		t.Errorf("about: %v", err)
	}
	groups := strings.Repeat(`"g",`, 100_000) + `"g"`
	if err := set.Read("groups", document(`{"category":"workaround","details":"d","group_ids":[`+strings.ReplaceAll(groups, `"g"`, `"g"`)+`]}`)); err != nil {
		t.Errorf("a group that is named again and again: %v", err)
	}
}

// TestLyingVEX: what is no document, or far too much of one, is refused in
// words; trees that nest without end, too.
func TestLyingVEX(t *testing.T) {
	csaf := func(tree, list string) string {
		return `{"document":{"category":"csaf_vex"},"product_tree":` + tree + `,"vulnerabilities":` + list + `}`
	}
	flaw := `[{"cve":"CVE-2024-1","product_status":{"fixed":["a"]}}]`
	for what, tt := range map[string]struct{ text, want string }{
		"deep":              {csaf(`{"branches":`+strings.Repeat(`[{"branches":`, 200)+`[]`+strings.Repeat(`}]`, 200)+`}`, flaw), "too deep"},
		"a part of itself":  {csaf(`{"relationships":[{"full_product_name":{"product_id":"a"},"product_reference":"a","relates_to_product_reference":"a"}]}`, flaw), ""},
		"empty objects":     {csaf(`{}`, `[`+strings.Repeat(`{},`, 3_000_100)+`{}]`), "more objects"},
		"empty statements":  {csaf(`{}`, `[`+strings.Repeat(`{},`, 300_000)+`{}]`), "more than 200000"},
		"no list":           {csaf(`{}`, `{"a":1}`), "where a list should be"},
		"nested components": {`{"bomFormat":"CycloneDX","components":` + strings.Repeat(`[{"components":`, 100) + `[]` + strings.Repeat(`}]`, 100) + `,"vulnerabilities":[]}`, "too deep"},
	} {
		err := vex.NewSet().Read(what, []byte(tt.text))
		if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", what, err, tt.want)
		}
	}
}
