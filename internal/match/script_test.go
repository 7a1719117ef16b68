package match_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"muster/internal/match/matchtest"
)

var update = flag.Bool("update", false, "write what comes out into the scripts, to be read before it is committed")

// TestScripts runs the match scripts: these advisories, this inventory,
// exactly these matches.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) { runScript(t, path) })
	}
}

func runScript(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	script, err := matchtest.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	got, err := script.Run()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		writeMatches(t, path, data, got)
		return
	}
	if got != script.Want {
		t.Errorf("got\n%swant\n%s", got, script.Want)
	}
}

func writeMatches(t *testing.T, path string, data []byte, got string) {
	archive := txtar.Parse(data)
	for i := range archive.Files {
		if archive.Files[i].Name == "matches" {
			archive.Files[i].Data = []byte(got)
		}
	}
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
