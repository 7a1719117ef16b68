package fleet

import (
	"errors"
	"fmt"
	"time"

	"muster/internal/agentwire"
	"muster/internal/awsmodel/muster"
)

// ErrUnknownInventory is what Inventories.Accept answers to a heartbeat whose
// content is not stored.
var ErrUnknownInventory = errors.New("inventory content is not known")

// Refusal is an agent's request that was understood and not accepted.
// Nothing changed.
type Refusal struct {
	Code    agentwire.ErrorCode
	Message string
	// ServerTime accompanies CodeClockSkew.
	ServerTime time.Time
	// LastSequence accompanies CodeSequence.
	LastSequence int64
}

func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Message }

func refuse(code agentwire.ErrorCode, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// unknownHost is also what a wrong key gets, so that guessing host ids tells
// nothing.
func unknownHost() error {
	return refuse(agentwire.CodeBadSignature, "The request is not signed by the key of an enrolled host.")
}

func tooLow(sequence, last int64) error {
	r := refuse(agentwire.CodeSequence, "Sequence number %d is not above %d, the last one accepted: the request is a repetition, or this host's state was restored.", sequence, last)
	r.LastSequence = last
	return r
}

func invalidField(name, message string) error {
	return &muster.ValidationException{
		Message: message, Reason: muster.ValidationExceptionReasonFieldValidationFailed,
		Fields: []muster.ValidationExceptionField{{Name: name, Message: message}},
	}
}
