package story

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// refused is what a bad request must be answered with.
type refused struct {
	name    string
	message message
	status  int
	code    string
	// holds are parts of the body.
	holds []string
	// as is the profile, "management" unless it is set.
	as string
}

// TestBadInput sends requests that no client would, to a server with an
// organization on it: each is refused precisely, and nothing has changed
// afterwards.
func TestBadInput(t *testing.T) {
	aws := findCLI(t)
	for engine, database := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w, err := newWorld(t.TempDir(), database(t), aws)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(w.close)
			w.settle(t)
			before := w.dump(t)
			for _, group := range [][]refused{malformed(), constraints(), envelopes(), w.foreignTokens(t), w.nonsense(t)} {
				for _, r := range group {
					w.refuses(t, r)
				}
			}
			if after := w.dump(t); after != before {
				t.Errorf("something has changed from\n%s\nto\n%s", before, after)
			}
		})
	}
}

func (w *world) refuses(t *testing.T, want refused) {
	t.Helper()
	if want.as == "" {
		want.as = "management"
	}
	got, err := w.send(want.as, want.message)
	if err != nil {
		t.Errorf("%s: %v", want.name, err)
		return
	}
	ok := got.status == want.status && got.code == want.code
	for _, part := range want.holds {
		ok = ok && strings.Contains(got.body, part)
	}
	if !ok {
		t.Errorf("%s: got %d %s %.2000s\nwant %d %s with %q", want.name, got.status, got.code, got.body, want.status, want.code, want.holds)
	}
}

// settle makes an organization with an administrator, a member, a filter, a
// host and what else a bad request could touch.
func (w *world) settle(t *testing.T) {
	t.Helper()
	if err := w.answerTo("management", nil, "organizations", "create-organization"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"audit", "one"} {
		id, err := w.createAccount(name)
		if err == nil {
			err = w.enter(name, "management", id)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.accounts[name] = id
	}
	for _, call := range []struct {
		as string
		message
	}{
		{"management", rest("POST", "/delegatedadminaccounts/enable", `{"delegatedAdminAccountId":"`+w.accounts["audit"]+`"}`)},
		{"audit", rest("POST", "/enable", `{"resourceTypes":["EC2"]}`)},
		{"audit", rest("POST", "/members/associate", `{"accountId":"`+w.accounts["one"]+`"}`)},
		{"audit", rest("POST", "/members/associate", `{"accountId":"`+w.management+`"}`)},
		{"audit", rest("POST", "/filters/create", `{"name":"first","action":"NONE","filterCriteria":{}}`)},
		{"audit", rest("POST", "/filters/create", `{"name":"second","action":"SUPPRESS","filterCriteria":{"severity":[{"comparison":"EQUALS","value":"LOW"}]}}`)},
		{"management", form("Action=CreateUser&Version=2010-05-08&UserName=second")},
		{"management", organizations("EnableAWSServiceAccess", `{"ServicePrincipal":"guardduty.amazonaws.com"}`)},
	} {
		if r, err := w.send(call.as, call.message); err != nil || r.status >= 300 {
			t.Fatalf("%+v: %d %s, %v", call.message, r.status, r.body, err)
		}
	}
	if err := w.enroll("web", "one"); err != nil {
		t.Fatal(err)
	}
	if err := w.report(w.hosts["web"], w.hosts["web"].id, []string{"libfoo=1.0-1"}); err != nil {
		t.Fatal(err)
	}
	w.quiet(t)
}

// quiet waits until no state is on its way to another one.
func (w *world) quiet(t *testing.T) {
	t.Helper()
	moving := regexp.MustCompile(`"ENABLING"|"relationshipStatus":"CREATED"`)
	for deadline := time.Now().Add(patience); ; {
		dump := w.dump(t)
		if !moving.MatchString(dump) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not settle: %s", dump)
		}
	}
}

// dump is everything that the lists say, to the callers they say it to.
func (w *world) dump(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	list := func(as string, m message) {
		r, err := w.send(as, m)
		if err != nil || r.status != http.StatusOK {
			t.Fatalf("%s %+v: %d %s, %v", as, m, r.status, r.body, err)
		}
		body := regexp.MustCompile(`<RequestId>.*</RequestId>|"lastSeenAt":[0-9.]+`).ReplaceAllString(r.body, "")
		fmt.Fprintln(&out, as, m.path, m.header["X-Amz-Target"], body)
	}
	for _, op := range []string{"DescribeOrganization", "ListRoots", "ListAccounts", "ListCreateAccountStatus", "ListAWSServiceAccessForOrganization", "ListDelegatedAdministrators"} {
		list("management", organizations(op, `{}`))
	}
	for _, as := range []string{"management", "audit", "one"} {
		for _, op := range []string{"ListUsers", "ListRoles", "ListGroups", "ListPolicies&Scope=Local", "GetAccountSummary"} {
			list(as, form("Action="+op+"&Version=2010-05-08"))
		}
		for _, path := range []string{"/status/batch/get", "/filters/list", "/findings/list", "/coverage/list", "/configuration/get", "/ec2deepinspectionconfiguration/get"} {
			list(as, rest("POST", path, `{}`))
		}
		list(as, muster("ListHosts", `{}`))
	}
	list("management", rest("POST", "/delegatedadminaccounts/list", `{}`))
	list("audit", rest("POST", "/members/list", `{"onlyAssociated":false}`))
	list("audit", rest("POST", "/organizationconfiguration/describe", `{}`))
	return out.String()
}

// malformed are bodies, forms and documents that cannot be read.
func malformed() []refused {
	parse, field := []string{`"reason":"CANNOT_PARSE"`}, `"reason":"FIELD_VALIDATION_FAILED"`
	list := []refused{
		{name: "wrong types", message: rest("POST", "/enable", `{"resourceTypes":"EC2","accountIds":{"a":1},"clientToken":7}`), status: 400, code: "ValidationException",
			holds: []string{field, `"name":"resourceTypes"`, `"name":"accountIds"`, `"name":"clientToken"`}},
		{name: "a form that is none", message: form("Action=CreateUser&Version=2010-05-08&UserName=%zz"), status: 400, code: "MalformedQueryString"},
		{name: "a parameter twice", message: form("Action=CreateUser&Version=2010-05-08&UserName=x&UserName=y"), status: 400, code: "MalformedQueryString", holds: []string{"UserName is given twice"}},
		{name: "a text for a number", message: form("Action=ListUsers&Version=2010-05-08&MaxItems=many"), status: 400, code: "ValidationError", holds: []string{"maxItems"}},
		{name: "XML for a form", message: form("<CreateUserRequest><UserName>x</UserName></CreateUserRequest>").with("Content-Type", "text/xml"), status: 415, code: "UnsupportedMediaType"},
		{name: "XML called a form", message: form("<CreateUserRequest><UserName>x</UserName></CreateUserRequest>"), status: 400, code: "MissingAction"},
		{name: "no body for what is required", message: organizations("CreateAccount", ""), status: 400, code: "InvalidInputException", holds: []string{"2 validation errors detected", `"Reason":"INPUT_REQUIRED"`}},
		{name: "wrong types", message: organizations("CreateAccount", `{"AccountName":["x"],"Email":true}`), status: 400, code: "SerializationException", holds: []string{"'accountName'", "'email'"}},
	}
	for name, body := range map[string]string{
		"cut": `{"resourceTypes":["EC2"`, "an array": `["EC2"]`, "a text": `"EC2"`, "null": `null x`, "two documents": `{} {}`,
		"a half surrogate": `{"clientToken":"\ud800","Email":"\ud800"}`, "no UTF-8": "{\"clientToken\":\"\xff\xfe\",\"Email\":\"\xff\"}",
		"a member twice": `{"resourceTypes":["EC2"],"resourceTypes":["ECR"],"Email":"a@b.example","Email":"c@d.example"}`, "XML": `<resourceTypes>EC2</resourceTypes>`,
		"deep": `{"x":` + strings.Repeat(`[`, 100_000) + strings.Repeat(`]`, 100_000) + `}`,
	} {
		list = append(list,
			refused{name: "JSON: " + name, message: rest("POST", "/enable", body), status: 400, code: "ValidationException", holds: parse},
			refused{name: "JSON 1.1: " + name, message: organizations("CreateAccount", body), status: 400, code: "SerializationException"})
	}
	return list
}

// constraints are values that the models rule out: all are named at once.
func constraints() []refused {
	return []refused{
		{name: "a filter", as: "audit", message: rest("POST", "/filters/create", `{"name":"","action":"HIDE","description":"","filterCriteria":{"severity":[{"comparison":"LIKE","value":"`+strings.Repeat("x", 1025)+`"}],"epssScore":[]},"tags":{"":"x"}}`),
			status: 400, code: "ValidationException", holds: []string{
				`"reason":"FIELD_VALIDATION_FAILED"`, `Value 'HIDE' at 'action'`, `"name":"name"`, `"name":"description"`, `"name":"filterCriteria.severity.1.member.comparison"`,
				`"name":"filterCriteria.severity.1.member.value"`, `"name":"filterCriteria.epssScore"`, `validation errors detected: `,
			}},
		{name: "nothing required", as: "audit", message: rest("POST", "/filters/create", `{}`), status: 400, code: "ValidationException",
			holds: []string{"3 validation errors detected", `"name":"action"`, `"name":"filterCriteria"`, `"name":"name"`}},
		{name: "one of many ids", as: "audit", message: rest("POST", "/enable", `{"resourceTypes":["ECR"],"accountIds":["123456789012","12"]}`), status: 400, code: "ValidationException", holds: []string{"accountIds"}},
		{name: "too many ids", as: "audit", message: rest("POST", "/enable", `{"resourceTypes":["ECR"],"accountIds":["123456789012"`+strings.Repeat(`,"123456789012"`, 100)+`]}`), status: 400, code: "ValidationException", holds: []string{"less than or equal to 100"}},
		{name: "a page too large", as: "audit", message: rest("POST", "/members/list", `{"maxResults":51}`), status: 400, code: "ValidationException", holds: []string{"Value '51' at 'maxResults'"}},
		{name: "an account", message: organizations("CreateAccount", `{"AccountName":"","Email":"x","RoleName":"a/b","IamUserAccessToBilling":"MAYBE"}`), status: 400, code: "InvalidInputException",
			holds: []string{"validation errors detected", "'accountName'", "'email'", "'roleName'", "'iamUserAccessToBilling'", `"Reason":"`}},
		{name: "a principal", message: organizations("EnableAWSServiceAccess", `{"ServicePrincipal":""}`), status: 400, code: "InvalidInputException"},
		{name: "a user", message: form("Action=CreateUser&Version=2010-05-08&UserName=a%2Fb&Path=none&Tags.member.1.Key=&Tags.member.1.Value=x"), status: 400, code: "ValidationError",
			holds: []string{"4 validation errors detected", "'userName'", "'path'", "'tags.1.member.key'"}},
		{name: "no name", message: form("Action=CreateRole&Version=2010-05-08"), status: 400, code: "ValidationError", holds: []string{"2 validation errors detected", "'roleName'", "'assumeRolePolicyDocument'"}},
		{name: "an activation", as: "one", message: muster("CreateActivation", `{"expiresInSeconds":-1}`), status: 400, code: "ValidationException", holds: []string{"expiresInSeconds"}},
	}
}

// envelopes are requests whose outside is wrong.
func envelopes() []refused {
	huge := strings.Repeat("x", 11<<20)
	return []refused{
		{name: "too large", message: rest("POST", "/filters/create", `{"name":"`+huge+`"}`), status: 413, code: "RequestEntityTooLargeException", holds: []string{"10485760 bytes"}},
		{name: "too large a document", message: organizations("CreateAccount", `{"AccountName":"`+huge+`"}`), status: 413, code: "RequestEntityTooLargeException"},
		{name: "too large a form", message: form("Action=CreateUser&Version=2010-05-08&UserName=" + huge), status: 413, code: "RequestEntityTooLarge"},
		{name: "compressed", message: rest("POST", "/enable", `{"resourceTypes":["ECR"]}`).with("Content-Encoding", "gzip"), status: 415, code: "UnsupportedMediaTypeException", holds: []string{"gzip"}},
		{name: "text", message: rest("POST", "/enable", `{"resourceTypes":["ECR"]}`).with("Content-Type", "text/plain"), status: 415, code: "UnsupportedMediaTypeException", holds: []string{"text/plain"}},
		{name: "JSON 1.0", message: organizations("CreateOrganization", `{}`).with("Content-Type", "application/x-amz-json-1.0"), status: 415, code: "UnsupportedMediaTypeException"},
		{name: "unknown path", message: rest("POST", "/enable/everything", `{}`), status: 404, code: "UnknownOperationException"},
		{name: "unknown method", message: rest("PUT", "/enable", `{}`), status: 404, code: "UnknownOperationException"},
		{name: "unknown target", message: organizations("DestroyOrganization", `{}`), status: 400, code: "UnknownOperationException"},
		{name: "unknown service", message: target("organizations", "AWSOrganizationsV20991231", "ListAccounts", `{}`), status: 400, code: "UnknownOperationException"},
		{name: "unknown action", message: form("Action=DeleteEverything&Version=2010-05-08"), status: 400, code: "InvalidAction", holds: []string{"Could not find operation DeleteEverything for version 2010-05-08"}},
		{name: "not implemented", message: rest("POST", "/cis/scan/list", `{}`), status: 501, code: "NotImplementedException", holds: []string{"muster does not implement the operation inspector2:ListCisScans yet."}},
		{name: "not implemented", message: form("Action=GetOutboundWebIdentityFederationInfo&Version=2010-05-08"), status: 501, code: "NotImplemented", holds: []string{"iam:GetOutboundWebIdentityFederationInfo"}},
		{name: "garbage to authenticate", message: rest("POST", "/enable", `{}`).with("Authorization", "AWS4-HMAC-SHA256 Credential=x"), status: 403, code: "IncompleteSignatureException"},
		{name: "nobody's scheme", message: organizations("CreateOrganization", `{}`).with("Authorization", "Basic eDp5"), status: 400, code: "IncompleteSignatureException"},
		{name: "a date that is none", message: form("Action=ListUsers&Version=2010-05-08").with("X-Amz-Date", "yesterday"), status: 400, code: "IncompleteSignature"},
		{name: "another service's scope", message: message{service: "inspector-scan", method: "POST", path: "/enable", body: `{}`}, status: 403, code: "InvalidSignatureException", holds: []string{"Credential should be scoped to correct service: 'inspector2'"}},
	}
}

// foreignTokens are page tokens of another caller, operation, Region or query,
// and damaged ones.
func (w *world) foreignTokens(t *testing.T) []refused {
	t.Helper()
	members := w.token(t, "audit", rest("POST", "/members/list", `{"maxResults":1}`), `"nextToken":"([^"]+)"`)
	accounts := w.token(t, "management", organizations("ListAccounts", `{"MaxResults":1}`), `"NextToken":"([^"]+)"`)
	users := w.token(t, "management", form("Action=ListUsers&Version=2010-05-08&MaxItems=1"), `<Marker>([^<]+)</Marker>`)
	const inspector, organization = "The nextToken is not valid for this request.", `"Reason":"INVALID_NEXT_TOKEN"`
	list := []refused{
		{name: "of another operation", as: "audit", message: rest("POST", "/findings/list", `{"nextToken":"`+members+`"}`), status: 400, code: "ValidationException", holds: []string{inspector, `"reason":"OTHER"`}},
		{name: "of another query", as: "audit", message: rest("POST", "/members/list", `{"onlyAssociated":false,"nextToken":"`+members+`"}`), status: 400, code: "ValidationException", holds: []string{inspector}},
		{name: "of another service", as: "audit", message: rest("POST", "/members/list", `{"nextToken":"`+accounts+`"}`), status: 400, code: "ValidationException", holds: []string{inspector}},
		{name: "of another caller", as: "audit", message: organizations("ListAccounts", `{"NextToken":"`+accounts+`"}`), status: 400, code: "InvalidInputException", holds: []string{organization}},
		{name: "of another operation", message: organizations("ListCreateAccountStatus", `{"NextToken":"`+accounts+`"}`), status: 400, code: "InvalidInputException", holds: []string{organization}},
		{name: "of another caller", as: "one", message: form("Action=ListUsers&Version=2010-05-08&Marker=" + users), status: 400, code: "ValidationError", holds: []string{"Invalid Marker."}},
		{name: "of another operation", message: form("Action=ListRoles&Version=2010-05-08&Marker=" + users), status: 400, code: "ValidationError", holds: []string{"Invalid Marker."}},
		{name: "too long", as: "audit", message: rest("POST", "/members/list", `{"nextToken":"`+strings.Repeat("A", 1_000_001)+`"}`), status: 400, code: "ValidationException"},
	}
	elsewhere := rest("POST", "/findings/list", `{"nextToken":"`+w.token(t, "audit", rest("POST", "/filters/list", `{"maxResults":1}`), `"nextToken":"([^"]+)"`)+`"}`)
	elsewhere.region = "eu-west-1"
	list = append(list, refused{name: "of another Region", as: "audit", message: elsewhere, status: 400, code: "ValidationException", holds: []string{inspector}})
	for name, token := range map[string]string{
		"cut": members[:len(members)-1], "longer": members + "A", "changed": flip(members), "made up": "eyJvZmZzZXQiOjEwfQ", "no base64": "%%%",
	} {
		list = append(list, refused{name: name, as: "audit", message: rest("POST", "/members/list", `{"nextToken":"`+token+`"}`), status: 400, code: "ValidationException", holds: []string{inspector}})
	}
	return list
}

// token is the page token in the answer to a list that has more.
func (w *world) token(t *testing.T, as string, m message, pattern string) string {
	t.Helper()
	r, err := w.send(as, m)
	found := regexp.MustCompile(pattern).FindStringSubmatch(r.body)
	if err != nil || found == nil {
		t.Fatalf("%+v has no second page: %s, %v", m, r.body, err)
	}
	return found[1]
}

// flip changes a token's first character.
func flip(token string) string {
	if token[0] == 'A' {
		return "B" + token[1:]
	}
	return "A" + token[1:]
}

// nonsense is well-formed and cannot be meant; nothing of it may take effect.
func (w *world) nonsense(t *testing.T) []refused {
	t.Helper()
	arn := w.token(t, "audit", rest("POST", "/filters/list", `{"action":"SUPPRESS"}`), `"arn":"([^"]+)"`)
	one := w.accounts["one"]
	return []refused{
		{name: "a name good, criteria bad", as: "audit", message: rest("POST", "/filters/update", `{"filterArn":"`+arn+`","name":"renamed","filterCriteria":{"severity":[{"comparison":"EQUALS","value":"HUGE"}]}}`), status: 400, code: "ValidationException", holds: []string{"filterCriteria.severity"}},
		{name: "a rule about everything", as: "audit", message: rest("POST", "/filters/update", `{"filterArn":"`+arn+`","description":"all","filterCriteria":{}}`), status: 400, code: "ValidationException", holds: []string{"A suppression rule needs at least one criterion."}},
		{name: "a taken name", as: "audit", message: rest("POST", "/filters/update", `{"filterArn":"`+arn+`","name":"first","description":"changed"}`), status: 400, code: "BadRequestException"},
		{name: "code without functions", as: "audit", message: rest("POST", "/enable", `{"resourceTypes":["ECR","LAMBDA_CODE"],"accountIds":["`+one+`"]}`), status: 400, code: "ValidationException", holds: []string{"LAMBDA_CODE needs LAMBDA"}},
		{name: "a setting without its other half", as: "audit", message: rest("POST", "/organizationconfiguration/update", `{"autoEnable":{"ec2":true,"ecr":true,"lambdaCode":true}}`), status: 400, code: "ValidationException", holds: []string{"LAMBDA_CODE needs LAMBDA"}},
		{name: "a policy that is none", message: form("Action=CreatePolicy&Version=2010-05-08&PolicyName=p&PolicyDocument=%7B"), status: 400, code: "MalformedPolicyDocument"},
		{name: "a trust in nobody", message: form("Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D"), status: 400, code: "MalformedPolicyDocument"},
		{name: "tags twice", message: organizations("CreateAccount", `{"AccountName":"x","Email":"x@example.com","Tags":[{"Key":"a","Value":"1"},{"Key":"a","Value":"2"}]}`), status: 400, code: "InvalidInputException", holds: []string{"DUPLICATE_TAG_KEY"}},
		{name: "another account's rule", as: "one", message: rest("POST", "/filters/delete", `{"arn":"`+arn+`"}`), status: 404, code: "ResourceNotFoundException"},
		{name: "a Region that is none", as: "audit", message: message{service: "inspector2", method: "POST", path: "/enable", body: `{"resourceTypes":["EC2"]}`, region: "us-moon-1"}, status: 400, code: "ValidationException", holds: []string{"us-moon-1"}},
	}
}

// TestBadReports sends what no agent would.
func TestBadReports(t *testing.T) {
	w, err := newWorld(t.TempDir(), engines["sqlite"](t), findCLI(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	for _, name := range []string{"web", "db"} {
		if err := w.enroll(name, "management"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.report(w.hosts["web"], w.hosts["web"].id, []string{"libfoo=1.0-1"}); err != nil {
		t.Fatal(err)
	}
	before := w.hostList(t)
	web, db := w.hosts["web"], w.hosts["db"]
	for name, bad := range map[string]struct {
		send func() error
		want string
	}{
		"a million packages": {func() error { return w.deliver(web, web, million(t, string(web.id))) }, "BadRequest"},
		"no JSON":            {func() error { return w.deliver(web, web, []byte("{")) }, "BadRequest"},
		"no report":          {func() error { return w.deliver(web, web, []byte(`{"hostId":7}`)) }, "BadRequest"},
		"another host's key": {func() error { return w.report(web, db.id, []string{"libfoo=1.0-1"}) }, "BadSignature"},
		"for another host":   {func() error { return w.deliver(web, web, []byte(`{"hostId":"`+string(db.id)+`","sequence":9}`)) }, "BadRequest"},
		"an old sequence":    {func() error { web.sequence = 0; return w.report(web, web.id, []string{"libbar=1"}) }, "SequenceTooLow"},
		"a bad package":      {func() error { web.sequence = 20; return w.report(web, web.id, []string{"=1"}) }, "BadRequest"},
	} {
		if err := bad.send(); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s: got %v, want %s", name, err, bad.want)
		}
	}
	if after := w.hostList(t); after != before {
		t.Errorf("the hosts have changed from %s to %s", before, after)
	}
}

func (w *world) hostList(t *testing.T) string {
	t.Helper()
	r, err := w.send("management", muster("ListHosts", `{}`))
	if err != nil || r.status != http.StatusOK {
		t.Fatalf("%d %s, %v", r.status, r.body, err)
	}
	return r.body
}

// million is a compressed report of a million packages.
func million(t *testing.T, host string) []byte {
	t.Helper()
	item, err := json.Marshal(map[string]string{"name": "p", "version": "1"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprintf(z, `{"hostId":%q,"sequence":10,"inventory":{"items":[%s`, host, item)
	for range 1_000_000 {
		fmt.Fprintf(z, ",%s", item)
	}
	fmt.Fprint(z, `]}}`)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
