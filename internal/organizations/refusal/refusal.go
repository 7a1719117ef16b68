// Package refusal has the refusals of Organizations that more than one of its
// rooms gives. Texts that AWS was seen to send are verbatim, because clients
// match parts of them; for the others the text is the sentence by which AWS's
// reference explains the reason.
package refusal

import (
	"errors"

	api "muster/internal/awsmodel/organizations"
	"muster/internal/store"
)

// Missing turns store.ErrNotFound into a refusal and leaves all else alone.
func Missing(err, refused error) error {
	if errors.Is(err, store.ErrNotFound) {
		return refused
	}
	return err
}

// AccessDenied refuses an account whose place does not permit an operation.
func AccessDenied() error {
	return &api.AccessDeniedException{Message: "You don't have permissions to access this resource."}
}

// NotInUse refuses an account that stands alone.
func NotInUse() error {
	return &api.AWSOrganizationsNotInUseException{Message: "Your account is not a member of an organization."}
}

// AccountNotFound refuses an account that is not in the organization.
func AccountNotFound() error {
	return &api.AccountNotFoundException{Message: "You specified an account that doesn't exist."}
}

// TargetNotFound refuses a root, unit or account that there is not.
func TargetNotFound() error {
	return &api.TargetNotFoundException{Message: "You specified a target that doesn't exist."}
}

// Constraint is a ConstraintViolationException.
func Constraint(reason api.ConstraintViolationExceptionReason, text string) error {
	return &api.ConstraintViolationException{Message: text, Reason: reason}
}

// NotAllFeatures refuses what an organization for bills alone cannot do.
func NotAllFeatures() error {
	return Constraint(api.ConstraintViolationExceptionReasonOrganizationNotInAllFeaturesMode,
		"The request failed because the organization does not have all features enabled. Please enable all features in your organization and then retry.")
}

// Invalid is an InvalidInputException.
func Invalid(reason api.InvalidInputExceptionReason, text string) error {
	return &api.InvalidInputException{Message: text, Reason: reason}
}

// TargetNotSupported refuses a target that an operation is not for.
func TargetNotSupported() error {
	return Invalid(api.InvalidInputExceptionReasonTargetNotSupported,
		"You can't perform the specified operation on that target entity.")
}
