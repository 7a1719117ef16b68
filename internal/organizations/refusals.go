package organizations

import (
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/refusal"
)

// The refusals of this service. Texts that AWS was seen to send are verbatim,
// because clients match parts of them; for the others the text is the sentence
// by which AWS's reference explains the reason.

func alreadyInOrganization() error {
	return &api.AlreadyInOrganizationException{Message: "The provided account is already a member of an organization."}
}

func organizationNotEmpty() error {
	return &api.OrganizationNotEmptyException{Message: "To delete an organization you must first remove all member accounts (except the master)."}
}

func managementCannotLeave() error {
	return &api.MasterCannotLeaveOrganizationException{Message: "The management account can't leave its organization. To remove it, delete the organization."}
}

func createStatusNotFound() error {
	return &api.CreateAccountStatusNotFoundException{Message: "You specified a create account request that doesn't exist."}
}

func accountAlreadyClosed() error {
	return &api.AccountAlreadyClosedException{Message: "The provided account is already closed."}
}

func accountClosing() error {
	return &api.ConflictException{Message: "The provided account is already being closed."}
}

func unitNotFound() error {
	return &api.OrganizationalUnitNotFoundException{Message: "You specified an organizational unit that doesn't exist."}
}

func duplicateUnit() error {
	return &api.DuplicateOrganizationalUnitException{Message: "An OU with the same name already exists."}
}

func unitNotEmpty() error {
	return &api.OrganizationalUnitNotEmptyException{Message: "To delete an organizational unit you must first move all accounts out of it and delete all its child organizational units."}
}

func parentNotFound() error {
	return &api.ParentNotFoundException{Message: "You specified parent that doesn't exist."}
}

func childNotFound() error {
	return &api.ChildNotFoundException{Message: "You specified a child that doesn't exist."}
}

func sourceParentNotFound() error {
	return &api.SourceParentNotFoundException{Message: "You specified a source parent that doesn't exist or doesn't hold the account."}
}

func destinationParentNotFound() error {
	return &api.DestinationParentNotFoundException{Message: "You specified a destination parent that doesn't exist."}
}

func duplicateAccount() error {
	return &api.DuplicateAccountException{Message: "The account is already present in the specified destination."}
}

func accountAlreadyRegistered() error {
	return &api.AccountAlreadyRegisteredException{Message: "The provided account is already a delegated administrator for your organization."}
}

func accountNotRegistered() error {
	return &api.AccountNotRegisteredException{Message: "The provided account is not a registered delegated administrator for your organization."}
}

func requestInProgress() error {
	return &api.TooManyRequestsException{Message: "AWS Organizations can't complete your request because another request is already in progress. Try again later."}
}

func tooManyAccounts() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonAccountNumberLimitExceeded,
		"You have exceeded the allowed number of AWS Accounts.")
}

func tooManyUnits() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonOuNumberLimitExceeded,
		"You have exceeded the allowed number of organizational units.")
}

func tooDeep() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonOuDepthLimitExceeded,
		"You attempted to create an OU tree that is too many levels deep.")
}

func tooManyTags() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonMaxTagLimitExceeded,
		"You have exceeded the number of tags allowed on this resource.")
}

func policyTypeEnabledForThisService() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonPolicyTypeEnabledForThisService,
		"You attempted to disable service access before you disabled the policy type (for example, INSPECTOR_POLICY). To complete this operation, you must first disable the policy type.")
}

func tooManyAdministrators() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonMaxDelegatedAdministratorsForServiceLimitExceeded,
		"You have exceeded the allowed number of delegated administrators for the delegated service.")
}

func cannotRegisterManagement() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonCannotRegisterMasterAsDelegatedAdministrator,
		"You cannot register master account/yourself as delegated administrator for your organization.")
}

func cannotRegisterSuspended() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonCannotRegisterSuspendedAccountAsDelegatedAdministrator,
		"You cannot register a suspended account as delegated administrator for your organization.")
}

func serviceAccessNotEnabled() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonServiceAccessNotEnabled,
		"You attempted to register a delegated administrator before you enabled service access. Call the EnableAWSServiceAccess API first.")
}

func cannotRemoveAdministrator() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonCannotRemoveDelegatedAdministratorFromOrg,
		"You attempted to remove an account that is registered as a delegated administrator for a service integrated with your organization. To complete this operation, you must first deregister this account as a delegated administrator.")
}

func signUpUnfinished() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonAccountCreationNotComplete,
		"Your account setup isn't complete or your account isn't fully active. You must complete the account setup before you create an organization.")
}

func cannotStandAlone() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonAccountCannotLeaveWithoutPhoneVerification,
		"You attempted to remove an account from the organization that doesn't yet have enough information to exist as a standalone account. This account requires you to first complete phone verification.")
}

func transferGoesOn() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonActiveResponsibilityTransferProcess,
		"You cannot delete organization due to an ongoing responsibility transfer process. For example, a pending invitation or an in-progress transfer. To delete the organization, you must resolve the current transfer process.")
}

func waitPeriodActive() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonWaitPeriodActive,
		"After you create an AWS account, you must wait until the waiting period is over before the account can leave the organization.")
}

func cannotCloseManagement() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonCannotCloseManagementAccount,
		"You attempted to close the management account. To close the management account for the organization, you must first either remove or close all member accounts in the organization.")
}

func tooManyClosures() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonCloseAccountQuotaExceeded,
		"You have exceeded close account quota for the past 30 days.")
}

func tooManyClosuresAtOnce() error {
	return refusal.Constraint(api.ConstraintViolationExceptionReasonCloseAccountRequestsLimitExceeded,
		"You attempted to exceed the number of accounts that you can close at a time.")
}

func unrecognizedServicePrincipal() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonUnrecognizedServicePrincipal,
		"You specified an unrecognized service principal.")
}

func invalidNextToken() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonInvalidNextToken,
		"You provided an invalid next token. Get the value for this parameter from the response to a previous call of the operation.")
}

func invalidRoleName() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonInvalidRoleName,
		"You provided a role name that isn't valid. A role name can't begin with the reserved prefix AWSServiceRoleFor.")
}

func systemTag() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonInvalidSystemTagsParameter,
		"You specified a tag key that is a system tag. You can't add, edit, or delete system tag keys because they're reserved for AWS use.")
}

func duplicateTagKey() error {
	return refusal.Invalid(api.InvalidInputExceptionReasonDuplicateTagKey,
		"Tag keys must be unique among the tags attached to the same entity.")
}
