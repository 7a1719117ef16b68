package policy

import "strings"

// Context holds the values of condition keys for one request. Keys are not
// case-sensitive; a key without values is absent.
type Context map[string][]string

// Set gives a key its values. Without values the key stays absent.
func (c Context) Set(key string, values ...string) {
	if len(values) > 0 {
		c[strings.ToLower(key)] = values
	}
}

// SetNonEmpty gives a key one value unless that is empty.
func (c Context) SetNonEmpty(key, value string) {
	if value != "" {
		c.Set(key, value)
	}
}

// get looks a key up that is already in lower case.
func (c Context) get(key string) ([]string, bool) {
	v, ok := c[key]
	return v, ok && len(v) > 0
}

// variable resolves a policy variable such as aws:username. Only keys with
// exactly one value can stand in a pattern.
func (c Context) variable(key string) (string, bool) {
	v, ok := c.get(key)
	if !ok || len(v) != 1 {
		return "", false
	}
	return v[0], true
}
