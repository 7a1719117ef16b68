package awsapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"muster/internal/awsmodel"
)

// TestAnswers holds the bytes of good answers in each protocol.
func TestAnswers(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	tests := []struct {
		name string
		m    message
		typ  string
		want string
	}{
		{
			"rest-json: epoch times, required list, absent members", inspectorCall(`{"unknown":1}`), "application/json",
			`{"findings":[{"findingArn":"arn:aws:inspector2:us-east-1:111122223333:finding/0123456789abcdef0123456789abcdef","awsAccountId":"111122223333",` +
				`"type":"PACKAGE_VULNERABILITY","description":"überlauf <&>` + "\u2028" + `","remediation":{},"severity":"HIGH","firstObservedAt":1795348800,"lastObservedAt":1795348800.500,` +
				`"updatedAt":1795348800,"status":"ACTIVE","resources":[],"inspectorScore":7.5}]}`,
		},
		{"rest-json: query string", message{"GET", "http://muster.example/encryptionkey/get?scanType=CODE&resourceType=AWS_LAMBDA_FUNCTION", "", "", "", "inspector2"}, "application/json", `{"kmsKeyId":"CODE/AWS_LAMBDA_FUNCTION"}`},
		{"rest-json: escaped path", message{"GET", "http://muster.example/tags/arn%3Aaws%3Ainspector2%3Ar%3A1%3Aowner%2F1%2Ffilter%2Fa%20b", "", "", "", "inspector2"}, "application/json", `{"tags":{"arn":"arn:aws:inspector2:r:1:owner/1/filter/a b"}}`},
		{"rest-json: plain path", message{"GET", "http://muster.example/tags/arn:aws:inspector2:r:1:owner/1/filter/a", "", "", "", "inspector2"}, "application/json", `{"tags":{"arn":"arn:aws:inspector2:r:1:owner/1/filter/a"}}`},
		{"rest-json: empty output", message{"POST", "http://muster.example/tags/arn:x", "application/json", "", `{"tags":{"k":"v"}}`, "inspector2"}, "application/json", `{}`},
		{"rest-json: documents", message{"POST", "http://muster.example/scan/sbom", "application/json", "", `{"sbom": {"bomFormat" : "CycloneDX"} }`, "inspector-scan"}, "application/json", `{"sbom":{"bomFormat" : "CycloneDX"}}`},
		{"JSON 1.1", organizationsCall("ListAccounts", ``), "application/x-amz-json-1.1", `{"Accounts":[{"Id":"111122223333","Name":"mänagement","JoinedTimestamp":1795348800.123}]}`},
		{"JSON 1.1: no output", organizationsCall("DeleteOrganization", ``), "application/x-amz-json-1.1", `{}`},
		{
			"query", iamCall("Action=CreateUser&Version=2010-05-08&UserName=alice&Tags.member.1.Key=team&Tags.member.1.Value=blue+%2B%20r%C3%B6d"), "text/xml",
			`<CreateUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateUserResult><User><Path>/</Path><UserName>alice</UserName><UserId>AIDAEXAMPLEEXAMPLE</UserId>` +
				`<Arn>arn:aws:iam::111122223333:user/alice</Arn><CreateDate>2026-11-22T12:00:00Z</CreateDate><Tags><member><Key>team</Key><Value>blue + röd</Value></member></Tags></User></CreateUserResult>` +
				`<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></CreateUserResponse>`,
		},
		{
			"query: by GET, required empty list", message{"GET", "http://muster.example/?Version=2010-05-08&Action=ListUsers", "", "", "", "iam"}, "text/xml",
			`<ListUsersResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListUsersResult><Users></Users></ListUsersResult><ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></ListUsersResponse>`,
		},
		{"our own service", message{"POST", "http://muster.example/", "application/x-amz-json-1.1; charset=utf-8", "Muster_20261101.ListFeeds", `{}`, "muster"}, "application/x-amz-json-1.1", `{"feeds":[]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := l.do(t, signer{}.sign(t, tt.m))
			if a.status != 200 || a.header.Get("Content-Type") != tt.typ {
				t.Fatalf("got %d %s %s", a.status, a.header, a.body)
			}
			want := strings.Replace(tt.want, "ID<", a.header.Get("x-amzn-RequestId")+"<", 1)
			if a.body != want {
				t.Errorf("got  %s\nwant %s", a.body, want)
			}
			common(t, l, a)
		})
	}
}

// TestAudit shows records of a change, a reading call, a session and a refusal.
func TestAudit(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	r := signer{}.sign(t, iamCall("Action=CreateUser&Version=2010-05-08&UserName=alice"))
	r.Header.Set("User-Agent", "aws-cli/2")
	a := l.do(t, r)
	got, err := json.Marshal(l.last())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDAALICE","arn":"arn:aws:iam::111122223333:user/team/alice","accountId":"111122223333","accessKeyId":"AKIAUSERUSERUSERUSER","userName":"alice"},` +
		`"eventTime":"2026-11-22T12:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","userAgent":"aws-cli/2",` +
		`"requestParameters":{"UserName":"alice"},"responseElements":{"User":{"Path":"/","UserName":"alice","UserId":"AIDAEXAMPLEEXAMPLE","Arn":"arn:aws:iam::111122223333:user/alice","CreateDate":1795348800}},` +
		`"requestID":"` + a.header.Get("x-amzn-RequestId") + `","eventID":"` + l.last().EventID + `","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	l.do(t, signer{key: sessKey, token: sessToken}.sign(t, inspectorCall(`{"maxResults":5}`)))
	if r := l.last(); !r.ReadOnly || r.ResponseElements != nil || string(r.RequestParameters) != `{"maxResults":5}` || r.UserIdentity.SessionContext == nil || r.UserIdentity.SessionContext.SessionIssuer.UserName != "Admin" {
		t.Errorf("a session's reading call: %+v", r)
	}
	l.denied = &awsmodel.Fault{Code: "AccessDenied", Message: "no"}
	l.do(t, signer{}.sign(t, inspectorCall(`{}`)))
	if r := l.last(); r.ErrorCode != "AccessDeniedException" || r.ErrorMessage != "no" || r.EventName != "ListFindings" {
		t.Errorf("a denied call: %+v", r)
	}
}

// TestAuditHidesSecrets looks for sensitive values of requests and answers.
func TestAuditHidesSecrets(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	a := l.do(t, signer{}.sign(t, message{"POST", "http://muster.example/", "application/x-amz-json-1.1", "Muster_20261101.CreateActivation", `{}`, "muster"}))
	if !strings.Contains(a.body, "very-secret-code") {
		t.Fatalf("got %s", a.body)
	}
	if got := string(l.last().ResponseElements); strings.Contains(got, "very-secret-code") || !strings.Contains(got, "HIDDEN_DUE_TO_SECURITY_REASONS") {
		t.Errorf("the audit log has %s", got)
	}
}

// TestHandles tells the door's requests from those of other handlers on the
// same address.
func TestHandles(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	for _, m := range []message{
		inspectorCall(""), organizationsCall("X", ""), iamCall("Action=X"), {"GET", "http://m/?Action=ListUsers&Version=2010-05-08", "", "", "", ""},
		{"GET", "http://m/anything?X-Amz-Algorithm=AWS4-HMAC-SHA256", "", "", "", ""}, {"DELETE", "http://m/tags/arn:x", "", "", "", ""},
	} {
		if !l.Handles(m.request(t)) {
			t.Errorf("%+v is not handled", m)
		}
	}
	for _, m := range []message{{"GET", "http://m/", "", "", "", ""}, {"GET", "http://m/findings/list", "", "", "", ""}, {"POST", "http://m/agent/v1/report", "application/json", "", "{}", ""}, {"POST", "http://m/login", "application/x-www-form-urlencoded", "", "a=b", ""}} {
		if l.Handles(m.request(t)) {
			t.Errorf("%+v is handled", m)
		}
	}
	r, err := http.NewRequest("PUT", "http://m/x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x")
	if !l.Handles(r) {
		t.Error("a signed request is not handled")
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a door without keys and authorization was built")
	}
	twice := Config{Keys: keyring{}, Authorize: allow, Services: append(testDesks(), testDesks()[0])}
	if _, err := New(twice); err == nil {
		t.Error("two services with one signing name were accepted")
	}
}
