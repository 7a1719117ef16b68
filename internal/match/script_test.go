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
	list, err := script.Explain()
	if err != nil {
		t.Fatal(err)
	}
	why := matchtest.PrintExplained(list)
	if *update {
		writeMatches(t, path, data, map[string]string{"matches": got, "explained": why})
		return
	}
	if got != script.Want {
		t.Errorf("got\n%swant\n%s", got, script.Want)
	}
	if script.Explained != "" && why != script.Explained {
		t.Errorf("explained\n%swant\n%s", why, script.Explained)
	}
}

func writeMatches(t *testing.T, path string, data []byte, sections map[string]string) {
	archive := txtar.Parse(data)
	for i := range archive.Files {
		if text, ok := sections[archive.Files[i].Name]; ok {
			archive.Files[i].Data = []byte(text)
		}
	}
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestExplanationsAgree: for every rule that a script shows, --explain says
// that a package is affected exactly where the match is reported.
func TestExplanationsAgree(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		script, err := matchtest.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		list, err := script.Explain()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.Affected() != e.Reported {
				t.Errorf("%s:\n%s", filepath.Base(path), matchtest.PrintExplained([]matchtest.Explained{e}))
			}
		}
	}
}
