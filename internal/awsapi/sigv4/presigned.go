package sigv4

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxExpires is the longest life of a presigned request.
	maxExpires = 7 * 24 * time.Hour
	// defaultExpires holds where the request does not say.
	defaultExpires = 15 * time.Minute
)

// presignedParams collects the signing parameters of a query string; nil means
// that there are none. A name maps to all its values.
func presignedParams(rawQuery string) map[string][]string {
	if !strings.Contains(rawQuery, "X-Amz-") {
		return nil
	}
	params := map[string][]string{}
	for _, p := range splitQuery(rawQuery) {
		switch p.name {
		case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders":
			params[p.name] = append(params[p.name], p.value)
		}
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Signature", "X-Amz-Credential"} {
		if params[name] != nil {
			return params
		}
	}
	return nil
}

func parseQuery(r *http.Request, params map[string][]string) (*Signature, error) {
	if len(r.URL.RawQuery) > 8*maxText {
		return nil, incomplete("The query string is too long.")
	}
	for name, values := range params {
		if len(values) > 1 {
			return nil, incomplete("The query string has the parameter '" + clip(name) + "' more than once.")
		}
	}
	get := func(name string) string { return strings.Join(params[name], "") }
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if get(name) == "" {
			return nil, incomplete("AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', 'X-Amz-SignedHeaders' and 'X-Amz-Date'. Re-examine the query-string parameters.")
		}
	}
	if get("X-Amz-Algorithm") != algorithm {
		return nil, incomplete("Unsupported AWS 'algorithm': '" + clip(get("X-Amz-Algorithm")) + "'.")
	}
	s := &Signature{Hex: get("X-Amz-Signature"), Presigned: true, SessionToken: get("X-Amz-Security-Token")}
	if err := s.setCredential(get("X-Amz-Credential")); err != nil {
		return nil, err
	}
	if err := s.setSignedHeaders(get("X-Amz-SignedHeaders")); err != nil {
		return nil, err
	}
	if err := s.setExpires(get("X-Amz-Expires")); err != nil {
		return nil, err
	}
	return s, s.setTime(get("X-Amz-Date"))
}

// setExpires reads the life of the request in seconds.
func (s *Signature) setExpires(text string) error {
	s.Expires = defaultExpires
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return incomplete("X-Amz-Expires should be a number")
	case n < 0:
		return incomplete("X-Amz-Expires must be non-negative")
	case n > int64(maxExpires/time.Second):
		return incomplete("X-Amz-Expires must be less than a week (in seconds) that is: 604800")
	}
	s.Expires = time.Duration(n) * time.Second
	return nil
}
