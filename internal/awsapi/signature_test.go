package awsapi

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// The kinds of authentication failures, as the three protocols name them.
type failure struct {
	json, query string
	// statuses of rest-json, JSON 1.1, query
	status [3]int
}

var (
	missing     = failure{"MissingAuthenticationTokenException", "MissingAuthenticationToken", [3]int{403, 400, 403}}
	incomplete  = failure{"IncompleteSignatureException", "IncompleteSignature", [3]int{403, 400, 400}}
	unknown     = failure{"UnrecognizedClientException", "InvalidClientTokenId", [3]int{403, 400, 403}}
	mismatch    = failure{"InvalidSignatureException", "SignatureDoesNotMatch", [3]int{403, 400, 403}}
	expired     = failure{"ExpiredTokenException", "ExpiredToken", [3]int{403, 400, 403}}
	invalidText = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)

// edit changes the parameters of the Authorization header.
func edit(old, new string) func(*http.Request) {
	return func(r *http.Request) {
		auth := r.Header.Get("Authorization")
		if !strings.Contains(auth, old) {
			panic("the header has no " + old)
		}
		r.Header.Set("Authorization", strings.Replace(auth, old, new, 1))
	}
}

func set(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func drop(name string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Del(name) }
}

// TestWrongSignatures signs in some thirty wrong ways, in each protocol.
func TestWrongSignatures(t *testing.T) {
	tests := []struct {
		name   string
		sign   signer
		change func(*http.Request)
		want   failure
		text   string // prefix
	}{
		{"not signed", signer{}, drop("Authorization"), missing, ""},
		{"empty header", signer{}, set("Authorization", ""), incomplete, "Authorization header requires 'Credential' parameter."},
		{"basic authentication", signer{}, set("Authorization", "Basic dXNlcjpwYXNz"), incomplete, "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter."},
		{"unknown algorithm", signer{}, edit("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), incomplete, "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'."},
		{"asymmetric algorithm", signer{}, edit("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), incomplete, "Unsupported AWS 'algorithm'"},
		{"no credential", signer{}, edit("Credential=", "Cred="), incomplete, "Authorization header requires 'Credential' parameter. Authorization="},
		{"no signature", signer{}, edit("Signature=", "Sig="), incomplete, "Authorization header requires 'Signature' parameter."},
		{"no signed headers", signer{}, edit("SignedHeaders=", "Headers="), incomplete, "Authorization header requires 'SignedHeaders' parameter."},
		{"no equal sign", signer{}, edit("Credential=", "Credential "), incomplete, "'Credential " + userKey},
		{"a parameter twice", signer{}, edit("Signature=", "Signature=00, Signature="), incomplete, "Authorization header has the parameter 'Signature' twice."},
		{"two headers", signer{}, func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, incomplete, "The request has more than one 'Authorization' header."},
		{"no date", signer{}, drop("X-Amz-Date"), incomplete, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."},
		{"date in another form", signer{}, set("X-Amz-Date", "2026-11-22T12:00:00Z"), incomplete, "Date must be in ISO-8601 'basic format'. Got '2026-11-22T12:00:00Z'."},
		{"credential of four parts", signer{}, edit("/us-east-1/", "/"), incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + userKey},
		{"key with a slash", signer{}, edit(userKey, "AKIA/KEY"), incomplete, "Credential must have exactly 5 slash-delimited elements"},
		{"empty key", signer{}, edit(userKey, ""), incomplete, "Credential must not have empty elements"},
		{"signed in header and query", signer{}, func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=00" }, incomplete, "The request is signed both"},
		{"unknown key", signer{key: "AKIANOBODYNOBODYNOBO"}, nil, unknown, "The security token included in the request is invalid."},
		{"inactive key", signer{key: offKey}, nil, unknown, "The security token included in the request is invalid."},
		{"key of odd characters", signer{}, edit(userKey, "AKIA'--"), unknown, "The security token included in the request is invalid."},
		{"temporary key without token", signer{key: sessKey}, nil, unknown, "The security token included in the request is invalid."},
		{"another's token", signer{key: sessKey, token: "nonsense"}, nil, unknown, "The security token included in the request is invalid."},
		{"permanent key with a token", signer{token: sessToken}, nil, unknown, "The security token included in the request is invalid."},
		{"expired session", signer{key: goneKey, token: sessToken}, nil, expired, "The security token included in the request is expired"},
		{"expired session with a wrong secret", signer{key: goneKey, token: sessToken, secret: "guess"}, nil, mismatch, invalidText},
		{"wrong secret", signer{secret: "guess"}, nil, mismatch, invalidText},
		{"changed signature", signer{}, func(r *http.Request) {
			auth := r.Header.Get("Authorization")
			last := map[bool]string{true: "0", false: "1"}[auth[len(auth)-1] == '1']
			r.Header.Set("Authorization", auth[:len(auth)-1]+last)
		}, mismatch, invalidText},
		{"short signature", signer{}, func(r *http.Request) {
			auth := r.Header.Get("Authorization")
			r.Header.Set("Authorization", auth[:len(auth)-2])
		}, mismatch, invalidText},
		{"signature that is not hexadecimal", signer{}, edit("Signature=", "Signature=zz"), mismatch, invalidText},
		{"changed body", signer{}, func(r *http.Request) { r.Body = readAll("changed"); r.ContentLength = -1 }, mismatch, ""},
		{"changed host", signer{}, func(r *http.Request) { r.Host = "other.example" }, mismatch, invalidText},
		{"changed query", signer{}, func(r *http.Request) { r.URL.RawQuery = "x=1" }, mismatch, invalidText},
		{"changed method", signer{}, func(r *http.Request) { r.Method = "PUT" }, mismatch, invalidText},
		{"host not signed", signer{}, edit("host;", ""), mismatch, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"date not signed", signer{}, edit(";x-amz-date", ""), mismatch, "'x-amz-date' must be a 'SignedHeader' in the AWS Authorization."},
		{"x-amz header added later", signer{}, set("X-Amz-Meaning", "changed"), mismatch, "'x-amz-meaning' must be a 'SignedHeader' in the AWS Authorization."},
		{"signed header missing", signer{}, edit("host;", "host;x-absent;"), mismatch, ""},
		{"signed headers out of order", signer{}, edit("host;x-amz-date", "x-amz-date;host"), mismatch, "SignedHeaders must be lower-case names in ascending order"},
		{"signed headers in capitals", signer{}, edit("host;", "Host;"), mismatch, "SignedHeaders must be lower-case names in ascending order"},
		{"unsigned payload", signer{}, set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), mismatch, ""},
		{"another terminator", signer{}, edit("/aws4_request", "/aws5_request"), mismatch, "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."},
		{"scope of another Region", signer{}, edit("/us-east-1/", "/eu-west-1/"), mismatch, invalidText},
		{"scope of no Region", signer{region: "nowhere"}, nil, mismatch, "Credential should be scoped to a valid region, not 'nowhere'."},
		{"scope of another day", signer{}, edit("/20261122/", "/20261121/"), mismatch, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261121' != '20261122', from '20261122T120000Z'."},
		{"signed too early", signer{at: noon.Add(-301 * time.Second)}, nil, mismatch, "Signature expired: 20261122T115459Z is now earlier than 20261122T115500Z (20261122T120000Z - 5 min.)"},
		{"signed in the future", signer{at: noon.Add(301 * time.Second)}, nil, mismatch, "Signature not yet current: 20261122T120501Z is still later than 20261122T120500Z (20261122T120000Z + 5 min.)"},
	}
	l := newLab(t, testDesks(), nil)
	for i, m := range []message{inspectorCall(`{}`), organizationsCall("ListAccounts", `{}`), iamCall("Action=ListUsers&Version=2010-05-08")} {
		for _, tt := range tests {
			t.Run(m.service+"/"+tt.name, func(t *testing.T) {
				r := tt.sign.sign(t, m)
				if tt.change != nil {
					tt.change(r)
				}
				a := l.do(t, r)
				want := tt.want.json
				if m.service == "iam" {
					want = tt.want.query
				}
				if a.code != want || a.status != tt.want.status[i] {
					t.Errorf("got %d %s, want %d %s: %s", a.status, a.code, tt.want.status[i], want, a.body)
				}
				text := a.text
				if m.service == "iam" {
					text = unescapeXML.Replace(text)
				}
				if !strings.HasPrefix(text, tt.text) {
					t.Errorf("got the text %q, want %q", text, tt.text)
				}
				if !l.last().UserIdentityUnknown() {
					t.Errorf("the audit log names %+v", l.last().UserIdentity)
				}
			})
		}
	}
}

var unescapeXML = strings.NewReplacer("&quot;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&")

// UserIdentityUnknown tells records of calls that nobody is known to have made,
// or of somebody whose session had expired.
func (r Record) UserIdentityUnknown() bool { return r.UserIdentity.AccountID == "" }

// TestScopeOfAnotherService signs well, but for the wrong service.
func TestScopeOfAnotherService(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	tests := []struct {
		m                   message
		service, code, text string
		status              int
	}{
		{inspectorCall(`{}`), "inspector-scan", "InvalidSignatureException", "Credential should be scoped to correct service: 'inspector2'. ", 403},
		{organizationsCall("ListAccounts", `{}`), "inspector2", "InvalidSignatureException", "Credential should be scoped to correct service: 'organizations'. ", 400},
		{organizationsCall("ListAccounts", `{}`), "iam", "InvalidSignatureException", "Credential should be scoped to correct service: 'organizations'. ", 400},
		{iamCall("Action=ListUsers&Version=2010-05-08"), "sts", "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'iam'. ", 403},
		{iamCall("Action=ListUsers&Version=2010-05-08"), "s3", "SignatureDoesNotMatch", "Credential should be scoped to correct service: no service of this endpoint signs as 's3'. ", 403},
		{inspectorCall(`{}`), "s3", "InvalidSignatureException", "Credential should be scoped to correct service: no service of this endpoint signs as 's3'. ", 403},
	}
	for _, tt := range tests {
		a := l.do(t, signer{service: tt.service}.sign(t, tt.m))
		text := a.text
		if tt.m.service == "organizations" {
			text = between(a.body, `"Message":"`, `"}`)
		}
		if a.code != tt.code || a.status != tt.status || text != tt.text {
			t.Errorf("%s signed as %s: got %d %s", tt.m.service, tt.service, a.status, a.body)
		}
	}
}

func presign(t *testing.T, m message, s signer, expires string) *http.Request {
	t.Helper()
	r := m.request(t)
	if expires != "" {
		q := r.URL.Query()
		q.Set("X-Amz-Expires", expires)
		r.URL.RawQuery = q.Encode()
	}
	at := s.at
	if at.IsZero() {
		at = noon
	}
	creds := aws.Credentials{AccessKeyID: or(s.key, userKey), SecretAccessKey: or(s.secret, secret), SessionToken: s.token}
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), creds, r, bodyHash(m.body), or(s.service, m.service), "us-east-1", at)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	r.URL = u
	return r
}

// TestPresigned uses URLs signed in advance, well and in a dozen wrong ways.
func TestPresigned(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	who := message{"GET", "http://muster.example/?Action=GetCallerIdentity&Version=2011-06-15", "", "", "", "sts"}
	query := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			q := r.URL.Query()
			q.Set(name, value)
			if value == "" {
				q.Del(name)
			}
			r.URL.RawQuery = q.Encode()
		}
	}
	tests := []struct {
		name    string
		sign    signer
		expires string
		change  func(*http.Request)
		code    string
		text    string
	}{
		{name: "good", expires: "60"},
		{name: "without a life", sign: signer{at: noon.Add(-14 * time.Minute)}},
		{name: "with a session", sign: signer{key: sessKey, token: sessToken}, expires: "900"},
		{name: "signed an hour ago for two", sign: signer{at: noon.Add(-time.Hour)}, expires: "7200"},
		{"lapsed", signer{at: noon.Add(-time.Hour)}, "900", nil, "SignatureDoesNotMatch", "Signature expired: 20261122T110000Z is now earlier than 20261122T114500Z (20261122T120000Z - 15 min.)"},
		{"longer than a week", signer{}, "604801", nil, "IncompleteSignature", "X-Amz-Expires must be less than a week (in seconds) that is: 604800"},
		{"negative life", signer{}, "-1", nil, "IncompleteSignature", "X-Amz-Expires must be non-negative"},
		{"life in words", signer{}, "soon", nil, "IncompleteSignature", "X-Amz-Expires should be a number"},
		{"life prolonged", signer{at: noon.Add(-time.Hour)}, "900", query("X-Amz-Expires", "86400"), "SignatureDoesNotMatch", invalidText},
		{"another action", signer{}, "60", query("Action", "GetSessionToken"), "SignatureDoesNotMatch", invalidText},
		{"no signature", signer{}, "60", query("X-Amz-Signature", ""), "IncompleteSignature", "AWS query-string parameters must include"},
		{"no date", signer{}, "60", query("X-Amz-Date", ""), "IncompleteSignature", "AWS query-string parameters must include"},
		{"another algorithm", signer{}, "60", query("X-Amz-Algorithm", "AWS4-HMAC-MD5"), "IncompleteSignature", "Unsupported AWS 'algorithm': 'AWS4-HMAC-MD5'."},
		{"signature twice", signer{}, "60", func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=00" }, "IncompleteSignature", "The query string has the parameter 'X-Amz-Signature' more than once."},
		{"wrong secret", signer{secret: "guess"}, "60", nil, "SignatureDoesNotMatch", invalidText},
		{"unknown key", signer{key: "AKIANOBODYNOBODYNOBO"}, "60", nil, "InvalidClientTokenId", "The security token included in the request is invalid."},
		{"expired session", signer{key: goneKey, token: sessToken}, "60", nil, "ExpiredToken", "The security token included in the request is expired"},
		{"host not signed", signer{}, "60", query("X-Amz-SignedHeaders", "x-amz-date"), "SignatureDoesNotMatch", "'Host' or ':authority' must be a 'SignedHeader'"},
		{"with a body that was not signed", signer{}, "60", func(r *http.Request) { r.Body = readAll("Action=x") }, "SignatureDoesNotMatch", invalidText},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := presign(t, who, tt.sign, tt.expires)
			if tt.change != nil {
				tt.change(r)
			}
			a := l.do(t, r)
			if a.code != tt.code || !strings.HasPrefix(unescapeXML.Replace(a.text), tt.text) {
				t.Errorf("got %d %s", a.status, a.body)
			}
			if tt.code == "" && (a.status != 200 || between(a.body, "<Account>", "</Account>") != account) {
				t.Errorf("got %d %s", a.status, a.body)
			}
		})
	}
}

// TestPresignedREST presigns calls of the JSON protocols.
func TestPresignedREST(t *testing.T) {
	l := newLab(t, testDesks(), nil)
	get := message{"GET", "http://muster.example/tags/arn%3Aaws%3Ainspector2%3Aus-east-1%3A111122223333%3Aowner%2F111122223333%2Ffilter%2Fabc", "", "", "", "inspector2"}
	if a := l.do(t, presign(t, get, signer{}, "60")); a.status != 200 || !strings.Contains(a.body, "filter/abc") {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a := l.do(t, presign(t, inspectorCall(`{"maxResults":5}`), signer{}, "60")); a.status != 200 {
		t.Errorf("got %d %s", a.status, a.body)
	}
}
