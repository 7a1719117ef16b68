package policy

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Small alphabets make statements and requests meet often.
func actionPattern() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"*", "s:*", "s:A", "s:A*", "s:?", "s:B", "r:A", "r:*"})
}

func resourcePattern() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"*", "arn:aws:s:::x", "arn:aws:s:::*", "arn:aws:s:::${k:k}", "arn:aws:s:*:*:y"})
}

func conditions() *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		op := rapid.SampledFrom([]string{"StringEquals", "StringNotEquals", "StringLikeIfExists", "Null", "ForAllValues:StringEquals", "ForAnyValue:StringNotEquals", "Bool"}).Draw(t, "op")
		value := rapid.SampledFrom([]string{"true", "false"}).Draw(t, "value")
		return map[string]any{op: map[string]any{"k:k": value}}
	})
}

func statements(effects ...string) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		not := func(name string) string {
			return rapid.SampledFrom([]string{"", "", "Not"}).Draw(t, "not") + name
		}
		s := map[string]any{
			"Effect":        rapid.SampledFrom(effects).Draw(t, "effect"),
			not("Action"):   rapid.SliceOfN(actionPattern(), 1, 2).Draw(t, "actions"),
			not("Resource"): rapid.SliceOfN(resourcePattern(), 1, 2).Draw(t, "resources"),
		}
		if rapid.Bool().Draw(t, "conditional") {
			s["Condition"] = conditions().Draw(t, "condition")
		}
		return s
	})
}

func document(t *rapid.T, statements []map[string]any) *Document {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse(string(text), Identity)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return d
}

func requests() *rapid.Generator[Request] {
	return rapid.Custom(func(t *rapid.T) Request {
		c := Context{}
		c.Set("k:k", rapid.SliceOfN(rapid.SampledFrom([]string{"true", "false", "x"}), 0, 2).Draw(t, "k")...)
		return Request{
			Principal: callers[rapid.SampledFrom([]string{"user", "role", "root"}).Draw(t, "who")],
			Action:    rapid.SampledFrom([]string{"s:A", "s:B", "r:A", "S:a"}).Draw(t, "action"),
			Resource:  rapid.SampledFrom([]string{"*", "arn:aws:s:::x", "arn:aws:s:::y", "arn:aws:r:::true"}).Draw(t, "resource"),
			Context:   c,
		}
	})
}

// place puts a document into one layer.
func place(t *rapid.T, p Policies, d *Document) Policies {
	switch rapid.IntRange(0, 3).Draw(t, "layer") {
	case 0:
		p.Identity = append(append([]*Document{}, p.Identity...), d)
	case 1:
		p.Boundary = append(append([]*Document{}, p.Boundary...), d)
	case 2:
		p.Session = append(append([]*Document{}, p.Session...), d)
	default:
		p.Control = append(append([][]*Document{}, p.Control...), []*Document{d})
	}
	return p
}

func TestAddingADenyNeverWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(statements("Allow", "Deny"), 1, 4).Draw(t, "statements")
		deny := statements("Deny").Draw(t, "deny")
		r := requests().Draw(t, "request")
		before := Policies{Identity: []*Document{document(t, list)}}
		inside := Policies{Identity: []*Document{document(t, append(list, deny))}}
		beside := place(t, before, document(t, []map[string]any{deny}))
		was := before.Evaluate(r)
		for _, after := range []Policies{inside, beside} {
			if now := after.Evaluate(r); now.Allowed && !was.Allowed {
				t.Fatalf("a deny turned %+v into %+v", was, now)
			}
		}
	})
}

func TestAddingALayerNeverWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(statements("Allow", "Deny"), 1, 3).Draw(t, "statements")
		r := requests().Draw(t, "request")
		before := Policies{Identity: []*Document{document(t, list)}}
		layer := document(t, rapid.SliceOfN(statements("Allow", "Deny"), 1, 3).Draw(t, "layer"))
		after := before
		switch rapid.IntRange(0, 2).Draw(t, "which") {
		case 0:
			after.Boundary = []*Document{layer}
		case 1:
			after.Session = []*Document{layer}
		default:
			after.Control = [][]*Document{{layer}}
		}
		if after.Evaluate(r).Allowed && !before.Evaluate(r).Allowed {
			t.Fatal("a further layer allowed what was denied without it")
		}
	})
}

func TestGlobAgreesWithRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab*?$]{0,10}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab$]{0,12}`).Draw(t, "text")
		want := regexp.QuoteMeta(text)
		want = strings.ReplaceAll(strings.ReplaceAll(want, `\*`, `.*`), `\?`, `.`)
		p := compile(text, syntax{wildcards: true})
		if got, _ := p.match(s, nil); got != regexp.MustCompile("^"+want+"$").MatchString(s) {
			t.Fatalf("%q matches %q: %v", text, s, got)
		}
	})
}

// FuzzParse wants no panic, neither in parsing nor in deciding.
func FuzzParse(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:user/${aws:username}","Condition":{"ForAnyValue:StringNotLikeIfExists":{"aws:TagKeys":["a*"]}}}]}`)
	f.Add(`{"Version":"2008-10-17","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"*"},"NotAction":["sts:*"],"Condition":{"DateLessThan":{"aws:CurrentTime":"2026"},"NumericEquals":{"a:b":1e9}}}}`)
	f.Add(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:A","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:${a:b}:*"},"IpAddress":{"aws:SourceIp":"::/0"}}}}`)
	c := Context{}
	c.Set("aws:username", "a:b")
	c.Set("aws:TagKeys", "a", "b")
	c.Set("aws:SourceIp", "192.0.2.1")
	c.Set("aws:PrincipalArn", "arn:aws:iam::111111111111:user/ada")
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []Kind{Identity, Managed, Trust, Control, Resource} {
			d, err := Parse(text, kind)
			if err != nil {
				continue
			}
			p := Policies{Identity: []*Document{d}, Resource: d, ResourceAccount: "111111111111"}
			p.Evaluate(Request{Principal: callers["user"], Action: "iam:GetUser", Resource: "arn:aws:iam::1:user/a:b", Context: c})
		}
	})
}

func BenchmarkEvaluate(b *testing.B) {
	d, err := Parse(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["iam:Get*","iam:List*","organizations:Describe*"],"Resource":"*"},
		{"Effect":"Allow","Action":"inspector2:*","Resource":"arn:aws:inspector2:*:${aws:PrincipalAccount}:*"},
		{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}]}`, Identity)
	if err != nil {
		b.Fatal(err)
	}
	c := Context{}
	c.Set("aws:SourceIp", "192.0.2.1")
	c.Set("aws:PrincipalAccount", "111111111111")
	p := Policies{Identity: []*Document{d}}
	r := Request{Principal: callers["user"], Action: "inspector2:ListFindings", Resource: "arn:aws:inspector2:us-east-1:111111111111:/findings/list", Context: c}
	b.ReportAllocs()
	for b.Loop() {
		if !p.Evaluate(r).Allowed {
			b.Fatal("denied")
		}
	}
}
