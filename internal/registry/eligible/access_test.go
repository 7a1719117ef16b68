package eligible_test

import (
	"testing"

	"muster/internal/registry/eligible"
	"muster/internal/store/registry"
)

func TestKeptOut(t *testing.T) {
	const role = `"arn:aws:iam::111122223333:role/aws-service-role/inspector2.amazonaws.com/AWSServiceRoleForAmazonInspector2"`
	for policy, want := range map[string]bool{
		``: false,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":["ecr:*"]}]}`:                                                                false,
		`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"ecr:*"}}`:                                                                                        true,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":["ecr:PutImage","ecr:BatchDeleteImage"]}]}`:                                                      false,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":` + role + `},"Action":["ecr:BatchGetImage"]}]}`:                                                       true,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":` + role + `},"Action":["ecr:BatchGetImage"]}]}`:                                                    false,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"444455556666"},"Action":["ecr:BatchGetImage"]}]}`:                                                     false,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"ecr:BatchGetImage","Condition":{"StringNotEquals":{"aws:PrincipalAccount":"111122223333"}}}]}`:  false,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"ecr:BatchGetImage","Condition":{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ci"}}}]}`: true,
	} {
		r := &registry.Repository{Account: "111122223333", Region: "us-east-1", Name: "web"}
		r.Policy = policy
		if got := eligible.KeptOut(r); got != want {
			t.Errorf("%s: %v, want %v", policy, got, want)
		}
	}
}
