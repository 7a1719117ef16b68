package awsapi

import (
	"fmt"
	"net/http"
	"strings"

	"muster/internal/awsapi/wire"
	"muster/internal/awsmodel"
)

// malformed refuses a body, form or query string that cannot be read.
func (e *exchange) malformed(err error) *refusal {
	r := &refusal{status: http.StatusBadRequest, code: "SerializationException", message: sentence(err.Error())}
	switch {
	case e.protocol.Form():
		r.code = "MalformedQueryString"
	case e.service != nil && e.service.reasoned():
		r.code = "ValidationException"
		r.members = []byte(`,"reason":"CANNOT_PARSE"`)
	}
	return r
}

func sentence(s string) string {
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// invalid refuses an input that breaks the model's constraints, in the form of
// the service.
func (e *exchange) invalid(in *wire.Invalid) *refusal {
	r := &refusal{status: http.StatusBadRequest, message: in.Error()}
	switch {
	case e.protocol.Form():
		r.code = "ValidationError"
	case e.service.reasoned():
		r.code = "ValidationException"
		r.members = fieldMembers(in)
	case hasWrongType(in):
		r.code = "SerializationException"
	case e.service.declares("InvalidInputException"):
		r.code, r.message = "InvalidInputException", inputMessage(in)
		r.members = []byte(`,"Reason":` + quote(inputReason(in.Violations[0])))
	case e.service.declares("InvalidParameterException"):
		r.code, r.message = "InvalidParameterException", parameterMessage(in)
	default:
		r.code = "ValidationException"
	}
	return r
}

// fieldMembers are the reason and the fields of a ValidationException.
func fieldMembers(in *wire.Invalid) []byte {
	b := []byte(`,"reason":"FIELD_VALIDATION_FAILED","fields":[`)
	for i, v := range in.Violations {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = append(wire.AppendString(b, v.Path), `,"message":`...)
		b = append(wire.AppendString(b, v.Message()), '}')
	}
	return append(b, ']')
}

func hasWrongType(in *wire.Invalid) bool {
	for _, v := range in.Violations {
		if v.Rule == wire.WrongType {
			return true
		}
	}
	return false
}

// inputReason is the reason of Organizations' InvalidInputException.
func inputReason(v wire.Violation) string {
	switch v.Rule {
	case wire.NotNull, wire.BadUnion:
		return "INPUT_REQUIRED"
	case wire.TooShort:
		return "MIN_LENGTH_EXCEEDED"
	case wire.TooLong:
		return "MAX_LENGTH_EXCEEDED"
	case wire.TooSmall:
		return "MIN_VALUE_EXCEEDED"
	case wire.TooLarge:
		return "MAX_VALUE_EXCEEDED"
	case wire.BadEnum:
		return "INVALID_ENUM"
	case wire.BadElement:
		return "INVALID_LIST_MEMBER"
	}
	return "INVALID_PATTERN"
}

// inputMessage is Organizations' wording, which clients match.
func inputMessage(in *wire.Invalid) string {
	switch inputReason(in.Violations[0]) {
	case "INVALID_PATTERN":
		return "You provided a value that does not match the required pattern."
	case "INVALID_ENUM":
		return "You specified an invalid value."
	}
	return in.Error()
}

// parameterMessage is ECR's wording: "Invalid parameter at 'repositoryName'
// failed to satisfy constraint: 'must satisfy regular expression '…”".
func parameterMessage(in *wire.Invalid) string {
	clauses := make([]string, len(in.Violations))
	for i, v := range in.Violations {
		rule := strings.TrimPrefix(v.Constraint, "Member ")
		if p, ok := strings.CutPrefix(rule, "must satisfy regular expression pattern: "); ok {
			rule = "must satisfy regular expression '" + p + "'"
		}
		clauses[i] = fmt.Sprintf("Invalid parameter at '%s' failed to satisfy constraint: '%s'", v.Path, rule)
	}
	return strings.Join(clauses, "; ")
}

// unknownOperation refuses a target, action or path that no service has.
func (e *exchange) unknownOperation(name string) *refusal {
	r := &refusal{status: http.StatusBadRequest, code: "UnknownOperationException", message: fmt.Sprintf("Unknown operation: %.200s", name)}
	switch e.protocol {
	case awsmodel.RESTJSON:
		r.status = http.StatusNotFound
	case awsmodel.Query, awsmodel.EC2:
		r.code = "InvalidAction"
		r.message = fmt.Sprintf("Could not find operation %.200s for version %.40s", name, e.form.Get("Version"))
	}
	return r
}

// notImplemented says in words what muster does not do yet.
func (e *exchange) notImplemented() *refusal {
	return &refusal{status: http.StatusNotImplemented, code: e.named("NotImplemented"), message: "muster does not implement the operation " + e.op.Action() + " yet."}
}

func (e *exchange) tooLarge() *refusal {
	return &refusal{
		status: http.StatusRequestEntityTooLarge, code: e.named("RequestEntityTooLarge"),
		message: fmt.Sprintf("The request body exceeds the maximum of %d bytes.", e.door.config.MaxBody),
	}
}

func (e *exchange) unsupportedType(have string) *refusal {
	return &refusal{
		status: http.StatusUnsupportedMediaType, code: e.named("UnsupportedMediaType"),
		message: fmt.Sprintf("The content type or encoding of the request is not that of the protocol: '%.100s'.", have),
	}
}
