package policy

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestJudgementScripts holds Parse against the documents of testdata/judge.
func TestJudgementScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/judge/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	kinds := map[string]Kind{"identity": Identity, "managed": Managed, "trust": Trust, "control": Control, "resource": Resource}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var kind Kind
		want := ""
		for i, line := range strings.Split(string(text), "\n") {
			if line == "" || line[0] == '#' {
				continue
			}
			if name, verdict, ok := strings.Cut(line, ": "); ok && line[0] != '{' {
				kind, ok = kinds[name]
				want = verdict
				if !ok {
					t.Fatalf("%s:%d: what is %s?", file, i+1, name)
				}
				continue
			}
			if got := judge(line, kind); got != want {
				t.Errorf("%s:%d: %s\n got %s\nwant %s", file, i+1, line, got, want)
			}
		}
	}
}

// judge takes a document, or one statement for a document around it.
func judge(text string, kind Kind) string {
	if strings.HasPrefix(text, `{"`) && !strings.Contains(text, `"Statement`) && !strings.Contains(text, `"Version`) {
		text = `{"Version":"2012-10-17","Statement":` + text + `}`
	}
	_, err := Parse(text, kind)
	if m, ok := errors.AsType[*Malformed](err); ok {
		return m.Message
	}
	return "accepted"
}

func TestSizeAndDepthAreBounded(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("[", 100000),
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}` + strings.Repeat(" ", MaxSize),
	} {
		if got := judge(text, Identity); got != "Syntax errors in policy." {
			t.Errorf("%.20s…: %s", text, got)
		}
	}
}

// TestAShortARNStandsForAllThatFollows: the parts an ARN lacks are any.
func TestAShortARNStandsForAllThatFollows(t *testing.T) {
	d, err := Parse(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:sns:eu-west-1"}}`, Identity)
	if err != nil {
		t.Fatal(err)
	}
	for resource, want := range map[string]bool{
		"arn:aws:sns:eu-west-1:111111111111:topic": true,
		"arn:aws:sns:eu-west-2:111111111111:topic": false,
		"arn:aws:sns:eu-west-1":                    false,
	} {
		got := Policies{Identity: []*Document{d}}.Evaluate(Request{Principal: callers["user"], Action: "sns:Publish", Resource: resource})
		if got.Allowed != want {
			t.Errorf("%s: %+v", resource, got)
		}
	}
}

func TestDatesAreRead(t *testing.T) {
	for text, want := range map[string]float64{
		"1970-01-01T00:00:00Z":      0,
		"1970":                      0,
		"1970-01":                   0,
		"1970-1-2T1":                90000,
		"1970-01-01t01:00:00.25+01": 0.25,
		"1970-01-01T00:00:00-01:30": 5400,
		"2026-11-22T08:00:00+00:00": 1795334400,
		"1795334400":                1795334400,
		"-292275054":                -9223372028741760000 / 1000,
		"-1-01-01":                  -62198755200,
	} {
		if got, ok := date(text); !ok || math.Abs(got-want) > math.Abs(want)*1e-6 {
			t.Errorf("%s is %f, %v; want %f", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "T", "-", "1970-00", "1970-01-32", "1970-01-01T24", "1970-01-01T00:60", "1970-01-01T00:00:00+24", "1970-01-01T00:00:00+00:60", "NaN", "1e300"} {
		if got, ok := date(text); ok {
			t.Errorf("%s is %f", text, got)
		}
	}
}

func TestPrincipalsAreListed(t *testing.T) {
	d, err := Parse(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":["111111111111","arn:aws:iam::1:x"],"Service":"a.b"},"Action":"sts:AssumeRole"}]}`, Trust)
	if err == nil {
		t.Fatalf("accepted a malformed ARN: %v", d.Principals())
	}
	d, err = Parse(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":["111111111111","arn:aws:iam::222222222222:role/a/b"],"Service":"a.b"},"Action":"sts:AssumeRole"},
		{"Effect":"Deny","NotPrincipal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`, Trust)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"111111111111", "arn:aws:iam::222222222222:role/a/b", "*"}; !slices.Equal(d.Principals(), want) {
		t.Errorf("got %v, want %v", d.Principals(), want)
	}
}
