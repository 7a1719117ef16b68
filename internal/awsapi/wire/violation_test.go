package wire_test

import (
	"errors"
	"strings"
	"testing"

	"muster/internal/awsapi/wire"
	"muster/internal/awsapi/wiretest"
	"muster/internal/awsmodel"
)

// find returns an operation and the codec of its service.
func find(t testing.TB, action string) (*wire.Codec, *awsmodel.Operation) {
	t.Helper()
	for _, s := range wiretest.Services() {
		for i := range s.Operations {
			if s.Operations[i].Action() == action {
				return wire.New(s.Model, wire.DefaultLimits()), &s.Operations[i]
			}
		}
	}
	t.Fatalf("no operation %s", action)
	return nil, nil
}

func decode(t testing.TB, action, body string) (any, error) {
	t.Helper()
	codec, op := find(t, action)
	in := op.NewInput()
	if op.Service == "iam" || op.Service == "sts" {
		form, err := wire.ParseForm(body)
		if err != nil {
			return in, err
		}
		return in, codec.DecodeForm(op, form, in)
	}
	form, err := wire.ParseForm("")
	if err != nil {
		t.Fatal(err)
	}
	if op.Service == "inspector2" || op.Service == "inspector-scan" {
		return in, codec.DecodeREST(op, &wire.RESTRequest{Query: form, Body: []byte(body)}, in)
	}
	return in, codec.DecodeJSON(op, []byte(body), in)
}

// TestViolations holds the messages to AWS's words.
func TestViolations(t *testing.T) {
	const types = "[EC2, ECR, LAMBDA, LAMBDA_CODE, CODE_REPOSITORY]"
	tests := []struct{ name, action, body, want string }{
		{
			"missing", "inspector2:AssociateMember", `{}`,
			"1 validation error detected: Value null at 'accountId' failed to satisfy constraint: Member must not be null",
		},
		{
			"null is missing", "inspector2:AssociateMember", `{"accountId":null}`,
			"1 validation error detected: Value null at 'accountId' failed to satisfy constraint: Member must not be null",
		},
		{
			"length and pattern are two", "inspector2:AssociateMember", `{"accountId":"12x"}`,
			"2 validation errors detected: Value '12x' at 'accountId' failed to satisfy constraint: Member must have length greater than or equal to 12; " +
				`Value '12x' at 'accountId' failed to satisfy constraint: Member must satisfy regular expression pattern: \d{12}`,
		},
		{
			"enumeration in a list", "inspector2:Enable", `{"resourceTypes":["LAMBDACODE"]}`,
			"1 validation error detected: Value at 'resourceTypes' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: " + types + "]",
		},
		{
			"several at once", "inspector2:Enable", `{"accountIds":["1"],"resourceTypes":[]}`,
			"2 validation errors detected: Value at 'accountIds' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 12, " +
				`Member must have length greater than or equal to 12, Member must satisfy regular expression pattern: \d{12}]; ` +
				"Value at 'resourceTypes' failed to satisfy constraint: Member must have length greater than or equal to 1",
		},
		{
			"deep inside", "inspector2:ListFindings",
			`{"filterCriteria":{"severity":[{"comparison":"LIKE","value":""}]},"maxResults":101}`,
			"3 validation errors detected: Value 'LIKE' at 'filterCriteria.severity.1.member.comparison' failed to satisfy constraint: Member must satisfy enum value set: [EQUALS, PREFIX, NOT_EQUALS]; " +
				"Value '' at 'filterCriteria.severity.1.member.value' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
				"Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100",
		},
		{
			"map", "inspector2:CreateFilter", `{"action":"NONE","name":"n","filterCriteria":{},"tags":{"":"v"}}`,
			"1 validation error detected: Value at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 128, " +
				`Member must have length greater than or equal to 1]`,
		},
		{
			"wrong types are named too", "inspector2:ListFindings", `{"maxResults":"5","nextToken":5,"filterCriteria":[]}`,
			"3 validation errors detected: Value at 'maxResults' failed to satisfy constraint: Member must be a 32-bit integer; " +
				"Value at 'nextToken' failed to satisfy constraint: Member must be a string; " +
				"Value at 'filterCriteria' failed to satisfy constraint: Member must be a structure",
		},
		{
			"null in a list", "inspector2:Enable", `{"resourceTypes":["EC2",null]}`,
			"1 validation error detected: Value null at 'resourceTypes.2.member' failed to satisfy constraint: Member must not be null",
		},
		{
			"union with none", "inspector2:ListFindingAggregations", `{"aggregationType":"AMI","aggregationRequest":{}}`,
			"1 validation error detected: Value at 'aggregationRequest' failed to satisfy constraint: Member must have exactly one of its members set",
		},
		{
			"organizations lowers the first letter", "organizations:CreateAccount", `{"Email":"x","AccountName":""}`,
			"4 validation errors detected: Value at 'email' failed to satisfy constraint: Member must have length greater than or equal to 6; " +
				`Value at 'email' failed to satisfy constraint: Member must satisfy regular expression pattern: [^\s@]+@[^\s@]+\.[^\s@]+; ` +
				"Value at 'accountName' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
				`Value at 'accountName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0020-\u007E]+`,
		},
		{
			"lists are shown", "organizations:UntagResource", `{"ResourceId":"r-abcd","TagKeys":["","ok"]}`,
			"1 validation error detected: Value '[, ok]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 128, " +
				`Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$]`,
		},
		{
			"query", "iam:CreateUser", "UserName=a%20b&Path=x&Tags.member.1.Key=k",
			"3 validation errors detected: Value 'x' at 'path' failed to satisfy constraint: Member must satisfy regular expression pattern: (\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F); " +
				"Value 'a b' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+; " +
				"Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null",
		},
		{
			"query types", "iam:ListUsers", "MaxItems=many",
			"1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must be a 32-bit integer",
		},
		{
			"sensitive values are not echoed", "iam:CreateLoginProfile", "UserName=u&Password=%E2%82%AC",
			"1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
		},
		{
			"NUL", "inspector2:CreateFilter", `{"action":"NONE","name":"a\u0000b","filterCriteria":{}}`,
			"1 validation error detected: Value 'a\x00b' at 'name' failed to satisfy constraint: Member must not contain the character U+0000",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decode(t, tt.action, tt.body)
			invalid, ok := errors.AsType[*wire.Invalid](err)
			if !ok {
				t.Fatalf("got %v, want violations", err)
			}
			if invalid.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", invalid, tt.want)
			}
		})
	}
}

// TestViolationsAreBounded sends a list of nothing but wrong elements.
func TestViolationsAreBounded(t *testing.T) {
	body := `{"filterCriteria":{"severity":[` + strings.Repeat(`{},`, 5000) + `{}]}}`
	_, err := decode(t, "inspector2:ListFindings", body)
	invalid, ok := errors.AsType[*wire.Invalid](err)
	if !ok || len(invalid.Violations) > wire.MaxViolations || len(invalid.Error()) > 64<<10 {
		t.Fatalf("got %.200v", err)
	}
	_, err = decode(t, "inspector2:AssociateMember", `{"accountId":"`+strings.Repeat("x", 1<<20)+`"}`)
	if len(err.Error()) > 2048 {
		t.Errorf("the message has %d bytes", len(err.Error()))
	}
}

// TestElementsAreBounded sends more elements than a request may have: they are
// refused, and not built.
func TestElementsAreBounded(t *testing.T) {
	codec, op := find(t, "ecr:BatchGetImage")
	in := op.NewInput()
	body := `{"repositoryName":"ab","imageIds":[` + strings.Repeat(`{},`, 300_000) + `{}]}`
	err := codec.DecodeJSON(op, []byte(body), in)
	if err == nil || !strings.Contains(err.Error(), "less than or equal to 100") {
		t.Errorf("got %.200v", err)
	}
	codec, op = find(t, "inspector2:ListCoverage")
	body = `{"filterCriteria":{"resourceId":[` + strings.Repeat(`{"comparison":"EQUALS","value":"v"},`, 1000) + `{}]}}`
	if _, err := decode(t, op.Action(), body); err == nil {
		t.Error("a list beyond its maximum was accepted")
	}
	_ = codec
}

// TestSyntax lists bodies that are not well-formed.
func TestSyntax(t *testing.T) {
	for _, body := range []string{
		`{`, `}`, `[]`, `null`, `"text"`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{"a":01}`, `{"a":+1}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`,
		`{"a":tru}`, `{"a":NaN}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\ud800"}`, "{\"a\":\"\n\"}", "{\"a\":\"\xff\"}", `{"a":"x`, `{}{}`, `{} x`,
		`{"accountId":"123456789012","accountId":"210987654321"}`, "{}\x00", "\x00", `{"a":[1,2}`, `{"a":{]}`, `{"a":[,1]}`,
		`{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
	} {
		_, err := decode(t, "inspector2:AssociateMember", body)
		if _, ok := errors.AsType[*wire.SyntaxError](err); !ok {
			t.Errorf("%.60q: got %v, want a syntax error", body, err)
		}
	}
	for _, form := range []string{"a=%", "a=%zz", "%=1", "=1", "UserName=a&UserName=b", "Tags.member.x.Key=1", "Tags.member.0.Key=1", "Tags.member.01.Key=1", strings.Repeat("a.", 40) + "=1", strings.Repeat("a=1&", 30_000)} {
		_, err := decode(t, "iam:CreateUser", form)
		if _, ok := errors.AsType[*wire.SyntaxError](err); !ok {
			t.Errorf("%.60q: got %v, want a syntax error", form, err)
		}
	}
}

// TestLenience lists what must be accepted.
func TestLenience(t *testing.T) {
	for _, tt := range []struct{ action, body string }{
		{"inspector2:ListFindings", ``},
		{"inspector2:ListFindings", ` `},
		{"inspector2:ListFindings", `{"new":{"members":["of",2030,null,true]},"maxResults":1.0e1}`},
		{"inspector2:ListFindings", `{"filterCriteria":null,"sortCriteria":null}`},
		{"inspector2:ListFindings", `{"nextToken":""}`},
		{"organizations:ListRoots", ``},
		{"iam:CreateUser", "UserName=a%2Bb&Unknown=1&Tags="},
		{"iam:CreateUser", "UserName=a&Tags.member.3.Key=k&Tags.member.3.Value=v&Tags.member.10.Key=l&Tags.member.10.Value=v"},
	} {
		if _, err := decode(t, tt.action, tt.body); err != nil {
			t.Errorf("%s %q: %v", tt.action, tt.body, err)
		}
	}
}
