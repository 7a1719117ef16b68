package policies

import (
	"errors"

	api "muster/internal/awsmodel/organizations"
	"muster/internal/store"
)

// The refusals of this room, in the manner of the desk's own.

// missing turns store.ErrNotFound into a refusal and leaves all else alone.
func missing(err, refusal error) error {
	if errors.Is(err, store.ErrNotFound) {
		return refusal
	}
	return err
}

func policyNotFound() error {
	return &api.PolicyNotFoundException{Message: "We can't find a policy with the PolicyId that you specified."}
}

func targetNotFound() error {
	return &api.TargetNotFoundException{Message: "You specified a target that doesn't exist."}
}

func accountNotFound() error {
	return &api.AccountNotFoundException{Message: "You specified an account that doesn't exist."}
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

// constraint is a ConstraintViolationException.
func constraint(reason api.ConstraintViolationExceptionReason, text string) error {
	return &api.ConstraintViolationException{Message: text, Reason: reason}
}

func notAllFeatures() error {
	return constraint(api.ConstraintViolationExceptionReasonOrganizationNotInAllFeaturesMode,
		"The request failed because the organization does not have all features enabled. Please enable all features in your organization and then retry.")
}

func tooManyPolicies() error {
	return constraint(api.ConstraintViolationExceptionReasonPolicyNumberLimitExceeded,
		"You have exceeded the number of policies that you can have in an organization.")
}

func contentTooLong() error {
	return constraint(api.ConstraintViolationExceptionReasonPolicyContentLimitExceeded,
		"You attempted to create a policy that is larger than the maximum size.")
}

func tooManyAttachments() error {
	return constraint(api.ConstraintViolationExceptionReasonMaxPolicyTypeAttachmentLimitExceeded,
		"You attempted to exceed the number of policies of a certain type that can be attached to an entity at one time.")
}

func tooFewAttachments() error {
	return constraint(api.ConstraintViolationExceptionReasonMinPolicyTypeAttachmentLimitExceeded,
		"You attempted to detach a policy from an entity that would cause the entity to have fewer than the minimum number of policies of a certain type required.")
}

func serviceAccessNotEnabled() error {
	return constraint(api.ConstraintViolationExceptionReasonServiceAccessNotEnabled,
		"You attempted to enable a policy type before you enabled service access. Call the EnableAWSServiceAccess API first.")
}

// invalid is an InvalidInputException.
func invalid(reason api.InvalidInputExceptionReason, text string) error {
	return &api.InvalidInputException{Message: text, Reason: reason}
}

func immutablePolicy() error {
	return invalid(api.InvalidInputExceptionReasonImmutablePolicy,
		"You specified a policy that is managed by AWS and can't be modified.")
}

func nonDetachablePolicy() error {
	return invalid(api.InvalidInputExceptionReasonNonDetachablePolicy,
		"You can't detach this AWS Managed Policy.")
}

func targetNotSupported() error {
	return invalid(api.InvalidInputExceptionReasonTargetNotSupported,
		"You can't perform the specified operation on that target entity.")
}

func invalidResourcePolicy(detail string) error {
	return invalid(api.InvalidInputExceptionReasonInvalidResourcePolicyJson,
		"The provided resource policy isn't valid: "+detail)
}

func invalidPrincipal() error {
	return invalid(api.InvalidInputExceptionReasonInvalidPrincipal,
		"You specified an invalid principal element in the policy.")
}

func unsupportedAction() error {
	return invalid(api.InvalidInputExceptionReasonUnsupportedActionInResourcePolicy,
		"You specified an action that isn't supported in a resource policy.")
}

func unsupportedPolicyType() error {
	return invalid(api.InvalidInputExceptionReasonUnsupportedPolicyTypeInResourcePolicy,
		"You specified a policy type that isn't supported in a resource policy.")
}

func unsupportedResource() error {
	return invalid(api.InvalidInputExceptionReasonUnsupportedResourceInResourcePolicy,
		"You specified a resource that isn't supported in a resource policy.")
}

func tagsOfExisting() error {
	return invalid(api.InvalidInputExceptionReasonInvalidListMember,
		"Tags can be given only when the resource policy is created. Use TagResource for an existing one.")
}
