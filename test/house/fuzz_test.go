package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// decoders are the packages with which bytes are taken apart.
var decoders = []string{"encoding/", "archive/", "compress/", "debug/", "gopkg.in/yaml", "github.com/klauspost/compress"}

// unfuzzed are packages that import a decoder and have no fuzz target, each
// with its reason, by the beginning of their path below internal.
var unfuzzed = map[string]string{
	"store/":                 "what the server itself wrote",
	"store":                  "what the server itself wrote",
	"awsmodel/":              "generated shapes; awsapi/wire reads them",
	"config":                 "the operator's own file",
	"cli/":                   "writes JSON only",
	"cli":                    "the user's own words; what files say is read by the rooms below",
	"client":                 "answers of the server that one signed in to",
	"up":                     "answers of the server that it started",
	"doctor":                 "writes JSON only",
	"server":                 "writes JSON only",
	"server/trace":           "writes JSON and identifiers only",
	"emulate":                "its own marker in a folder",
	"cluster":                "answers of the cluster whose service account runs it",
	"agent":                  "its own spool and state, and answers of its server",
	"audit":                  "writes JSON only",
	"event":                  "writes JSON only; answers are not read",
	"event/":                 "writes JSON only; answers are not read",
	"finding/eventform":      "writes JSON only",
	"finding/criteria":       "what the server itself wrote; requests are read by awsapi/wire",
	"inspector":              "payloads of its own jobs; requests are read by awsapi/wire",
	"inspector/":             "payloads of its own jobs; requests are read by awsapi/wire",
	"organizations":          "payloads of its own jobs; requests are read by awsapi/wire",
	"ecr":                    "writes JSON only; manifests are read by source/registry",
	"access":                 "writes JSON only",
	"iam":                    "payloads of its own; documents are read by policy, requests by awsapi/wire",
	"iam/":                   "payloads of its own; documents are read by policy, requests by awsapi/wire",
	"sts":                    "its own sealed tokens",
	"rollout":                "payloads of its own jobs",
	"refresh":                "payloads of its own jobs",
	"refresh/compile":        "opens what feed/osv, feed/oval and the others read; archives by extract/bounded",
	"scan":                   "payloads of its own jobs",
	"scanner/knowledge":      "its own cache",
	"functions":              "archives are read by source/zipped, stored inventories by agentwire",
	"registry":               "payloads of its own jobs; notices are read by registry/notice, answers by source/registry",
	"ecr/pass":               "opens what it has sealed itself, and nothing else",
	"registry/hosted":        "payloads of its own jobs; manifests are read by source/registry, configurations by go-containerregistry's parser from a bounded reader",
	"registry/eligible":      "payloads of its own jobs",
	"code":                   "one json.Unmarshal of a bounded notice into numbers and names",
	"agentapi":               "one json.Unmarshal of a bounded body; reports and signatures are read by agentwire",
	"console":                "its own files",
	"extract":                "one json.Unmarshal of a bounded file into one flag",
	"source/layers/remember": "its own cache, whose entries are held against their checksums",
	"feed/fetch":             "lists of names, of bounded size; what it fetches is read by the rooms of the publishers",
	"feed/fetch/":            "lists of names, of bounded size; what it fetches is read by the rooms of the publishers",
	"inventory":              "writes a hash only",
	"fleet":                  "what the server itself wrote; reports are read by agentwire",
	"network/space":          "arithmetic of addresses",
}

// TestParsersAreFuzzed: whatever takes foreign bytes apart has a fuzz target,
// which test/fuzz.sh finds and CI runs, or a reason why not.
func TestParsersAreFuzzed(t *testing.T) {
	target := regexp.MustCompile(`(?m)^func Fuzz`)
	used := map[string]bool{}
	for _, p := range packages(t) {
		rest, ok := strings.CutPrefix(p.ImportPath, "muster/internal/")
		if !ok || testHelper(p.ImportPath) || !decodes(p.Imports) || fuzzed(t, p.Dir, target) {
			continue
		}
		key := rest // the package, else the folders above it
		for key != "" && unfuzzed[key] == "" {
			dir := strings.TrimSuffix(key, "/")
			key = dir[:strings.LastIndex(dir, "/")+1]
		}
		if key == "" {
			t.Errorf("%s takes bytes apart and has no fuzz target: add one, or the reason why not to unfuzzed", p.ImportPath)
		}
		used[key] = true
	}
	for key := range unfuzzed {
		if !used[key] {
			t.Errorf("unfuzzed has %s, which is fuzzed, or takes nothing apart", key)
		}
	}
}

func decodes(imports []string) bool {
	for _, i := range imports {
		for _, d := range decoders {
			if strings.HasPrefix(i, d) && i != "encoding/hex" && i != "encoding/base64" && i != "encoding/pem" && i != "encoding" {
				return true
			}
		}
	}
	return false
}

func fuzzed(t *testing.T, dir string, target *regexp.Regexp) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if target.Match(text) {
			return true
		}
	}
	return false
}

// TestThreatModelNamesTests: a bound of the threat model names the test that
// holds it, and the test exists.
func TestThreatModelNamesTests(t *testing.T) {
	text, err := os.ReadFile("../../docs/threat-model.md")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, root := range []string{"../../internal", "../../test"} {
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			code, err := os.ReadFile(path)
			all.Write(code)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+)`").FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(all.String(), "func "+name[1]+"(") {
			t.Errorf("docs/threat-model.md names %s, which is no test", name[1])
		}
	}
}
