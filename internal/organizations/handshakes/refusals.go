package handshakes

import (
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/refusal"
)

// The refusals of this desk. The texts are the sentences by which AWS's
// reference explains each exception and reason.

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

func organizationTooLarge() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonAllFeaturesMigrationOrganizationSizeLimitExceeded,
		"Your organization has too many accounts for the standard migration process to enable all features mode.")
}

func tooManyInbound() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonResponsibilityTransferMaxInboundQuotaViolation,
		"You have exceeded your inbound transfers limit.")
}

func tooManyOutbound() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonResponsibilityTransferMaxOutboundQuotaViolation,
		"You have exceeded your outbound transfers limit.")
}

func chainTooLong() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonResponsibilityTransferMaxLevelViolation,
		"You have exceeded the maximum length of your transfer chain.")
}

func wrongParty() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonInvalidPartyTypeTarget,
		"You specified the wrong type of entity (account, organization, or email) as a party.")
}

func invalidAddress() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonInvalidEmailAddressTarget,
		"You specified an invalid email address for the invited account owner.")
}

func oneFilter() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonMaxLimitExceededFilter,
		"You can specify only one filter parameter for the operation.")
}
