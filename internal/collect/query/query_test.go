package query

import (
	"net/http"
	"testing"
)

// FuzzError: whatever a service says of an error, something can be told.
func FuzzError(f *testing.F) {
	f.Add([]byte(`<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>`))
	f.Add([]byte(`<ErrorResponse><Error><Code>AccessDenied</Code></Error><RequestId>r</RequestId></ErrorResponse>`))
	f.Add([]byte(`{"__type":"com.amazon#ThrottlingException","message":"slow"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if e := errorOf(&http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}}, body); e.Code == "" {
			t.Error("an error without a code")
		}
	})
}
