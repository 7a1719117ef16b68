package awsapi

import (
	"net/http"

	"muster/internal/awsapi/sigv4"
	"muster/internal/awsmodel"
)

// Refusals that only the door can know about, beside those of package sigv4.
const (
	kindUnknownToken sigv4.Kind = 100 + iota
	kindExpiredToken
)

var (
	errUnknownToken = &sigv4.Error{Kind: kindUnknownToken, Message: "The security token included in the request is invalid."}
	errExpiredToken = &sigv4.Error{Kind: kindExpiredToken, Message: "The security token included in the request is expired"}
)

// authCodes are the names of a refusal: in the JSON protocols, and in the query
// protocol.
var authCodes = map[sigv4.Kind]struct{ json, query string }{
	sigv4.Missing:    {"MissingAuthenticationTokenException", "MissingAuthenticationToken"},
	sigv4.Incomplete: {"IncompleteSignatureException", "IncompleteSignature"},
	sigv4.Mismatch:   {"InvalidSignatureException", "SignatureDoesNotMatch"},
	kindUnknownToken: {"UnrecognizedClientException", "InvalidClientTokenId"},
	kindExpiredToken: {"ExpiredTokenException", "ExpiredToken"},
}

// authRefusal names an authentication failure as the protocol does: 403 in
// rest-json, 400 in JSON 1.1; 403 in query, but 400 for malformed signatures.
func (e *exchange) authRefusal(s *sigv4.Error) *refusal {
	r := &refusal{status: http.StatusForbidden, code: authCodes[s.Kind].json, message: s.Message}
	switch e.protocol {
	case awsmodel.JSON11:
		r.status = http.StatusBadRequest
	case awsmodel.Query, awsmodel.EC2:
		r.code = authCodes[s.Kind].query
		if s.Kind == sigv4.Incomplete {
			r.status = http.StatusBadRequest
		}
		if s.Kind == sigv4.Missing {
			r.message = "Request is missing Authentication Token"
		}
	}
	return r
}
