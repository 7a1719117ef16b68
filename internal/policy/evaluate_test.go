package policy

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"muster/internal/arn"
)

var callers = map[string]arn.Principal{
	"user": {Kind: arn.User, Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/ada", ID: "AIDAEXAMPLE"},
	"root": {Kind: arn.RootUser, Account: "111111111111", ARN: "arn:aws:iam::111111111111:root", ID: "111111111111"},
	"role": {
		Kind: arn.AssumedRole, Account: "111111111111", ID: "AROAEXAMPLE:run",
		ARN: "arn:aws:sts::111111111111:assumed-role/Ops/run", RoleARN: "arn:aws:iam::111111111111:role/Ops",
	},
}

var layers = map[string]Layer{
	"control": ControlLayer, "resource": ResourceLayer, "identity": IdentityLayer,
	"boundary": BoundaryLayer, "session": SessionLayer,
}

// TestEvaluateScripts runs testdata/evaluate; testdata/README.md describes
// the form.
func TestEvaluateScripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/evaluate/*.txt")
	if len(files) < 9 {
		t.Fatalf("only %d scripts", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			policies, asks := load(t, archive)
			for line := range strings.Lines(asks) {
				ask(t, policies, strings.Fields(line))
			}
		})
	}
}

func load(t *testing.T, archive *txtar.Archive) (p Policies, asks string) {
	levels := map[string]int{}
	for _, f := range archive.Files {
		layer, rest, _ := strings.Cut(f.Name, "-")
		var docs []*Document
		if text := strings.TrimSpace(string(f.Data)); text != "" && layer != "ask" {
			docs = append(docs, parse(t, text, layer))
		}
		switch layer {
		case "ask":
			asks = string(f.Data)
		case "identity":
			p.Identity = append(p.Identity, docs...)
		case "boundary":
			p.Boundary = append(append([]*Document{}, p.Boundary...), docs...)
		case "session":
			p.Session = append(append([]*Document{}, p.Session...), docs...)
		case "control":
			level, _, _ := strings.Cut(rest, "-")
			if _, ok := levels[level]; !ok {
				levels[level] = len(p.Control)
				p.Control = append(p.Control, nil)
			}
			p.Control[levels[level]] = append(p.Control[levels[level]], docs...)
		case "resource":
			p.Resource, p.ResourceAccount = docs[0], "222222222222"
			if rest == "own" {
				p.ResourceAccount = "111111111111"
			}
		default:
			t.Fatalf("unknown file %s", f.Name)
		}
	}
	return p, asks
}

func parse(t *testing.T, text, layer string) *Document {
	t.Helper()
	kind := map[string]Kind{"control": Control, "resource": Trust}[layer]
	d, err := Parse(text, kind)
	if err != nil {
		t.Fatalf("%s: %v\n%s", layer, err, text)
	}
	return d
}

func ask(t *testing.T, p Policies, f []string) {
	t.Helper()
	if len(f) < 3 {
		t.Fatalf("cannot read %v", f)
	}
	r := Request{Principal: callers["user"], Action: f[1], Resource: f[2], Context: Context{}}
	rest := f[3:]
	if len(rest) > 1 && rest[0] == "as" {
		r.Principal, rest = callers[rest[1]], rest[2:]
	}
	for _, kv := range rest {
		k, v, _ := strings.Cut(kv, "=")
		r.Context.Set(k, strings.Split(v, ",")...)
	}
	want := Decision{Allowed: f[0] == "allow"}
	if how, layer, ok := strings.Cut(f[0], ":"); ok {
		want = Decision{Explicit: how == "deny", Layer: layers[layer]}
	}
	if got := p.Evaluate(r); got != want {
		t.Errorf("%s\n\tgot %+v", strings.Join(f, " "), got)
	}
}
