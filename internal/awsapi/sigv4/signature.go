// Package sigv4 verifies AWS Signature Version 4, in the Authorization header
// and in presigned URLs, for every service but S3 (whose canonical form
// differs). It looks nothing up: the caller finds the secret.
package sigv4

import (
	"net/http"
	"strings"
	"time"
)

// Signature is what a request claims about its signer, not yet verified.
type Signature struct {
	// AccessKeyID, Date (YYYYMMDD), Region and Service are the credential.
	AccessKeyID, Date, Region, Service string
	// SignedHeaders are lower-case names in ascending order.
	SignedHeaders []string
	// Hex is the signature itself.
	Hex string
	// SessionToken accompanies temporary credentials, else empty.
	SessionToken string
	// Time is when the request was signed; Stamp is the same as it was sent.
	Time  time.Time
	Stamp string
	// Presigned signatures come in the query string and are good for Expires.
	Presigned bool
	Expires   time.Duration
}

const (
	algorithm   = "AWS4-HMAC-SHA256"
	terminator  = "aws4_request"
	stampLayout = "20060102T150405Z"
	// maxText bounds what is parsed and echoed.
	maxText = 8 << 10
)

// Parse reads the signature of a request. The error is always an *Error.
func Parse(r *http.Request) (*Signature, error) {
	auth := r.Header.Values("Authorization")
	query := presignedParams(r.URL.RawQuery)
	switch {
	case len(auth) == 0 && query == nil:
		return nil, &Error{Missing, "Missing Authentication Token"}
	case len(auth) > 0 && query != nil:
		return nil, incomplete("The request is signed both in the 'Authorization' header and in the query string.")
	case len(auth) > 1:
		return nil, incomplete("The request has more than one 'Authorization' header.")
	case query != nil:
		return parseQuery(r, query)
	}
	return parseHeader(r, auth[0])
}

// setCredential splits "key/date/region/service/aws4_request".
func (s *Signature) setCredential(text string) error {
	parts := strings.Split(text, "/")
	if len(parts) != 5 {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + clip(text) + "'")
	}
	if parts[4] != terminator {
		return &Error{Mismatch, "Credential should be scoped with a valid terminator: 'aws4_request', not '" + clip(parts[4]) + "'."}
	}
	s.AccessKeyID, s.Date, s.Region, s.Service = parts[0], parts[1], parts[2], parts[3]
	if s.AccessKeyID == "" || s.Region == "" || s.Service == "" {
		return incomplete("Credential must not have empty elements, got '" + clip(text) + "'")
	}
	return nil
}

// setSignedHeaders splits "host;x-amz-date" and checks its form.
func (s *Signature) setSignedHeaders(text string) error {
	s.SignedHeaders = strings.Split(text, ";")
	for i, h := range s.SignedHeaders {
		if h == "" || h != strings.ToLower(h) || i > 0 && h <= s.SignedHeaders[i-1] {
			return &Error{Mismatch, "SignedHeaders must be lower-case names in ascending order, got '" + clip(text) + "'"}
		}
	}
	return nil
}

// setTime reads the stamp, and compares it with the credential's date.
func (s *Signature) setTime(stamp string) error {
	t, err := time.Parse(stampLayout, stamp)
	if err != nil {
		if t, err = http.ParseTime(stamp); err != nil {
			return incomplete("Date must be in ISO-8601 'basic format'. Got '" + clip(stamp) + "'. See http://en.wikipedia.org/wiki/ISO_8601")
		}
		stamp = t.UTC().Format(stampLayout)
	}
	s.Time, s.Stamp = t.UTC(), stamp
	if s.Date != stamp[:8] {
		return &Error{Mismatch, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" + clip(s.Date) + "' != '" + stamp[:8] + "', from '" + stamp + "'."}
	}
	return nil
}

func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
