package managed_test

import (
	"slices"
	"testing"

	"muster/internal/arn"
	"muster/internal/iam/managed"
	"muster/internal/policy"
)

func TestPoliciesExistByName(t *testing.T) {
	set, err := managed.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "SecurityAudit",
		"AmazonInspector2FullAccess", "AmazonInspector2FullAccess_v2", "AmazonInspector2ReadOnlyAccess", "AmazonInspector2ManagedCisPolicy",
		"AWSOrganizationsFullAccess", "AWSOrganizationsReadOnlyAccess", "IAMFullAccess", "IAMReadOnlyAccess",
		"AWSSupportAccess", "IAMUserChangePassword", "AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy", "AmazonEC2ReadOnlyAccess",
		"AWSSecurityHubFullAccess", "AWSSecurityHubReadOnlyAccess", "AmazonGuardDutyFullAccess", "AmazonGuardDutyReadOnlyAccess", "AmazonEventBridgeFullAccess",
		"AmazonS3ReadOnlyAccess", "AmazonS3FullAccess", "AWSLambda_ReadOnlyAccess", "job-function/ViewOnlyAccess", "service-role/AWSLambdaBasicExecutionRole",
		"root-task/IAMAuditRootUserCredentials", "root-task/IAMCreateRootUserPassword", "root-task/IAMDeleteRootUserCredentials", "root-task/S3UnlockBucketPolicy", "root-task/SQSUnlockQueuePolicy",
		"aws-service-role/AmazonInspector2ServiceRolePolicy", "aws-service-role/AmazonInspector2AgentlessServiceRolePolicy",
	} {
		p := set.Get(arn.ARN("arn:aws:iam::aws:policy/" + name))
		switch {
		case p == nil:
			t.Errorf("no policy %s", name)
		case len(p.ID) != 21 || p.Created.IsZero() || p.Version == "":
			t.Errorf("%s is incomplete: %+v", name, p)
		case p.Attachable() != !slices.Contains([]string{"/aws-service-role/", "/root-task/"}, p.Path):
			t.Errorf("%s attachable: %v", name, p.Attachable())
		}
	}
}

func TestPoliciesGrantWhatTheirNamesSay(t *testing.T) {
	set, err := managed.Load()
	if err != nil {
		t.Fatal(err)
	}
	user := arn.Principal{Kind: arn.User, Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/ada"}
	principal := func(v string) policy.Context {
		c := policy.Context{}
		c.Set("organizations:ServicePrincipal", v)
		c.Set("iam:AWSServiceName", v)
		return c
	}
	inspector, other := principal("inspector2.amazonaws.com"), principal("config.amazonaws.com")
	for _, c := range []struct {
		name, action string
		context      policy.Context
		want         bool
	}{
		{"AdministratorAccess", "organizations:CreateAccount", nil, true},
		{"PowerUserAccess", "inspector2:Enable", nil, true},
		{"PowerUserAccess", "iam:CreateUser", nil, false},
		{"ReadOnlyAccess", "inspector2:ListFindings", nil, true},
		{"ReadOnlyAccess", "inspector2:Enable", nil, false},
		{"AmazonInspector2FullAccess", "organizations:EnableAWSServiceAccess", other, true},
		{"AmazonInspector2FullAccess_v2", "organizations:EnableAWSServiceAccess", inspector, true},
		{"AmazonInspector2FullAccess_v2", "organizations:EnableAWSServiceAccess", other, false},
		{"AmazonInspector2FullAccess_v2", "organizations:EnableAWSServiceAccess", nil, false},
		{"AmazonInspector2FullAccess_v2", "iam:CreateServiceLinkedRole", inspector, true},
		{"AmazonInspector2FullAccess_v2", "iam:CreateServiceLinkedRole", other, false},
		{"AmazonInspector2FullAccess_v2", "organizations:DeregisterDelegatedAdministrator", inspector, false},
		{"AmazonInspector2ReadOnlyAccess", "inspector2:BatchGetAccountStatus", nil, true},
		{"AmazonInspector2ReadOnlyAccess", "inspector2:CreateFilter", nil, false},
		{"AmazonInspector2ManagedCisPolicy", "inspector2:StartCisSession", nil, true},
		{"AWSOrganizationsReadOnlyAccess", "organizations:ListAccounts", nil, true},
		{"AWSOrganizationsReadOnlyAccess", "organizations:CreateAccount", nil, false},
		{"IAMReadOnlyAccess", "iam:ListRoles", nil, true},
		{"IAMReadOnlyAccess", "iam:CreateRole", nil, false},
	} {
		p := policy.Policies{Identity: []*policy.Document{set.Get(arn.ARN("arn:aws:iam::aws:policy/" + c.name)).Parsed}}
		got := p.Evaluate(policy.Request{Principal: user, Action: c.action, Resource: "*", Context: c.context}).Allowed
		if got != c.want {
			t.Errorf("%s allows %s (%v): %v", c.name, c.action, c.context, got)
		}
	}
}
