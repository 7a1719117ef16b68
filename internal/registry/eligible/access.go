package eligible

import (
	"encoding/json"
	"errors"
	"fmt"

	"muster/internal/arn"
	"muster/internal/policy"
	"muster/internal/store/registry"
)

// Inspector reads an image by these, as its service-linked role.
var readActions = []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}

// linkedRole is a session of the role, as policies see it.
func linkedRole(account arn.AccountID) arn.Principal {
	const name = "AWSServiceRoleForAmazonInspector2"
	return arn.Principal{Kind: arn.AssumedRole, Account: account, ARN: arn.New("sts", "", account, "assumed-role/"+name+"/muster"),
		RoleARN: arn.New("iam", "", account, "role/aws-service-role/inspector2.amazonaws.com/"+name)}
}

// ParsePolicy reads the policy of a repository. Its statements need not name a
// resource: that is the repository.
func ParsePolicy(text string) (*policy.Document, error) {
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, fmt.Errorf("repository policy: %w", err)
	}
	statements, ok := document["Statement"].([]any)
	if !ok {
		statements = []any{document["Statement"]}
	}
	for _, v := range statements {
		statement, ok := v.(map[string]any)
		if !ok {
			return nil, errors.New("repository policy: a statement is no object")
		}
		if statement["Resource"] == nil && statement["NotResource"] == nil {
			statement["Resource"] = "*"
		}
	}
	complete, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("repository policy: %w", err)
	}
	return policy.Parse(string(complete), policy.Resource)
}

// KeptOut reports whether a repository's policy keeps Inspector from reading
// its images. In its own account it needs nobody's leave, so only a denial
// does.
func KeptOut(r *registry.Repository) bool {
	if r.Policy == "" {
		return false
	}
	document, err := ParsePolicy(r.Policy)
	if err != nil {
		return false // it was checked when it was set
	}
	who := linkedRole(r.Account)
	for _, action := range readActions {
		request := policy.Request{Principal: who, Action: action, Resource: string(r.ARN()), Context: policy.Context{}}
		request.Context.Set("aws:PrincipalAccount", string(r.Account))
		request.Context.Set("aws:PrincipalArn", string(who.RoleARN))
		if (policy.Policies{Resource: document, ResourceAccount: r.Account, ResourceOptional: true}).Evaluate(request).Explicit {
			return true
		}
	}
	return false
}
