package rollout

import (
	"errors"
	"fmt"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/store"
)

func invalid(format string, args ...any) error {
	return &muster.ValidationException{Message: fmt.Sprintf(format, args...), Reason: muster.ValidationExceptionReasonOther}
}

func invalidField(name, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &muster.ValidationException{
		Message: message, Reason: muster.ValidationExceptionReasonFieldValidationFailed,
		Fields: []muster.ValidationExceptionField{{Name: name, Message: message}},
	}
}

func denied(format string, args ...any) error {
	return &muster.AccessDeniedException{Message: fmt.Sprintf(format, args...)}
}

func conflict(id, format string, args ...any) error {
	return &muster.ConflictException{Message: fmt.Sprintf(format, args...), ResourceId: id, ResourceType: "Rollout"}
}

// unknown turns a missing order into the answer for the client.
func unknown(err error, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return &muster.ResourceNotFoundException{Message: "There is no rollout " + id + "."}
	}
	return err
}

// refusalOf tells an answer for the caller from a failure of ours.
func refusalOf(err error) (awsmodel.Error, bool) { return errors.AsType[awsmodel.Error](err) }
