package redhat_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"muster/internal/advisory"
	"muster/internal/feed/redhat"
)

// vexOf is a document about the products of a tree.
func vexOf(tree, vulnerabilities string) string {
	return `{"document":{"tracking":{"id":"CVE-2024-1","revision_history":[{"summary":"Current version","date":"2024-01-01T00:00:00Z"}]}},"product_tree":` + tree +
		`,"vulnerabilities":[` + vulnerabilities + `]}`
}

// TestLyingDocuments: trees that lead back to themselves, nest without end and
// lists of empty objects end with few entries or an error, in bounded memory.
func TestLyingDocuments(t *testing.T) {
	related := func(part, whole, id string) string {
		return fmt.Sprintf(`{"product_reference":%q,"relates_to_product_reference":%q,"full_product_name":{"product_id":%q}}`, part, whole, id)
	}
	fixed := `{"cve":"CVE-2024-1","product_status":{"fixed":["a","b","c","missing"]}}`
	helper := `{"product":{"product_id":"p","product_identification_helper":{"purl":"pkg:rpm/redhat/p@1-1"}}}`
	arches, relations, ids := []string{helper}, []string{}, []string{}
	for n := range 3000 {
		arches = append(arches, fmt.Sprintf(`{"product":{"product_id":"p%d","product_identification_helper":{"purl":"pkg:rpm/redhat/p@1-1?arch=a%d"}}}`, n, n))
		relations = append(relations, related(fmt.Sprintf("p%d", n), "s", fmt.Sprintf("s:p%d", n)))
		ids = append(ids, fmt.Sprintf(`"s:p%d"`, n))
	}
	stream := `{"product":{"product_id":"s","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:9"}}}`
	for what, tt := range map[string]struct {
		text, want string
		entries    int
	}{
		"a product of itself": {vexOf(`{"branches":[`+helper+`],"relationships":[`+related("p", "a", "a")+`,`+related("b", "c", "b")+`,`+related("c", "b", "c")+`]}`, fixed), "", 0},
		"deep branches":       {vexOf(`{"branches":`+strings.Repeat(`[{"branches":`, 4000)+`[]`+strings.Repeat(`}]`, 4000)+`}`, fixed), "", 0},
		"deeper branches":     {vexOf(`{"branches":`+strings.Repeat(`[{"branches":`, 20000)+`[]`+strings.Repeat(`}]`, 20000)+`}`, fixed), "exceeded max depth", 0},
		"empty objects":       {vexOf(`{"relationships":[`+strings.Repeat(`{},`, 7_000_000)+`{}]}`, fixed), "more objects", 0},
		"empty flaws":         {vexOf(`{}`, strings.Repeat(`{},`, 20_000)+`{}`), "more than 10000", 0},
		"many architectures":  {vexOf(`{"branches":[`+strings.Join(arches, ",")+`,`+stream+`],"relationships":[`+strings.Join(relations, ",")+`]}`, `{"cve":"CVE-2024-1","product_status":{"fixed":[`+strings.Join(ids, ",")+`]}}`), "", 1},
	} {
		entries := 0
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := redhat.ParseVEX(strings.NewReader(tt.text), func(a *advisory.Advisory) error {
			entries += len(a.Affected)
			for _, e := range a.Affected {
				if len(e.Arches) > 64 {
					t.Errorf("%s: %d architectures", what, len(e.Arches))
				}
			}
			return nil
		})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 150<<20 || entries != tt.entries {
			t.Errorf("%s: %d entries, %d bytes", what, entries, used)
		}
		if (tt.want == "") != (err == nil) || err != nil && (!errors.Is(err, redhat.ErrDocument) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", what, err, tt.want)
		}
	}
}

// TestManyFlaws: an erratum of very many flaws, each of its own packages, takes
// no time that grows with their square.
func TestManyFlaws(t *testing.T) {
	var branches, relations, flaws []string
	for n := range 9000 {
		branches = append(branches, fmt.Sprintf(`{"product":{"product_id":"p%d","product_identification_helper":{"purl":"pkg:rpm/redhat/p%d@1-1"}}}`, n, n))
		relations = append(relations, fmt.Sprintf(`{"product_reference":"p%d","relates_to_product_reference":"s","full_product_name":{"product_id":"s:p%d"}}`, n, n))
		flaws = append(flaws, fmt.Sprintf(`{"cve":"CVE-2024-%d","product_status":{"fixed":["s:p%d"]}}`, 10000+n, n/2))
	}
	text := vexOf(`{"branches":[`+strings.Join(branches, ",")+`,{"product":{"product_id":"s","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:9"}}}],"relationships":[`+
		strings.Join(relations, ",")+`]}`, strings.Join(flaws, ","))
	if records := collect(t, redhat.ParseAdvisory, text); len(records) != 4500 || len(records[0].Upstream) != 2 {
		t.Errorf("%d records", len(records))
	}
}
