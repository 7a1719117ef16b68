package awsapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"muster/internal/awsmodel"
)

// TestRefusals holds status, code and text of what the door refuses after the
// signature was found good.
func TestRefusals(t *testing.T) {
	rest, json11, form := "application/json", "application/x-amz-json-1.1", "application/x-www-form-urlencoded"
	at := func(method, path string) message {
		return message{method, "http://muster.example" + path, rest, "", "", "inspector2"}
	}
	tests := []struct {
		name   string
		m      message
		status int
		code   string
		// holds is in the body.
		holds string
	}{
		{"unknown path", at("POST", "/nothing"), 404, "UnknownOperationException", "POST /nothing"},
		{"another method", at("GET", "/findings/list"), 404, "UnknownOperationException", ""},
		{"the root", at("POST", "/"), 404, "UnknownOperationException", ""},
		{"tags of nothing", at("GET", "/tags/"), 404, "UnknownOperationException", ""},
		{"unknown target", organizationsCall("Nothing", `{}`), 400, "UnknownOperationException", "Unknown operation: Nothing"},
		{"unknown prefix", message{"POST", "http://muster.example/", json11, "Nobody_2026.ListAccounts", `{}`, "organizations"}, 400, "UnknownOperationException", ""},
		{"no target", message{"POST", "http://muster.example/", json11, "", `{}`, "organizations"}, 400, "UnknownOperationException", ""},
		{"target by GET", message{"GET", "http://muster.example/", json11, "AWSOrganizationsV20161128.ListAccounts", "", "organizations"}, 400, "UnknownOperationException", ""},
		{"unknown action", iamCall("Action=Nothing&Version=2010-05-08"), 400, "InvalidAction", "Could not find operation Nothing for version 2010-05-08"},
		{"unknown version", iamCall("Action=ListUsers&Version=1999-01-01"), 400, "InvalidAction", "Could not find operation ListUsers for version 1999-01-01"},
		{"no action", iamCall("Version=2010-05-08"), 400, "MissingAction", ""},
		{"no form at all", iamCall(""), 400, "MissingAction", ""},

		{"cut JSON", inspectorCall(`{"maxResults":`), 400, "ValidationException", `"reason":"CANNOT_PARSE"`},
		{"trailing garbage", inspectorCall(`{} x`), 400, "ValidationException", `"reason":"CANNOT_PARSE"`},
		{"array", inspectorCall(`[]`), 400, "ValidationException", `"reason":"CANNOT_PARSE"`},
		{"deep JSON", inspectorCall(`{"x":` + strings.Repeat(`[`, 1000)), 400, "ValidationException", "nested too deeply"},
		{"duplicate member", inspectorCall(`{"maxResults":1,"maxResults":2}`), 400, "ValidationException", "maxResults twice"},
		{"cut JSON 1.1", organizationsCall("ListAccounts", `{"MaxResults":`), 400, "SerializationException", "malformed"},
		{"wrong type in JSON 1.1", organizationsCall("ListAccounts", `{"MaxResults":"1"}`), 400, "SerializationException", "'maxResults'"},
		{"malformed form", iamCall("Action=ListUsers&Version=2010-05-08&PathPrefix=%zz"), 400, "MalformedQueryString", ""},
		{"duplicate parameter", iamCall("Action=ListUsers&Version=2010-05-08&MaxItems=1&MaxItems=2"), 400, "MalformedQueryString", "MaxItems is given twice"},

		{"fields", inspectorCall(`{"maxResults":0,"sortCriteria":{}}`), 400, "ValidationException", `"reason":"FIELD_VALIDATION_FAILED","fields":[{"name":"maxResults","message":"Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1"},{"name":"sortCriteria.field",`},
		{"organizations' reason", organizationsCall("ListAccounts", `{"MaxResults":21}`), 400, "InvalidInputException", `"Message":"1 validation error detected: Value '21' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 20","Reason":"MAX_VALUE_EXCEEDED"`},
		{"input required", organizationsCall("CreateAccount", `{"AccountName":"a"}`), 400, "InvalidInputException", `"Reason":"INPUT_REQUIRED"`},
		{"pattern", organizationsCall("DescribeAccount", `{"AccountId":"12"}`), 501, "NotImplementedException", "organizations:DescribeAccount"},
		{"ECR's wording", message{"POST", "http://muster.example/", json11, "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories", `{"registryId":"x"}`, "ecr"}, 400, "InvalidParameterException", `"message":"Invalid parameter at 'registryId' failed to satisfy constraint: 'must satisfy regular expression '[0-9]{12}''"`},
		{"XML is escaped", iamCall("Action=CreateUser&Version=2010-05-08&UserName=%3Ca%26%22b%3E"), 400, "ValidationError", "Value '&lt;a&amp;&quot;b&gt;' at 'userName'"},
		{"query validation", iamCall("Action=ListUsers&Version=2010-05-08&MaxItems=0"), 400, "ValidationError", "<Type>Sender</Type><Code>ValidationError</Code><Message>1 validation error detected: Value '0' at 'maxItems'"},
		{"our own service", message{"POST", "http://muster.example/", json11, "Muster_20261101.CreateActivation", `{"expiresInSeconds":1}`, "muster"}, 400, "ValidationException", `"reason":"FIELD_VALIDATION_FAILED"`},

		{"form sent as text", message{"POST", "http://muster.example/", "text/plain", "", "Action=ListUsers&Version=2010-05-08", "iam"}, 415, "UnsupportedMediaType", ""},
		{"JSON sent as a form", message{"POST", "http://muster.example/findings/list", form, "", `{}`, "inspector2"}, 415, "UnsupportedMediaTypeException", ""},
		{"JSON 1.0", message{"POST", "http://muster.example/", "application/x-amz-json-1.0", "AWSOrganizationsV20161128.ListAccounts", `{}`, "organizations"}, 415, "UnsupportedMediaTypeException", ""},

		{"not implemented", at("POST", "/cis/scan/list"), 501, "NotImplementedException", "muster does not implement the operation inspector2:ListCisScans yet."},
		{"not implemented in query", iamCall("Action=CreateGroup&Version=2010-05-08"), 501, "NotImplemented", "<Type>Receiver</Type>"},
		{"too large", inspectorCall(`{"nextToken":"` + strings.Repeat("x", 70_000) + `"}`), 413, "RequestEntityTooLargeException", "65536"},
		{"too large a form", iamCall("Action=ListUsers&Version=2010-05-08&X=" + strings.Repeat("x", 70_000)), 413, "RequestEntityTooLarge", ""},

		{"declared exception", organizationsCall("CreateAccount", `{"AccountName":"a","Email":"a@b.example"}`), 400, "ConstraintViolationException", `{"__type":"ConstraintViolationException","Message":"too many","Reason":"ACCOUNT_NUMBER_LIMIT_EXCEEDED"}`},
		{"wire code of query", iamCall("Action=GetRole&Version=2010-05-08&RoleName=r"), 404, "NoSuchEntity", `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>The role with name r cannot be found.</Message></Error><RequestId>`},
		{"lower-case message", message{"POST", "http://muster.example/", json11, "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories", `{}`, "ecr"}, 400, "RepositoryNotFoundException", `"message":"no such repository"`},
		{"repeated query parameters", message{"DELETE", "http://muster.example/tags/arn:aws:x?tagKeys=a&tagKeys=b", "", "", "", "inspector2"}, 404, "ResourceNotFoundException", `{"message":"a|b"}`},
	}
	l := newLab(t, testDesks(), func(c *Config) { c.MaxBody = 64 << 10 })
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := l.do(t, signer{}.sign(t, tt.m))
			if a.status != tt.status || a.code != tt.code || !strings.Contains(a.body, tt.holds) {
				t.Errorf("got %d %s %s, want %d %s with %s", a.status, a.code, a.body, tt.status, tt.code, tt.holds)
			}
			common(t, l, a)
			if r := l.last(); r.ErrorCode != tt.code || r.UserIdentity.ARN == "" && tt.status != 413 {
				t.Errorf("the audit log has %+v", r)
			}
		})
	}
}

// common checks what every answer has.
func common(t *testing.T, l *lab, a answer) {
	t.Helper()
	id := a.header.Get("x-amzn-RequestId")
	if len(id) != 36 || id != l.last().RequestID || a.requestIDXML != "" && a.requestIDXML != id {
		t.Errorf("the request id is %q, audited as %q", id, l.last().RequestID)
	}
	if a.header.Get("Date") != "Sun, 22 Nov 2026 12:00:00 GMT" {
		t.Errorf("the date is %q", a.header.Get("Date"))
	}
}

// TestUnsignedLearnNothing sends unsigned requests for what does not exist or
// is malformed: all are told to sign.
func TestUnsignedLearnNothing(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	for _, m := range []message{
		inspectorCall(`{"cut`), {"GET", "http://muster.example/nothing", "", "", "", ""}, organizationsCall("Nothing", `{`),
		iamCall("Action=Nothing"), iamCall("%zz"), iamCall("Action=CreateGroup&Version=2010-05-08"),
	} {
		if a := l.do(t, m.request(t)); !strings.HasPrefix(a.code, "MissingAuthenticationToken") {
			t.Errorf("%+v: got %d %s", m, a.status, a.body)
		}
	}
}

// TestUnsignedOperations need no signature: they are only not implemented.
func TestUnsignedOperations(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	for _, op := range []string{"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"} {
		m := message{"POST", "http://muster.example/", "application/x-www-form-urlencoded", "", "Action=" + op + "&Version=2011-06-15", "sts"}
		if a := l.do(t, m.request(t)); a.status != 501 || a.code != "NotImplemented" {
			t.Errorf("%s: got %d %s", op, a.status, a.body)
		}
		if a := l.do(t, signer{secret: "guess"}.sign(t, m)); a.code != "SignatureDoesNotMatch" {
			t.Errorf("%s signed wrongly: got %d %s", op, a.status, a.body)
		}
	}
}

// TestFaults shows authorization's refusals and throttling in each protocol.
func TestFaults(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	tests := []struct {
		fault  *awsmodel.Fault
		m      message
		status int
		code   string
	}{
		{&awsmodel.Fault{Code: "AccessDeniedException", Message: "no", Status: 403}, inspectorCall(`{}`), 403, "AccessDeniedException"},
		{&awsmodel.Fault{Code: "AccessDeniedException", Message: "no", Status: 403}, organizationsCall("ListAccounts", `{}`), 400, "AccessDeniedException"},
		{&awsmodel.Fault{Code: "AccessDeniedException", Message: "no", Status: 403}, iamCall("Action=ListUsers&Version=2010-05-08"), 403, "AccessDenied"},
		{&awsmodel.Fault{Code: "Throttling", Message: "Rate exceeded"}, inspectorCall(`{}`), 429, "ThrottlingException"},
		{&awsmodel.Fault{Code: "Throttling", Message: "Rate exceeded"}, organizationsCall("ListAccounts", `{}`), 400, "TooManyRequestsException"},
		{&awsmodel.Fault{Code: "Throttling", Message: "Rate exceeded"}, iamCall("Action=ListUsers&Version=2010-05-08"), 400, "Throttling"},
		{&awsmodel.Fault{Code: "OptInRequired", Message: "no", Status: 403}, inspectorCall(`{}`), 403, "OptInRequired"},
	}
	for _, tt := range tests {
		l.denied = tt.fault
		a := l.do(t, signer{}.sign(t, tt.m))
		if a.status != tt.status || a.code != tt.code || !strings.Contains(a.body, tt.fault.Message) {
			t.Errorf("%s to %s: got %d %s %s", tt.fault.Code, tt.m.service, a.status, a.code, a.body)
		}
	}
}

// TestRetryAfter shows a member that travels in a header.
func TestRetryAfter(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	a := l.do(t, signer{}.sign(t, inspectorCall(`{"nextToken":"busy"}`)))
	if a.status != 429 || a.code != "ThrottlingException" || a.header.Get("Retry-After") != "7" || a.body != `{"message":"slow down"}` {
		t.Errorf("got %d %v %s", a.status, a.header, a.body)
	}
	for _, err := range []error{errors.New("the database is gone"), &awsmodel.Fault{Code: "Throttling", Message: "Rate exceeded"}} {
		l.denied = err
		if a := l.do(t, signer{}.sign(t, inspectorCall(`{}`))); a.header.Get("Retry-After") != "1" {
			t.Errorf("%v: got %d %v %s", err, a.status, a.header, a.body)
		}
		if a := l.do(t, signer{}.sign(t, organizationsCall("ListAccounts", `{}`))); a.header.Get("Retry-After") != "" {
			t.Errorf("organizations, %v: got %d %v %s", err, a.status, a.header, a.body)
		}
	}
}

// TestInternalErrors are logged once with the request's id, and tell nothing.
func TestInternalErrors(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	a := l.do(t, signer{}.sign(t, message{"POST", "http://muster.example/", "application/x-amz-json-1.1", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", `{}`, "ecr"}))
	if a.status != 500 || a.code != "ServerException" || strings.Contains(a.body, "bug") {
		t.Errorf("panic: got %d %s", a.status, a.body)
	}
	log := l.log.String()
	if strings.Count(log, "call failed") != 1 || !strings.Contains(log, "the desk has a bug") || !strings.Contains(log, a.header.Get("x-amzn-RequestId")) || !strings.Contains(log, "harness_test.go") {
		t.Errorf("the log has %s", log)
	}
	if r := l.last(); r.ErrorCode != "ServerException" || r.EventName != "GetAuthorizationToken" {
		t.Errorf("the audit log has %+v", r)
	}
	for _, tt := range []struct {
		m    message
		code string
	}{
		{inspectorCall(`{}`), "InternalServerException"}, {organizationsCall("ListAccounts", `{}`), "ServiceException"},
		{iamCall("Action=ListUsers&Version=2010-05-08"), "ServiceFailure"},
		{message{"POST", "http://muster.example/", "application/x-www-form-urlencoded", "", "Action=GetCallerIdentity&Version=2011-06-15", "sts"}, "InternalFailure"},
		{message{"POST", "http://muster.example/scan/sbom", "application/json", "", `{"sbom":{}}`, "inspector-scan"}, "InternalServerException"},
	} {
		l.denied = errors.New("the database is gone")
		if a := l.do(t, signer{}.sign(t, tt.m)); a.status != 500 || a.code != tt.code || strings.Contains(a.body, "database") {
			t.Errorf("%s: got %d %s", tt.m.service, a.status, a.body)
		}
	}
}

// TestClientGoesAway: an error because the client left is no internal error.
func TestClientGoesAway(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	l.denied = context.Canceled
	r := signer{}.sign(t, inspectorCall(`{}`))
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	if a := l.do(t, r.WithContext(ctx)); a.status != http.StatusServiceUnavailable || l.log.Len() > 0 {
		t.Errorf("got %d %s, logged %s", a.status, a.body, &l.log)
	}
}
