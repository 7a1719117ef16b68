package policy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// holds reports whether a condition holds for the values of key k:v, with a
// user named ada in a team without a name.
func holds(t *testing.T, operator string, want any, have ...string) bool {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": map[string]any{
		"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": map[string]any{operator: map[string]any{"k:v": want}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse(string(text), Identity)
	if err != nil {
		t.Fatalf("%s %v: %v", operator, want, err)
	}
	c := Context{}
	c.Set("aws:username", "ada")
	c.Set("aws:star", "*")
	c.Set("K:V", have...)
	return Policies{Identity: []*Document{d}}.Evaluate(Request{Principal: callers["user"], Action: "s:A", Resource: "*", Context: c}).Allowed
}

type list = []string

// TestOperators is the table of condition operators: policy values, values of
// requests for which the condition holds, and values for which it does not.
// nil stands for an absent key.
func TestOperators(t *testing.T) {
	for _, c := range []struct {
		operator string
		want     any
		yes, no  []list
	}{
		{"StringEquals", "a", []list{{"a"}}, []list{{"A"}, {"ab"}, {""}, nil}},
		{"StringEquals", list{"a", "b"}, []list{{"a"}, {"b"}, {"c", "a"}}, []list{{"c"}, nil}},
		{"StringEquals", "a*", []list{{"a*"}}, []list{{"ab"}}},
		{"StringEquals", "${aws:username}", []list{{"ada"}}, []list{{"${aws:username}"}, {"Ada"}}},
		{"StringEquals", "${aws:none, 'guest'}", []list{{"guest"}}, []list{{"'guest'"}, {"ada"}}},
		{"StringEquals", "${aws:none}", nil, []list{{""}, {"${aws:none}"}, nil}},
		{"StringEquals", "${*}${?}${$}", []list{{"*?$"}}, []list{{"abc"}}},
		{"StringEquals", 12, []list{{"12"}}, []list{{"12.0"}}},
		{"StringEquals", true, []list{{"true"}}, []list{{"True"}}},
		{"StringNotEquals", "a", []list{{"b"}, {"A"}, nil}, []list{{"a"}, {"b", "a"}}},
		{"StringNotEquals", list{"a", "b"}, []list{{"c"}, nil}, []list{{"a"}, {"b"}}},
		{"StringEqualsIgnoreCase", "aB", []list{{"Ab"}, {"ab"}}, []list{{"abc"}, nil}},
		{"StringEqualsIgnoreCase", "${aws:USERNAME}", []list{{"ADA"}}, []list{{"bob"}}},
		{"StringNotEqualsIgnoreCase", "aB", []list{{"b"}, nil}, []list{{"AB"}}},
		{"StringLike", "a*c?", []list{{"acx"}, {"abbccd"}, {"a*c?"}}, []list{{"ac"}, {"Acx"}, {"xacx"}, nil}},
		{"StringLike", "*", []list{{""}, {"x"}}, []list{nil}},
		{"StringLike", "${aws:star}", []list{{"*"}}, []list{{"anything"}}},
		{"StringLike", "team/${aws:username}/*", []list{{"team/ada/x"}}, []list{{"team/bob/x"}}},
		{"StringNotLike", "a*", []list{{"b"}, nil}, []list{{"a"}, {"ab"}, {"b", "ab"}}},
		{"StringEqualsIfExists", "a", []list{{"a"}, nil}, []list{{"b"}}},
		{"StringNotEqualsIfExists", "a", []list{{"b"}, nil}, []list{{"a"}}},
		{"StringLikeIfExists", "a*", []list{{"ab"}, nil}, []list{{"b"}}},

		{"ForAllValues:StringEquals", list{"a", "b"}, []list{{"a"}, {"a", "b"}, nil}, []list{{"a", "c"}, {"c"}}},
		{"ForAnyValue:StringEquals", list{"a", "b"}, []list{{"a", "c"}, {"b"}}, []list{{"c"}, nil}},
		{"ForAllValues:StringNotEquals", list{"a", "b"}, []list{{"c"}, {"c", "d"}, nil}, []list{{"a"}, {"c", "a"}}},
		{"ForAnyValue:StringNotEquals", list{"a", "b"}, []list{{"c"}, {"a", "c"}}, []list{{"a"}, {"a", "b"}, nil}},
		{"ForAllValues:StringLike", list{"a*"}, []list{{"a", "ab"}, nil}, []list{{"a", "b"}}},
		{"ForAnyValue:StringLike", "a*", []list{{"b", "ab"}}, []list{{"b"}, nil}},
		{"ForAnyValue:StringLikeIfExists", "a*", []list{{"ab"}, nil}, []list{{"b"}}},
		{"ForAnyValue:StringNotLike", "a*", []list{{"ab", "b"}}, []list{{"ab"}, nil}},
		{"ForAllValues:NumericLessThan", 10, []list{{"1", "9"}, nil}, []list{{"1", "10"}}},
		{"ForAnyValue:Bool", "true", []list{{"false", "true"}}, []list{{"false"}, nil}},

		{"NumericEquals", "10", []list{{"10"}, {"10.0"}, {"1e1"}}, []list{{"11"}, {"ten"}, nil}},
		{"NumericNotEquals", 10, []list{{"11"}, nil}, []list{{"10"}, {"10.0"}}},
		{"NumericLessThan", 10, []list{{"9.99"}, {"-1"}}, []list{{"10"}, {"x"}, nil}},
		{"NumericLessThanEquals", 10, []list{{"10"}, {"9"}}, []list{{"10.01"}, nil}},
		{"NumericGreaterThan", 10, []list{{"10.01"}}, []list{{"10"}, {"x"}, nil}},
		{"NumericGreaterThanEquals", 10, []list{{"10"}, {"11"}}, []list{{"9"}, nil}},
		{"NumericGreaterThanIfExists", 10, []list{{"11"}, nil}, []list{{"9"}}},

		{"DateEquals", "2026-11-22T10:00:00Z", []list{{"2026-11-22T10:00:00Z"}, {"2026-11-22T11:00:00+01:00"}, {"1795341600"}}, []list{{"2026-11-22"}, nil}},
		{"DateNotEquals", "2026-11-22", []list{{"2026-11-23"}, nil}, []list{{"2026-11-22T00:00:00Z"}}},
		{"DateLessThan", "2026-11-22", []list{{"2026-11-21T23:59:59Z"}, {"1795305599"}}, []list{{"2026-11-22T00:00:00Z"}, {"soon"}, nil}},
		{"DateLessThanEquals", "2026-11-22", []list{{"2026-11-22"}}, []list{{"2026-11-22T00:00:01Z"}, nil}},
		{"DateGreaterThan", "2026", []list{{"2026-01-01T00:00:01Z"}}, []list{{"2026-01-01T00:00:00Z"}, nil}},
		{"DateGreaterThanEquals", "2026-11", []list{{"2026-11-01"}}, []list{{"2026-10-31"}, nil}},
		{"DateLessThanIfExists", "2026", []list{{"2025"}, nil}, []list{{"2027"}}},

		{"Bool", "true", []list{{"true"}, {"TRUE"}}, []list{{"false"}, {"1"}, nil}},
		{"Bool", false, []list{{"false"}}, []list{{"true"}, nil}},
		{"BoolIfExists", "true", []list{{"true"}, nil}, []list{{"false"}}},
		{"Bool", "${aws:none, 'true'}", []list{{"true"}}, []list{{"false"}}},

		{"Null", "true", []list{nil}, []list{{"x"}, {""}}},
		{"Null", "false", []list{{"x"}, {""}}, []list{nil}},
		{"Null", true, []list{nil}, []list{{"x"}}},

		{"IpAddress", "192.0.2.0/24", []list{{"192.0.2.7"}, {"::ffff:192.0.2.7"}}, []list{{"192.0.3.7"}, {"x"}, nil}},
		{"IpAddress", "192.0.2.7", []list{{"192.0.2.7"}}, []list{{"192.0.2.8"}}},
		{"IpAddress", list{"10.0.0.0/8", "2001:db8::/32"}, []list{{"2001:db8::1"}, {"10.1.2.3"}}, []list{{"2001:db9::1"}}},
		{"NotIpAddress", "192.0.2.0/24", []list{{"198.51.100.1"}, nil}, []list{{"192.0.2.7"}}},
		{"NotIpAddressIfExists", "192.0.2.0/24", []list{{"198.51.100.1"}, nil}, []list{{"192.0.2.7"}}},

		{"ArnEquals", "arn:aws:iam::*:role/a*", []list{{"arn:aws:iam::1:role/a"}, {"arn:aws:iam::1:role/a/b"}}, []list{{"arn:aws:iam::1:role/b"}, {"arn:aws:iam:::"}, nil}},
		{"ArnLike", "arn:aws:s3:::b?", []list{{"arn:aws:s3:::bx"}}, []list{{"arn:aws:s3:::b"}, nil}},
		{"ArnLike", "arn:aws:*:b", nil, []list{{"arn:aws:s3:::b"}}}, // a star does not reach over a colon
		{"ArnLike", "*", []list{{"arn:aws:s3:::b"}}, []list{nil}},
		{"ArnLike", "arn:aws:iam::*:user/${aws:username}", []list{{"arn:aws:iam::1:user/ada"}}, []list{{"arn:aws:iam::1:user/bob"}}},
		{"ArnNotEquals", "arn:aws:s3:::a", []list{{"arn:aws:s3:::b"}, nil}, []list{{"arn:aws:s3:::a"}}},
		{"ArnNotLike", "arn:aws:s3:::a*", []list{{"arn:aws:s3:::b"}, nil}, []list{{"arn:aws:s3:::ab"}}},
		{"ArnLikeIfExists", "arn:aws:s3:::a*", []list{{"arn:aws:s3:::ab"}, nil}, []list{{"arn:aws:s3:::b"}}},

		{"BinaryEquals", "QQ==", []list{{"QQ=="}}, []list{{"QUE="}, {"A"}, nil}},
		{"BinaryEqualsIfExists", "QQ==", []list{{"QQ=="}, nil}, []list{{"QUE="}}},
	} {
		for _, have := range c.yes {
			if !holds(t, c.operator, c.want, have...) {
				t.Errorf("%s %v does not hold for %q", c.operator, c.want, have)
			}
		}
		for _, have := range c.no {
			if holds(t, c.operator, c.want, have...) {
				t.Errorf("%s %v holds for %q", c.operator, c.want, have)
			}
		}
	}
}

// TestUnknownOperators wants misspelled operators and impossible values refused.
func TestUnknownOperators(t *testing.T) {
	for _, operator := range []string{"", "stringEquals", "StringEqualsIfExist", "IfExists", "ForAllValues:", "ForSomeValues:StringEquals",
		"ForAllValues:Null", "NullIfExists", "NumericLike", "DateLike", "BinaryNotEquals", "ForAnyValue:ForAllValues:StringEquals"} {
		text := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{%q:{"k:v":"true"}}}}`, operator)
		if _, err := Parse(text, Identity); err == nil {
			t.Errorf("%q is taken for an operator", operator)
		}
	}
	for _, wrong := range []string{`{"Bool":{"k:v":"yes"}}`, `{"Null":{"k:v":"maybe"}}`, `{"NumericEquals":{"k:v":"ten"}}`, `{"DateLessThan":{"k:v":"soon"}}`,
		`{"IpAddress":{"k:v":"300.1.1.1"}}`, `{"StringEquals":{"k:v":{}}}`, `{"StringEquals":{"k:v":null}}`, `{"StringEquals":"x"}`, `[]`} {
		text := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + wrong + `}}`
		if _, err := Parse(text, Identity); err == nil {
			t.Errorf("%s is taken for a condition", wrong)
		}
	}
}

func TestVariablesNeed2012(t *testing.T) {
	doc := strings.Replace(`{"Version":"VERSION","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:*","Condition":{"StringEquals":{"aws:username":"${aws:username}"}}}}`, "VERSION", "2008-10-17", 1)
	d, err := Parse(doc, Trust)
	if err != nil {
		t.Fatal(err)
	}
	c := Context{}
	c.Set("aws:username", "ada")
	r := Request{Principal: callers["user"], Action: "sts:AssumeRole", Resource: "*", Context: c}
	if (Policies{Resource: d, ResourceAccount: "111111111111"}).Evaluate(r).Allowed {
		t.Error("a variable was filled in before there were any")
	}
	c.Set("aws:username", "${aws:username}")
	if !(Policies{Resource: d, ResourceAccount: "111111111111"}).Evaluate(r).Allowed {
		t.Error("the text is not compared as it stands")
	}
}
