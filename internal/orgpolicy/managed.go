package orgpolicy

// Managed is a policy of AWS's own. Every organization with all features has
// it, attached to all that is in it while its type is enabled.
type Managed struct {
	ID, Name, Description string
	// Type is the policy type in the words of AWS's interface.
	Type    string
	Content string
	// Fixed policies cannot be detached.
	Fixed bool
}

// The types whose policies are IAM documents, in the words of AWS's interface.
const (
	ServiceControl  = "SERVICE_CONTROL_POLICY"
	ResourceControl = "RESOURCE_CONTROL_POLICY"
)

// FullAccess is the id of the service control policy that allows everything.
const FullAccess = "p-FullAWSAccess"

// ManagedPolicies returns the policies of AWS's own.
func ManagedPolicies() []Managed {
	return []Managed{
		{
			ID: FullAccess, Name: "FullAWSAccess", Description: "Allows access to every operation", Type: ServiceControl,
			Content: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}`,
		},
		{
			ID: "p-RCPFullAWSAccess", Name: "RCPFullAWSAccess", Description: "Allows access to every resource", Type: ResourceControl, Fixed: true,
			Content: `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": "*",
      "Action": "*",
      "Resource": "*"
    }
  ]
}`,
		},
	}
}

// ManagedPolicy returns the policy of an id, if it is one of AWS's own.
func ManagedPolicy(id string) (Managed, bool) {
	for _, m := range ManagedPolicies() {
		if m.ID == id {
			return m, true
		}
	}
	return Managed{}, false
}

// ManagedOfType returns AWS's own policy of a type, if the type has one.
func ManagedOfType(policyType string) (Managed, bool) {
	for _, m := range ManagedPolicies() {
		if m.Type == policyType {
			return m, true
		}
	}
	return Managed{}, false
}
