package sigv4

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is the text that the signature covers. It fails when a
// signed header is absent.
func canonicalRequest(s *Signature, r *http.Request, payloadHash string) ([]byte, error) {
	b := make([]byte, 0, 1024)
	b = append(append(b, r.Method...), '\n')
	b = append(appendPath(b, r.URL.EscapedPath()), '\n')
	b = append(appendQuery(b, r.URL.RawQuery, s.Presigned), '\n')
	for _, name := range s.SignedHeaders {
		values, ok := headerValues(r, name)
		if !ok {
			return nil, &Error{Mismatch, "The signed header '" + clip(name) + "' is not in the request."}
		}
		b = append(append(b, name...), ':')
		for i, v := range values {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendTrimmed(b, v)
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	for i, name := range s.SignedHeaders {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, payloadHash...), nil
}

// headerValues finds a header, also the two that net/http takes out of the map.
func headerValues(r *http.Request, name string) ([]string, bool) {
	if name == "host" {
		return []string{r.Host}, r.Host != ""
	}
	if v := r.Header.Values(name); len(v) > 0 {
		return v, true
	}
	switch {
	case name == "content-length" && r.ContentLength >= 0:
		return []string{strconv.FormatInt(r.ContentLength, 10)}, true
	case name == "transfer-encoding" && len(r.TransferEncoding) > 0:
		return r.TransferEncoding, true
	}
	return nil, false
}

// appendTrimmed trims a header's value and joins runs of spaces.
func appendTrimmed(b []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	space := false
	for i := range len(v) {
		if v[i] == ' ' && space {
			continue
		}
		space = v[i] == ' '
		b = append(b, v[i])
	}
	return b
}

// appendPath normalises the path as it was sent, then encodes it once more.
func appendPath(b []byte, escaped string) []byte {
	segments := normalised(escaped)
	for _, segment := range segments {
		b = append(b, '/')
		b = appendEncoded(b, segment)
	}
	if len(segments) == 0 || strings.HasSuffix(escaped, "/") {
		b = append(b, '/')
	}
	return b
}

// normalised are the segments of a path without empty ones and dots.
func normalised(path string) []string {
	var out []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			out = out[:max(len(out)-1, 0)]
		default:
			out = append(out, segment)
		}
	}
	return out
}

type queryParam struct{ name, value string }

// splitQuery decodes a query string. What is not a valid escape stays as it is;
// such a request cannot have a matching signature unless signed just so.
func splitQuery(raw string) []queryParam {
	var out []queryParam
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		out = append(out, queryParam{decode(name), decode(value)})
	}
	return out
}

func appendQuery(b []byte, raw string, presigned bool) []byte {
	if raw == "" {
		return b
	}
	var params []queryParam
	for _, p := range splitQuery(raw) {
		if presigned && p.name == "X-Amz-Signature" {
			continue
		}
		params = append(params, queryParam{string(appendEncoded(nil, p.name)), string(appendEncoded(nil, p.value))})
	}
	slices.SortFunc(params, func(x, y queryParam) int {
		if c := strings.Compare(x.name, y.name); c != 0 {
			return c
		}
		return strings.Compare(x.value, y.value)
	})
	for i, p := range params {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, p.name...), '='), p.value...)
	}
	return b
}

// appendEncoded percent-encodes everything but RFC 3986's unreserved bytes.
func appendEncoded(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~' {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

func decode(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(n))
				i += 2
				continue
			}
		}
		if s[i] == '+' {
			out = append(out, ' ')
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}
