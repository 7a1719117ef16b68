package policies

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	api "muster/internal/awsmodel/organizations"
	"muster/internal/orgpolicy"
	"muster/internal/policy"
)

// policyTypes are all there are.
var policyTypes = []api.PolicyType{
	api.PolicyTypeServiceControlPolicy, api.PolicyTypeResourceControlPolicy, api.PolicyTypeTagPolicy,
	api.PolicyTypeBackupPolicy, api.PolicyTypeAiservicesOptOutPolicy, api.PolicyTypeChatbotPolicy,
	api.PolicyTypeDeclarativePolicyEc2, api.PolicyTypeSecurityhubPolicy, api.PolicyTypeInspectorPolicy,
	api.PolicyTypeUpgradeRolloutPolicy, api.PolicyTypeBedrockPolicy, api.PolicyTypeS3Policy,
	api.PolicyTypeNetworkSecurityDirectorPolicy,
}

// tops are the names at the top of the management policy types whose syntax
// AWS documents.
var tops = map[api.PolicyType]string{
	api.PolicyTypeTagPolicy:              "tags",
	api.PolicyTypeBackupPolicy:           "plans",
	api.PolicyTypeAiservicesOptOutPolicy: "services",
	api.PolicyTypeChatbotPolicy:          "chatbot",
	api.PolicyTypeDeclarativePolicyEc2:   "ec2_attributes",
	api.PolicyTypeSecurityhubPolicy:      "securityhub",
	api.PolicyTypeUpgradeRolloutPolicy:   "upgrade_rollout",
	api.PolicyTypeS3Policy:               "s3_attributes",
}

// checkContent refuses a document that a policy of the type cannot have.
func (s *Service) checkContent(policyType, content string) error {
	if utf8.RuneCountInString(content) > s.mayHold(policyType) {
		return contentTooLong()
	}
	switch policyType {
	case orgpolicy.ServiceControl:
		if _, err := policy.Parse(content, policy.Control); err != nil {
			return malformed("")
		}
		return nil
	case orgpolicy.ResourceControl:
		return checkResourceControl(content)
	}
	err := s.checkManagement(api.PolicyType(policyType), content)
	if bad, ok := errors.AsType[*orgpolicy.Malformed](err); ok {
		return malformed(bad.Error())
	}
	return err
}

func (s *Service) checkManagement(policyType api.PolicyType, content string) error {
	d, err := orgpolicy.Parse(content)
	if err != nil {
		return err
	}
	if policyType == api.PolicyTypeInspectorPolicy {
		return d.CheckInspector(s.knownRegion)
	}
	if top, ok := tops[policyType]; ok {
		return d.CheckTop(top)
	}
	return nil
}

// checkResourceControl checks a resource control policy: an IAM document of
// denials for everyone.
func checkResourceControl(content string) error {
	if _, err := policy.Parse(content, policy.Resource); err != nil {
		return malformed("")
	}
	list, err := statements(content)
	if err != nil {
		return malformed("")
	}
	for _, st := range list {
		switch {
		case st.Effect != "Deny":
			return malformed("Statements of this policy type deny.")
		case !st.everyone():
			return malformed(`The principal of this policy type is "*".`)
		case st.NotAction != nil || len(st.Action) == 0:
			return malformed("Statements of this policy type name actions.")
		}
	}
	return nil
}

// statement is one statement of an IAM document, for the rules that go beyond
// what the evaluator needs.
type statement struct {
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       texts
	NotAction    texts
	Resource     texts
	NotResource  texts
	Condition    map[string]map[string]json.RawMessage
}

// everyone reports whether the principal is "*".
func (st statement) everyone() bool {
	text := strings.TrimSpace(string(st.Principal))
	var aws struct{ AWS texts }
	if json.Unmarshal(st.Principal, &aws) == nil && len(aws.AWS) == 1 && aws.AWS[0] == "*" {
		return true
	}
	return text == `"*"`
}

// texts is one text or a list of them.
type texts []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(body []byte) error {
	var single string
	if json.Unmarshal(body, &single) == nil {
		*t = texts{single}
		return nil
	}
	var list []string
	err := json.Unmarshal(body, &list)
	*t = list
	return err
}

// statements reads the statements of a document that package policy accepts.
func statements(content string) ([]statement, error) {
	var doc struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(content), &doc); err != nil {
		return nil, err
	}
	var list []statement
	if json.Unmarshal(doc.Statement, &list) == nil {
		return list, nil
	}
	var single statement
	err := json.Unmarshal(doc.Statement, &single)
	return []statement{single}, err
}
