package awsapi

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strconv"

	"muster/internal/awsapi/sigv4"
	"muster/internal/awsapi/wire"
	"muster/internal/awsmodel"
)

// refusal is an error in the form that goes on the wire.
type refusal struct {
	status        int
	code, message string
	// members are further members of the error, encoded for the protocol.
	members []byte
	header  map[string]string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// refuse turns an error into the reply.
func (e *exchange) refuse(err error) {
	r := e.refusal(err)
	e.refused, e.out = r, nil
	e.reply = reply{status: r.status, header: r.header}
	switch e.protocol {
	case awsmodel.Query:
		e.reply.body = e.queryError(r)
	case awsmodel.EC2:
		e.reply.body = e.ec2Error(r)
	default:
		e.reply.body = e.jsonError(r)
	}
}

func (e *exchange) refusal(err error) *refusal {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r
	}
	if s, ok := errors.AsType[*sigv4.Error](err); ok {
		return e.authRefusal(s)
	}
	if fault, ok := errors.AsType[*awsmodel.Fault](err); ok {
		return e.fault(fault)
	}
	if modelled, ok := errors.AsType[awsmodel.Error](err); ok {
		return e.exception(modelled)
	}
	return e.internal(err)
}

// exception encodes an exception of the service's model with all its members;
// one of another model keeps its code, status and message.
func (e *exchange) exception(err awsmodel.Error) *refusal {
	r := &refusal{status: err.HTTPStatus(), code: err.ErrorCode()}
	v := reflect.Indirect(reflect.ValueOf(err))
	if f := v.FieldByName("Message"); v.Kind() == reflect.Struct && f.IsValid() && f.Kind() == reflect.String {
		r.message = f.String()
	}
	if e.service == nil {
		return r
	}
	shape, value, ok := e.service.codec.Exception(err)
	if !ok {
		return r
	}
	r.members, r.header = e.service.codec.ErrorMembers(shape, value, e.protocol)
	return r
}

// fault adapts the faults that every service has to the protocol's names.
func (e *exchange) fault(f *awsmodel.Fault) *refusal {
	r := &refusal{status: f.Status, code: f.Code, message: f.Message}
	if f.RetryAfter > 0 {
		r.header = map[string]string{"Retry-After": strconv.Itoa(f.RetryAfter)}
	}
	switch f.Code {
	case "AccessDenied", "AccessDeniedException":
		r.code, r.status = e.named("AccessDenied"), http.StatusForbidden
		switch e.protocol {
		case awsmodel.JSON11:
			r.status = http.StatusBadRequest
		case awsmodel.EC2:
			r.code = "UnauthorizedOperation"
		}
	case "Throttling", "ThrottlingException", "TooManyRequestsException":
		e.throttle(r)
	}
	if r.status == 0 {
		r.status = http.StatusBadRequest
	}
	return r
}

func (e *exchange) throttle(r *refusal) {
	r.code, r.status = e.named("Throttling"), http.StatusBadRequest
	switch {
	case e.protocol == awsmodel.RESTJSON:
		r.status = http.StatusTooManyRequests
		e.retryLater(r, "ThrottlingException")
	case e.service != nil && e.service.declares("TooManyRequestsException"):
		r.code = "TooManyRequestsException"
	}
}

// named is a common error's code in the protocol: JSON protocols end it in
// "Exception", the query protocol does not.
func (e *exchange) named(code string) string {
	if e.protocol.Form() {
		return code
	}
	return code + "Exception"
}

// internalError carries what only the log may know.
type internalError struct {
	error
	stack string
}

// internal logs what went wrong, once, and answers with the service's own
// internal error.
func (e *exchange) internal(err error) *refusal {
	if errors.Is(err, context.Canceled) && e.r.Context().Err() != nil {
		return &refusal{status: http.StatusServiceUnavailable, code: e.named("ServiceUnavailable"), message: "The client closed the connection."}
	}
	if errors.Is(err, context.DeadlineExceeded) && e.r.Context().Err() != nil || e.door.config.TryLater(err) {
		return e.unavailable(err)
	}
	attrs := []any{"requestID", e.id, "error", err}
	if e.op != nil {
		attrs = append(attrs, "operation", e.op.Action())
	}
	if p, ok := errors.AsType[*internalError](err); ok {
		attrs = append(attrs, "stack", p.stack)
	}
	e.door.config.Logger.ErrorContext(e.r.Context(), "call failed", attrs...)
	r := &refusal{status: http.StatusInternalServerError, code: "InternalFailure", message: "The request processing has failed because of an unknown error. Request id: " + e.id}
	if e.service == nil {
		return r
	}
	for _, name := range []string{"InternalServerException", "ServiceException", "ServerException"} {
		if e.service.declares(name) {
			r.code = name
		}
	}
	if e.service.declares("ServiceFailureException") {
		r.code = "ServiceFailure"
	}
	if e.service.exceptionHas("InternalServerException", "reason") {
		r.members = []byte(`,"reason":"OTHER"`)
	}
	e.retryLater(r, "InternalServerException")
	return r
}

// unavailable answers for a failure that passes by itself as AWS's services do
// in that case; its clients try again by themselves. The cause is logged, once.
func (e *exchange) unavailable(err error) *refusal {
	e.door.config.Logger.WarnContext(e.r.Context(), "call put off", "requestID", e.id, "error", err)
	return &refusal{
		status: http.StatusServiceUnavailable, code: e.named("ServiceUnavailable"),
		message: "The request has failed due to a temporary failure of the server.",
		header:  map[string]string{"Retry-After": retryAfter},
	}
}

// retryAfter is in how many seconds a caller may try again.
const retryAfter = "1"

// retryLater adds when to try again, where the exception has a place for it.
func (e *exchange) retryLater(r *refusal, exception string) {
	if e.service != nil && e.service.exceptionHas(exception, "retryAfterSeconds") {
		r.header = map[string]string{"Retry-After": "1"}
	}
}

func (e *exchange) jsonError(r *refusal) []byte {
	key := "message"
	if e.service != nil {
		key = e.service.messageKey
	}
	b := []byte{'{'}
	if e.protocol == awsmodel.JSON11 {
		b = wire.AppendString(append(b, `"__type":`...), r.code)
		b = append(b, ',')
	} else {
		if e.reply.header == nil {
			e.reply.header = map[string]string{}
		}
		e.reply.header["X-Amzn-Errortype"] = r.code
	}
	b = append(wire.AppendString(b, key), ':')
	b = wire.AppendString(b, r.message)
	return append(append(b, r.members...), '}')
}

func (e *exchange) queryError(r *refusal) []byte {
	kind := "Sender"
	if r.status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	b := []byte("<ErrorResponse")
	if e.service != nil && e.service.model.XMLNamespace != "" {
		b = append(b, ` xmlns="`+e.service.model.XMLNamespace+`"`...)
	}
	b = append(b, "><Error><Type>"+kind+"</Type><Code>"...)
	b = append(wire.AppendText(b, r.code), "</Code><Message>"...)
	b = append(wire.AppendText(b, r.message), "</Message>"...)
	b = append(b, r.members...)
	return append(b, "</Error><RequestId>"+e.id+"</RequestId></ErrorResponse>"...)
}

func (e *exchange) ec2Error(r *refusal) []byte {
	b := append([]byte("<Response><Errors><Error><Code>"), r.code...)
	b = wire.AppendText(append(b, "</Code><Message>"...), r.message)
	return append(b, "</Message></Error></Errors><RequestID>"+e.id+"</RequestID></Response>"...)
}

// quote is a JSON string.
func quote(s string) string { return string(wire.AppendString(nil, s)) }
