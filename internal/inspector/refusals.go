package inspector

import (
	"errors"
	"fmt"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
)

// invalid is the answer to a request that is well-formed and makes no sense.
func invalid(format string, args ...any) error {
	return &inspector2.ValidationException{Message: fmt.Sprintf(format, args...), Reason: inspector2.ValidationExceptionReasonOther}
}

func notFound(format string, args ...any) error {
	return &inspector2.ResourceNotFoundException{Message: fmt.Sprintf(format, args...)}
}

func denied(format string, args ...any) error {
	return &inspector2.AccessDeniedException{Message: fmt.Sprintf(format, args...)}
}

// alreadyAdministrator must contain "already enabled" (some clients look for
// "already enabled for the organization"), and no other conflict
// may: Terraform takes those words as success.
func alreadyAdministrator(account arn.AccountID) error {
	return administratorConflict(account, "Account %s is already enabled for the organization as the delegated administrator.", account)
}

func administratorConflict(account arn.AccountID, format string, args ...any) error {
	return &inspector2.ConflictException{
		Message: fmt.Sprintf(format, args...), ResourceId: string(account), ResourceType: "DelegatedAdminAccount",
	}
}

// The texts about members are AWS's own; clients match them.
func alreadyMember() error {
	return invalid("The request is rejected because the given account ID is already a member or associated member of the current account.")
}

func notAMember() error {
	return invalid("The request is rejected because the current account cannot disassociate the given member account ID since the latter is not yet associated to it.")
}

// isRefusal tells an answer for the caller from a failure of ours.
func isRefusal(err error) bool {
	_, ok := errors.AsType[awsmodel.Error](err)
	return ok
}
