package policies

import (
	"errors"
	"strings"
	"testing"

	"muster/internal/arn"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations"
	"muster/internal/policy"
)

// TestEveryTypeHasItsSyntax: each type takes a document of its own and refuses
// what is none.
func TestEveryTypeHasItsSyntax(t *testing.T) {
	good := map[api.PolicyType]string{
		api.PolicyTypeServiceControlPolicy:          `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`,
		api.PolicyTypeResourceControlPolicy:         `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":"*"}}`,
		api.PolicyTypeTagPolicy:                     `{"tags":{"owner":{"tag_key":{"@@assign":"Owner"},"enforced_for":{"@@assign":["ec2:instance"]}}}}`,
		api.PolicyTypeBackupPolicy:                  `{"plans":{"daily":{"regions":{"@@append":["us-east-1"]}}}}`,
		api.PolicyTypeAiservicesOptOutPolicy:        `{"services":{"@@operators_allowed_for_child_policies":["@@none"],"default":{"opt_out_policy":{"@@assign":"optOut"}}}}`,
		api.PolicyTypeChatbotPolicy:                 `{"chatbot":{"default":{"client":{"@@assign":"disabled"}}}}`,
		api.PolicyTypeDeclarativePolicyEc2:          `{"ec2_attributes":{"serial_console_access":{"status":{"@@assign":"disabled"}}}}`,
		api.PolicyTypeSecurityhubPolicy:             `{"securityhub":{"enable_in_regions":{"@@assign":["ALL_SUPPORTED"]},"disable_in_regions":{"@@assign":[]}}}`,
		api.PolicyTypeInspectorPolicy:               `{"inspector":{"enablement":{"ecr_scanning":{"enable_in_regions":{"@@assign":["us-east-1"]},"disable_in_regions":{"@@assign":[]}}}}}`,
		api.PolicyTypeUpgradeRolloutPolicy:          `{"upgrade_rollout":{"default":{"patch_order":{"@@assign":"last"}}}}`,
		api.PolicyTypeBedrockPolicy:                 `{"bedrock":{"x":{"@@assign":1}}}`,
		api.PolicyTypeS3Policy:                      `{"s3_attributes":{"public_access_block_configuration":{"@@assign":"all"}}}`,
		api.PolicyTypeNetworkSecurityDirectorPolicy: `{"network_security_director":{"x":{"@@assign":true}}}`,
	}
	if len(good) != len(policyTypes) || len(policyTypes) != 13 {
		t.Errorf("%d documents for %d types", len(good), len(policyTypes))
	}
	s := testService()
	for _, policyType := range policyTypes {
		if err := s.checkContent(string(policyType), good[policyType]); err != nil {
			t.Errorf("%s: %v", policyType, err)
		}
		for other, content := range good {
			_, hasTop := tops[policyType]
			iam := other == api.PolicyTypeServiceControlPolicy || other == api.PolicyTypeResourceControlPolicy
			strict := hasTop || policyType == api.PolicyTypeInspectorPolicy || iam ||
				policyType == api.PolicyTypeServiceControlPolicy || policyType == api.PolicyTypeResourceControlPolicy
			if other == policyType || !strict {
				continue
			}
			err := s.checkContent(string(policyType), content)
			if _, ok := errors.AsType[*api.MalformedPolicyDocumentException](err); !ok {
				t.Errorf("%s takes the document of %s: %v", policyType, other, err)
			}
		}
		long := `{"` + strings.Repeat("é", s.mayHold(string(policyType))) + `"}`
		known, ok := errors.AsType[*api.ConstraintViolationException](s.checkContent(string(policyType), long))
		if !ok || known.Reason != api.ConstraintViolationExceptionReasonPolicyContentLimitExceeded {
			t.Errorf("%s: no limit", policyType)
		}
		just := good[policyType] + strings.Repeat(" ", s.mayHold(string(policyType))-len(good[policyType]))
		if err := s.checkContent(string(policyType), just); err != nil {
			t.Errorf("%s: as much as may be: %v", policyType, err)
		}
	}
}

func testService() *Service {
	return New(nil, organizations.New(nil, organizations.Options{}), Options{Regions: []arn.Region{"us-east-1"}})
}

// FuzzContent: no document of any type brings the checks down, and what a
// check of IAM documents takes can be read statement by statement.
func FuzzContent(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["organizations:Describe*"],"Resource":"arn:aws:organizations::111122223333:policy/*/tag_policy/*","Condition":{"StringLike":{"organizations:PolicyType":["TAG_POLICY"]}}}]}`)
	f.Add(`{"tags":{"a":{"tag_key":{"@@assign":"A"}}}}`)
	f.Add(`{"Statement":{"effect":"Deny","principal":"*","action":"s3:[a","resource":["*"]}}`)
	s := testService()
	m := organizations.Membership{Org: "o-abcdefghij", Management: "111122223333"}
	f.Fuzz(func(t *testing.T, content string) {
		for _, policyType := range policyTypes {
			_ = s.checkContent(string(policyType), content)
		}
		if _, err := policy.Parse(content, policy.Resource); err != nil {
			return
		}
		list, err := statements(content)
		if err != nil || len(list) == 0 {
			t.Fatalf("%q: %d statements, %v", content, len(list), err)
		}
		for _, st := range list {
			if len(st.Action)+len(st.NotAction) == 0 || st.Effect == "" || st.Principal == nil && st.NotPrincipal == nil {
				t.Errorf("%q reads as %+v", content, st)
			}
			_, _, _ = st.checkActions(), st.checkResources(m), st.checkPolicyTypes()
		}
	})
}
