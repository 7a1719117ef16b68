package extract_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"muster/internal/extract"
)

// TestUnfitPackages: packages whose names or versions no inventory takes are
// counted, and not kept until the end of the walk.
func TestUnfitPackages(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{"node_modules/good/package.json": {Data: []byte(`{"name":"good","version":"1.0.0"}`)}}
	for n := range 30 {
		fsys[fmt.Sprintf("node_modules/bad%d/package.json", n)] = &fstest.MapFile{Data: []byte(`{"name":"` + strings.Repeat("x", 100_000) + `","version":"1"}`)}
	}
	inv, err := extract.Root(t.Context(), fsys, extract.Options{Paths: []string{"."}, MaxPackages: 10})
	if err != nil || len(inv.Items) != 1 || len(inv.Notes) != 1 || !strings.HasPrefix(inv.Notes[0], "30 packages left out") {
		t.Errorf("%d packages, notes %q, %v", len(inv.Items), inv.Notes, err)
	}
}
