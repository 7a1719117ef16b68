package awsapi

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"muster/internal/arn"
)

// TestClaimsAreReadHoweverBadlyTheyAreMade: proper signatures, and what clients
// and people send in their place.
func TestClaimsAreReadHoweverBadlyTheyAreMade(t *testing.T) {
	const date = "20261122T120000Z"
	for name, c := range map[string]struct {
		authorization, query string
		want                 claim
	}{
		"nothing": {want: claim{region: strangersRegion}},
		"a signature": {
			authorization: "AWS4-HMAC-SHA256 Credential=111122223333/20261122/eu-west-1/inspector2/aws4_request, SignedHeaders=host, Signature=00",
			want:          claim{accessKeyID: "111122223333", service: "inspector2", region: "eu-west-1"},
		},
		"a presigned request": {
			query: "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=111122223333%2F20261122%2Feu-west-1%2Fsts%2Faws4_request&X-Amz-Date=" + date +
				"&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00&X-Amz-Security-Token=any",
			want: claim{accessKeyID: "111122223333", service: "sts", region: "eu-west-1", token: "any"},
		},
		"without a signature": {
			authorization: "AWS4-HMAC-SHA256 Credential=111122223333/20261122/eu-west-1/iam/aws4_request",
			want:          claim{accessKeyID: "111122223333", service: "iam", region: "eu-west-1"},
		},
		"a key alone":           {authorization: "AWS4-HMAC-SHA256 Credential=111122223333", want: claim{accessKeyID: "111122223333", region: strangersRegion}},
		"a key and a date":      {authorization: "AWS4-HMAC-SHA256 Credential=mock_access_key/20220101, Signature=0", want: claim{accessKeyID: "mock_access_key", region: strangersRegion}},
		"a Region that is none": {authorization: "AWS4-HMAC-SHA256 Credential=k/20261122/<x>/iam/aws4_request, SignedHeaders=host, Signature=00", want: claim{accessKeyID: "k", service: "iam", region: strangersRegion}},
		"the older form":        {authorization: "AWS 111122223333:frJIUN8DYpKDtOLCwo//yllqDzg=", want: claim{accessKeyID: "111122223333", region: strangersRegion}},
		"another scheme":        {authorization: "Bearer 111122223333", want: claim{region: strangersRegion}},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", nil)
		r.URL.RawQuery = c.query
		r.Header.Set("X-Amz-Date", date)
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		if c.query != "" {
			r.Header.Del("X-Amz-Date")
		}
		if got := claimed(r); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// FuzzClaim gives anything to the reader of claims; whatever it finds is short
// and has a Region that can be one.
func FuzzClaim(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=k/1/us-east-1/iam/aws4_request", "")
	f.Add("AWS k:s", "X-Amz-Credential=k%2F1%2Fr%2Fs%2Faws4_request")
	f.Fuzz(func(t *testing.T, authorization, query string) {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", nil)
		r.URL.RawQuery = query
		r.Header["Authorization"] = []string{authorization}
		c := claimed(r)
		if !regionName.MatchString(string(c.region)) || c.region == arn.Region("") || len(c.accessKeyID) > len(authorization)+len(query) {
			t.Errorf("%q %q: %+v", authorization, query, c)
		}
	})
}
