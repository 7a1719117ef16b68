package organizations

import (
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/principal"
)

// InspectorPrincipal is Inspector's name in trusted access, delegation and
// service-linked roles.
const InspectorPrincipal = principal.Inspector

// recognized reports whether trusted access and delegation know a service.
func recognized(service string) bool { return principal.Known(service) }

// maxAdministrators is how many accounts a service may be delegated to.
func maxAdministrators(service string) int { return principal.Administrators(service) }

// policyTypeOf names the policy type that needs a service's trusted access.
var policyTypeOf = map[string]api.PolicyType{
	InspectorPrincipal: api.PolicyTypeInspectorPolicy,
}
