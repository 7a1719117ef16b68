package handshakes

import (
	"errors"

	api "muster/internal/awsmodel/organizations"
	"muster/internal/store"
)

// The refusals of this desk. The texts are the sentences by which AWS's
// reference explains each exception and reason.

// missing turns store.ErrNotFound into a refusal and leaves all else alone.
func missing(err, refusal error) error {
	if errors.Is(err, store.ErrNotFound) {
		return refusal
	}
	return err
}

func accessDenied() error {
	return &api.AccessDeniedException{Message: "You don't have permissions to access this resource."}
}

func notInUse() error {
	return &api.AWSOrganizationsNotInUseException{Message: "Your account is not a member of an organization."}
}

func handshakeNotFound() error {
	return &api.HandshakeNotFoundException{Message: "We can't find a handshake with the HandshakeId that you specified."}
}

func alreadyInState() error {
	return &api.HandshakeAlreadyInStateException{Message: "The specified handshake is already in the requested state."}
}

func invalidTransition() error {
	return &api.InvalidHandshakeTransitionException{Message: "You can't perform the operation on the handshake in its current state."}
}

func duplicateHandshake() error {
	return &api.DuplicateHandshakeException{Message: "A handshake with the same action and target already exists."}
}

func transferNotFound() error {
	return &api.ResponsibilityTransferNotFoundException{Message: "We can't find a transfer that you specified."}
}

func transferAlreadyInStatus() error {
	return &api.ResponsibilityTransferAlreadyInStatusException{Message: "The responsibility transfer is already in the status that you specified."}
}

func invalidTransferTransition() error {
	return &api.InvalidResponsibilityTransferTransitionException{Message: "The responsibility transfer can't transition to the requested state because it's not in a valid state for this operation."}
}

// violation is a HandshakeConstraintViolationException.
func violation(reason api.HandshakeConstraintViolationExceptionReason, text string) error {
	return &api.HandshakeConstraintViolationException{Message: text, Reason: reason}
}

func tooManyAccounts() error {
	return violation(api.HandshakeConstraintViolationExceptionReasonAccountNumberLimitExceeded,
		"You attempted to exceed the limit on the number of accounts in an organization.")
}

func tooManyInvitations() error {
	return violation(api.HandshakeConstraintViolationExceptionReasonHandshakeRateLimitExceeded,
		"You attempted to exceed the number of handshakes that you can send in one day.")
}

func alreadyInOrganization() error {
	return violation(api.HandshakeConstraintViolationExceptionReasonAlreadyInAnOrganization,
		"The handshake request is invalid because the invited account is already a member of an organization.")
}

func alreadyAllFeatures() error {
	return violation(api.HandshakeConstraintViolationExceptionReasonOrganizationAlreadyHasAllFeatures,
		"The handshake request is invalid because the organization has already enabled all features.")
}

func alreadyMigrating() error {
	return violation(api.HandshakeConstraintViolationExceptionReasonOrganizationIsAlreadyPendingAllFeaturesMigration,
		"The handshake request is invalid because the organization has already started the process to enable all features.")
}

func invitesDisabled() error {
	return violation(api.HandshakeConstraintViolationExceptionReasonInviteDisabledDuringEnableAllFeatures,
		"You can't issue new invitations to join an organization while it's in the process of enabling all features.")
}

func sourceIsTarget() error {
	return violation(api.HandshakeConstraintViolationExceptionReasonSourceAndTargetCannotMatch,
		"An account can't accept a transfer invitation if it is both the sender and recipient of the invitation.")
}

func transferExists() error {
	return violation(api.HandshakeConstraintViolationExceptionReasonResponsibilityTransferAlreadyExists,
		"You cannot perform this operation with the current transfer.")
}

// constraint is a ConstraintViolationException.
func constraint(reason api.ConstraintViolationExceptionReason, text string) error {
	return &api.ConstraintViolationException{Message: text, Reason: reason}
}

func organizationTooLarge() error {
	return constraint(api.ConstraintViolationExceptionReasonAllFeaturesMigrationOrganizationSizeLimitExceeded,
		"Your organization has too many accounts for the standard migration process to enable all features mode.")
}

func tooManyInbound() error {
	return constraint(api.ConstraintViolationExceptionReasonResponsibilityTransferMaxInboundQuotaViolation,
		"You have exceeded your inbound transfers limit.")
}

func tooManyOutbound() error {
	return constraint(api.ConstraintViolationExceptionReasonResponsibilityTransferMaxOutboundQuotaViolation,
		"You have exceeded your outbound transfers limit.")
}

func chainTooLong() error {
	return constraint(api.ConstraintViolationExceptionReasonResponsibilityTransferMaxLevelViolation,
		"You have exceeded the maximum length of your transfer chain.")
}

// invalid is an InvalidInputException.
func invalid(reason api.InvalidInputExceptionReason, text string) error {
	return &api.InvalidInputException{Message: text, Reason: reason}
}

func wrongParty() error {
	return invalid(api.InvalidInputExceptionReasonInvalidPartyTypeTarget,
		"You specified the wrong type of entity (account, organization, or email) as a party.")
}

func invalidAddress() error {
	return invalid(api.InvalidInputExceptionReasonInvalidEmailAddressTarget,
		"You specified an invalid email address for the invited account owner.")
}

func targetNotSupported() error {
	return invalid(api.InvalidInputExceptionReasonTargetNotSupported,
		"You can't perform the specified operation on that target entity.")
}

func oneFilter() error {
	return invalid(api.InvalidInputExceptionReasonMaxLimitExceededFilter,
		"You can specify only one filter parameter for the operation.")
}
