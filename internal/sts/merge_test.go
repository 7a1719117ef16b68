package sts

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"muster/internal/arn"
	api "muster/internal/awsmodel/sts"
	"muster/internal/policy"
)

// TestMergedPoliciesAllowWhatAnyAllows holds the merged document against its
// parts, evaluated side by side.
func TestMergedPoliciesAllowWhatAnyAllows(t *testing.T) {
	parts := []string{
		`{"Version":"2012-10-17","Statement":{"Sid":"A","Effect":"Allow","Action":"s:A","Resource":"*"}}`,
		`{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":"s:*","Resource":"arn:aws:s:::x"}]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s:B","Resource":"*"}]}`,
		`{"Version":"2012-10-17","Id":"d","Statement":[{"Effect":"Allow","NotAction":"s:A","Resource":"*","Condition":{"StringEquals":{"k:k":"v"}}}]}`,
	}
	who := arn.Principal{Kind: arn.User, Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/ada"}
	rapid.Check(t, func(t *rapid.T) {
		chosen := rapid.SliceOfN(rapid.SampledFrom(parts), 1, 4).Draw(t, "documents")
		text, err := merge(chosen)
		if err != nil {
			t.Fatal(err)
		}
		merged, err := policy.Parse(text, policy.Identity)
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		var apart []*policy.Document
		for _, c := range chosen {
			d, err := policy.Parse(c, policy.Identity)
			if err != nil {
				t.Fatal(err)
			}
			apart = append(apart, d)
		}
		r := policy.Request{
			Principal: who, Action: rapid.SampledFrom([]string{"s:A", "s:B", "s:C"}).Draw(t, "action"),
			Resource: rapid.SampledFrom([]string{"*", "arn:aws:s:::x"}).Draw(t, "resource"), Context: policy.Context{},
		}
		if rapid.Bool().Draw(t, "key") {
			r.Context.Set("k:k", "v")
		}
		got := policy.Policies{Identity: []*policy.Document{merged}}.Evaluate(r)
		want := policy.Policies{Identity: apart}.Evaluate(r)
		if got != want {
			t.Fatalf("merged %+v, apart %+v: %s", got, want, text)
		}
	})
}

func TestMergeRefusesMalformedPolicies(t *testing.T) {
	_, err := merge([]string{`{"Version":"2012-10-17","Statement":[]}`})
	if _, ok := errors.AsType[*api.MalformedPolicyDocumentException](err); !ok {
		t.Errorf("got %v", err)
	}
}
