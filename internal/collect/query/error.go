package query

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
)

// Error is what a service answered in place of what it was asked for.
type Error struct {
	Code, Message, RequestID string
	// Status is that of HTTP.
	Status int
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s (HTTP %d, request %s)", e.Code, e.Message, e.Status, cmp.Or(e.RequestID, "unknown"))
}

// ErrorCode implements smithy.APIError, by which the SDK decides whether to try
// again.
func (e *Error) ErrorCode() string { return e.Code }

// ErrorMessage implements smithy.APIError.
func (e *Error) ErrorMessage() string { return e.Message }

// ErrorFault implements smithy.APIError.
func (e *Error) ErrorFault() smithy.ErrorFault {
	if e.Status >= http.StatusInternalServerError {
		return smithy.FaultServer
	}
	return smithy.FaultClient
}

// HTTPStatusCode lets the SDK try again what failed inside the service.
func (e *Error) HTTPStatusCode() int { return e.Status }

// wireError is the XML of an error: EC2's form and that of other services.
type wireError struct {
	Errors struct {
		Error wireCode
	}
	Error wireCode
	// EC2 and the others spell it differently.
	RequestID string `xml:"RequestID"`
	Request   string `xml:"RequestId"`
}

type wireCode struct{ Code, Message string }

func errorOf(resp *http.Response, body []byte) *Error {
	e := &Error{Status: resp.StatusCode, RequestID: resp.Header.Get("X-Amzn-Requestid")}
	var w wireError
	var j struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	switch {
	case xml.Unmarshal(body, &w) == nil:
		e.Code, e.Message = cmp.Or(w.Errors.Error.Code, w.Error.Code), cmp.Or(w.Errors.Error.Message, w.Error.Message)
		e.RequestID = cmp.Or(w.RequestID, w.Request, e.RequestID)
	case json.Unmarshal(body, &j) == nil:
		e.Code, e.Message = j.Type[strings.LastIndexByte(j.Type, '#')+1:], j.Message
	}
	if e.Code == "" {
		e.Code, e.Message = strings.ReplaceAll(cmp.Or(http.StatusText(resp.StatusCode), "Unknown"), " ", ""), "the answer is none of AWS's"
	}
	return e
}
