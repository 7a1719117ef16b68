package house

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// markdownLink finds relative links of a page.
var markdownLink = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

func TestLinksInDocumentsLead(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("../../docs/decisions/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(append(pages, more...), "../../README.md") {
		body, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range markdownLink.FindAllStringSubmatch(string(body), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
	}
}

// TestDecisionsAreNumbered keeps docs/decisions without gaps or twins.
func TestDecisionsAreNumbered(t *testing.T) {
	files, err := filepath.Glob("../../docs/decisions/[0-9]*.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		want := fmt.Sprintf("%04d-", i+1)
		if !strings.HasPrefix(filepath.Base(f), want) {
			t.Errorf("%s: the %d. decision should begin with %s", filepath.Base(f), i+1, want)
		}
	}
}
