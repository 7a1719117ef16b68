package sigv4

import (
	"net/http"
	"strings"
)

// parseHeader reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…,
// Signature=…".
func parseHeader(r *http.Request, text string) (*Signature, error) {
	if len(text) > maxText {
		return nil, incomplete("The 'Authorization' header is too long.")
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	if strings.HasPrefix(scheme, "AWS4-") && scheme != algorithm {
		return nil, incomplete("Unsupported AWS 'algorithm': '" + clip(scheme) + "'.")
	}
	if scheme != algorithm {
		return nil, incomplete(missingParts(nil, "") + " Authorization=" + clip(scheme))
	}
	params, err := headerParams(rest, text)
	if err != nil {
		return nil, err
	}
	stamp, err := headerStamp(r)
	if err != nil {
		return nil, err
	}
	if lacks := missingParts(params, stamp); lacks != "" {
		return nil, incomplete(lacks + " Authorization=" + clip(text))
	}
	s := &Signature{Hex: params["Signature"]}
	if err := s.setCredential(params["Credential"]); err != nil {
		return nil, err
	}
	if err := s.setSignedHeaders(params["SignedHeaders"]); err != nil {
		return nil, err
	}
	tokens := r.Header.Values("X-Amz-Security-Token")
	if len(tokens) > 1 {
		return nil, incomplete("The request has more than one 'X-Amz-Security-Token' header.")
	}
	if len(tokens) == 1 {
		s.SessionToken = tokens[0]
	}
	return s, s.setTime(stamp)
}

// headerParams splits "Name=value, Name=value".
func headerParams(text, whole string) (map[string]string, error) {
	params := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, incomplete("'" + clip(part) + "' not a valid key=value pair (missing equal-sign) in Authorization header: '" + clip(whole) + "'.")
		}
		if _, twice := params[name]; twice {
			return nil, incomplete("Authorization header has the parameter '" + clip(name) + "' twice.")
		}
		params[name] = strings.TrimSpace(value)
	}
	return params, nil
}

// headerStamp is the time of signing: X-Amz-Date, else Date.
func headerStamp(r *http.Request) (string, error) {
	for _, name := range []string{"X-Amz-Date", "Date"} {
		switch values := r.Header.Values(name); {
		case len(values) > 1:
			return "", incomplete("The request has more than one '" + name + "' header.")
		case len(values) == 1:
			return strings.TrimSpace(values[0]), nil
		}
	}
	return "", nil
}

// missingParts names everything that a header signature needs and lacks.
func missingParts(params map[string]string, stamp string) string {
	var lacks []string
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if params[name] == "" {
			lacks = append(lacks, "Authorization header requires '"+name+"' parameter.")
		}
	}
	if stamp == "" {
		lacks = append(lacks, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	return strings.Join(lacks, " ")
}
