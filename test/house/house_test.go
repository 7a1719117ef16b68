// Package house holds the tests of the project as a whole: which way imports
// point, that packages say what they are, that documents list what exists.
package house

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

type goPackage struct {
	ImportPath  string
	Name        string
	Doc         string
	Dir         string
	GoFiles     []string
	Imports     []string
	TestImports []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Dir,GoFiles,Imports,TestImports", "muster/...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatalf("go list: %v", err)
		}
		list = append(list, p)
	}
	return list
}

// floor is a storey of the house; imports go down only.
type floor int

const (
	words floor = iota
	lineOrCellar
	desks
	doors
	assembly
	command
)

// rooms says on which storey each room lies, and for the middle storey in
// which wing, because the line and the cellar do not know each other.
var rooms = map[string]struct {
	floor floor
	wing  string
}{
	"arn": {words, ""}, "admit": {words, ""}, "inventory": {words, ""}, "advisory": {words, ""}, "version": {words, ""},
	"finding": {words, ""}, "indent": {words, ""}, "awsmodel": {words, ""}, "pagetoken": {words, ""}, "policy": {words, ""},
	"agentwire": {words, ""}, "config": {words, ""}, "orgpolicy": {words, ""},

	"source": {lineOrCellar, "line"}, "extract": {lineOrCellar, "line"}, "feed": {lineOrCellar, "line"},
	"match": {lineOrCellar, "line"}, "suppress": {lineOrCellar, "line"}, "sbom": {lineOrCellar, "line"}, "vex": {lineOrCellar, "line"},
	"network": {lineOrCellar, "line"}, "collect": {lineOrCellar, "line"}, "bucket": {lineOrCellar, "line"}, "webidentity": {lineOrCellar, "line"},

	"store": {lineOrCellar, "cellar"}, "advisorydb": {lineOrCellar, "cellar"}, "keyring": {lineOrCellar, "cellar"},
	"worker": {lineOrCellar, "cellar"},

	"iam": {desks, ""}, "sts": {desks, ""}, "organizations": {desks, ""}, "inspector": {desks, ""},
	"fleet": {desks, ""}, "functions": {desks, ""}, "scan": {desks, ""}, "refresh": {desks, ""}, "event": {desks, ""}, "scanner": {desks, ""}, "sbomscan": {desks, ""}, "access": {desks, ""}, "audit": {desks, ""}, "jobs": {desks, ""},
	"registry": {desks, ""}, "code": {desks, ""}, "ecr": {desks, ""}, "reach": {desks, ""}, "rollout": {desks, ""}, "doctor": {desks, ""}, "fault": {desks, ""}, "regions": {desks, ""},

	"awsapi": {doors, ""}, "agentapi": {doors, ""}, "registryapi": {doors, ""}, "codeapi": {doors, ""}, "console": {doors, ""}, "report": {doors, ""},

	"client": {assembly, ""}, "server": {assembly, ""}, "agent": {assembly, ""}, "cluster": {assembly, ""}, "up": {assembly, ""}, "emulate": {assembly, ""}, "cli": {assembly, ""},
}

// room is the first folder below internal/, or "" for what is not in a room.
func room(importPath string) string {
	rest, ok := strings.CutPrefix(importPath, "muster/internal/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// testHelper reports whether a package serves tests only, by the standard
// library's naming (storetest, matchtest).
func testHelper(importPath string) bool {
	return strings.HasSuffix(importPath, "test") || importPath == "muster/internal/testshared"
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		from := room(p.ImportPath)
		if from == "" || testHelper(p.ImportPath) {
			continue
		}
		here, known := rooms[from]
		if !known {
			t.Errorf("%s lies in no room of the list: name its storey here and in docs/architecture.md", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if testHelper(imp) {
				t.Errorf("%s imports the test helper %s outside tests", p.ImportPath, imp)
			}
			to := room(imp)
			if to == "" || to == from {
				continue
			}
			there := rooms[to]
			switch {
			case there.floor > here.floor:
				t.Errorf("%s imports %s: imports point down (doors → desks → line or cellar → words)", p.ImportPath, imp)
			case there.floor == here.floor && here.wing != there.wing:
				t.Errorf("%s imports %s: the line reaches out or works things out, the cellar remembers; they do not know each other", p.ImportPath, imp)
			}
		}
	}
}

// asClient reports whether a package of the server calls services that speak
// AWS's protocols.
func asClient(importPath string) bool {
	return importPath == "muster/internal/event/send" || importPath == "muster/internal/bucket" || room(importPath) == "collect"
}

// TestBorders lists imports that would undo a decision, each with its reason.
func TestBorders(t *testing.T) {
	for _, p := range packages(t) {
		from := room(p.ImportPath)
		for _, imp := range p.Imports {
			switch {
			case imp == "database/sql" && from != "store" && from != "":
				t.Errorf("%s imports database/sql: only the cellar speaks SQL", p.ImportPath)
			case strings.HasPrefix(imp, "muster/internal/awsmodel/") && rooms[from].floor < desks && from != "awsmodel" && from != "":
				t.Errorf("%s imports %s: AWS's shapes stop at the desks", p.ImportPath, imp)
			case imp == "testing" && from != "" && !testHelper(p.ImportPath):
				t.Errorf("%s imports testing outside tests", p.ImportPath)
			case imp == "github.com/google/osv-scalibr":
				t.Errorf("%s imports osv-scalibr's root: it pulls every plugin and cloud client; import extractors one by one", p.ImportPath)
			case strings.HasPrefix(imp, "github.com/aws/aws-sdk-go-v2") && from != "up" && from != "client" && from != "" && !asClient(p.ImportPath):
				t.Errorf("%s imports %s: the SDK is a client of ours; the server is its client only to send events, to store exports and to ask accounts about their networks", p.ImportPath, imp)
			}
		}
	}
}

// TestNetworkRoomsPointDown: inside the network room each sub-room imports only
// those before it in the list, so that facts stay free of analysis and
// analysis of words.
func TestNetworkRoomsPointDown(t *testing.T) {
	order := map[string]int{}
	for i, name := range []string{"facts", "space", "guard", "routing", "topology", "paths", "ask", "", "exposure", "tell"} {
		order[name] = i
	}
	const root = "muster/internal/network"
	for _, p := range packages(t) {
		from, inside := strings.CutPrefix(p.ImportPath, root)
		if !inside || testHelper(p.ImportPath) {
			continue
		}
		here, known := order[strings.TrimPrefix(from, "/")]
		if !known {
			t.Errorf("%s is not in the order of the network's rooms", p.ImportPath)
		}
		for _, imp := range p.Imports {
			if to, ok := strings.CutPrefix(imp, root); ok && order[strings.TrimPrefix(to, "/")] >= here {
				t.Errorf("%s imports %s, which comes after it", p.ImportPath, imp)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		switch base := path.Base(p.ImportPath); base {
		case "util", "utils", "common", "helpers", "helper", "misc":
			t.Errorf("%s: %q says nothing; name the idea", p.ImportPath, base)
		}
	}
}

// TestArchitectureNamesEveryRoom keeps docs/architecture.md true.
func TestArchitectureNamesEveryRoom(t *testing.T) {
	page := readFile(t, "docs/architecture.md")
	for name := range rooms {
		if _, err := os.Stat(filepath.Join("..", "..", "internal", name)); err != nil {
			t.Errorf("the room %q is in the list and not in the house", name)
		}
		if !strings.Contains(page, fmt.Sprintf("`%s", name)) {
			t.Errorf("docs/architecture.md does not name the room %q", name)
		}
	}
}
