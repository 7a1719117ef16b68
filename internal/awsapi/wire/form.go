package wire

import (
	"fmt"
	"strings"
)

// Form is a decoded query string or form body, in the order of the request.
type Form struct {
	pairs []pair
}

type pair struct{ name, value string }

// maxPairs bounds the parameters of one request.
const maxPairs = 20_000

// ParseForm reads name=value pairs separated by "&", with "%" escapes and "+"
// for a space. Malformed escapes are an error, unlike in net/url, where they
// make a parameter vanish.
func ParseForm(text string) (*Form, error) {
	f := new(Form)
	for len(text) > 0 {
		var one string
		one, text, _ = strings.Cut(text, "&")
		if one == "" {
			continue
		}
		if len(f.pairs) == maxPairs {
			return nil, &SyntaxError{What: fmt.Sprintf("more than %d parameters", maxPairs)}
		}
		name, value, _ := strings.Cut(one, "=")
		n, ok1 := unescape(name)
		v, ok2 := unescape(value)
		if !ok1 || !ok2 || n == "" {
			return nil, &SyntaxError{What: "the parameter " + shorten(one) + " is malformed"}
		}
		f.pairs = append(f.pairs, pair{n, v})
	}
	return f, nil
}

// All returns every value of a name.
func (f *Form) All(name string) []string {
	var all []string
	for _, p := range f.pairs {
		if p.name == name {
			all = append(all, p.value)
		}
	}
	return all
}

// Get returns the first value of a name, or "".
func (f *Form) Get(name string) string {
	for _, p := range f.pairs {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// Len is the number of parameters.
func (f *Form) Len() int { return len(f.pairs) }

// unescape decodes percent escapes and plus signs; false means malformed.
func unescape(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi < 0 || lo < 0 {
				return "", false
			}
			out = append(out, byte(hi<<4|lo))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out), true
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
