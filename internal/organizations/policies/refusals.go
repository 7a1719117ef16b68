package policies

import (
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/refusal"
)

// The refusals of this room, in the manner of the desk's own.

func policyNotFound() error {
	return &api.PolicyNotFoundException{Message: "You specified a policy that doesn't exist."}
}

func rootNotFound() error {
	return &api.RootNotFoundException{Message: "You specified a root that doesn't exist."}
}

func duplicatePolicy() error {
	return &api.DuplicatePolicyException{Message: "A policy with the same name already exists."}
}

// malformed keeps AWS's sentence first, by which clients know it; the detail,
// if there is one, follows.
func malformed(detail string) error {
	text := "The provided policy document does not meet the requirements of the specified policy type."
	if detail != "" {
		text += " " + detail
	}
	return &api.MalformedPolicyDocumentException{Message: text}
}

func policyInUse() error {
	return &api.PolicyInUseException{Message: "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation."}
}

func policyNotAttached() error {
	return &api.PolicyNotAttachedException{Message: "The policy isn't attached to the specified target in the specified root."}
}

func duplicateAttachment() error {
	return &api.DuplicatePolicyAttachmentException{Message: "The selected policy is already attached to the specified target."}
}

func policyTypeNotEnabled() error {
	return &api.PolicyTypeNotEnabledException{Message: "This operation can be performed only for enabled policy types."}
}

func policyTypeAlreadyEnabled() error {
	return &api.PolicyTypeAlreadyEnabledException{Message: "The specified policy type is already enabled."}
}

func policyTypeNotAvailable() error {
	return &api.PolicyTypeNotAvailableForOrganizationException{Message: "You can't use the specified policy type with the feature set currently enabled for this organization."}
}

func policyChangesInProgress() error {
	return &api.PolicyChangesInProgressException{Message: "Changes to the effective policy are in progress, and its contents can't be returned. Try the operation again later."}
}

func effectivePolicyNotFound() error {
	return &api.EffectivePolicyNotFoundException{Message: "If you ran this action on the management account, this policy type is not enabled. If you ran the action on a member account, the account doesn't have an effective policy of this type. Contact the administrator of your organization about attaching a policy of this type to the account."}
}

func resourcePolicyNotFound() error {
	return &api.ResourcePolicyNotFoundException{Message: "We can't find a resource policy request with the parameter that you specified."}
}

func tooManyPolicies() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonPolicyNumberLimitExceeded,
		"You have exceeded the number of policies that you can have in an organization.")
}

func contentTooLong() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonPolicyContentLimitExceeded,
		"You attempted to create a policy that is larger than the maximum size.")
}

func tooManyAttachments() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonMaxPolicyTypeAttachmentLimitExceeded,
		"You attempted to exceed the number of policies of a certain type that can be attached to an entity at one time.")
}

func tooFewAttachments() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonMinPolicyTypeAttachmentLimitExceeded,
		"You attempted to detach a policy from an entity that would cause the entity to have fewer than the minimum number of policies of a certain type required.")
}

func serviceAccessNotEnabled() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonServiceAccessNotEnabled,
		"You attempted to enable a policy type before you enabled service access. Call the EnableAWSServiceAccess API first.")
}

func immutablePolicy() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonImmutablePolicy,
		"You specified a policy that is managed by AWS and can't be modified.")
}

func nonDetachablePolicy() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonNonDetachablePolicy,
		"You can't detach this AWS Managed Policy.")
}

func invalidResourcePolicy(detail string) error {
	return refusal.Invalid(api.InvalidInputExceptionReasonInvalidResourcePolicyJson,
		"The provided resource policy isn't valid: "+detail)
}

func invalidPrincipal() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonInvalidPrincipal,
		"You specified an invalid principal element in the policy.")
}

func unsupportedAction() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonUnsupportedActionInResourcePolicy,
		"You specified an action that isn't supported in a resource policy.")
}

func unsupportedPolicyType() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonUnsupportedPolicyTypeInResourcePolicy,
		"You specified a policy type that isn't supported in a resource policy.")
}

func unsupportedResource() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonUnsupportedResourceInResourcePolicy,
		"You specified a resource that isn't supported in a resource policy.")
}

func tagsOfExisting() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonInvalidListMember,
		"Tags can be given only when the resource policy is created. Use TagResource for an existing one.")
}
