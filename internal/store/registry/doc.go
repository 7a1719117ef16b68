// Package registry remembers container registries: the connections of accounts
// to registries, the repositories and images seen there with their tags, how
// an account's registry is to be scanned, and which images run where.
//
// Functions take the transaction they work in and decide nothing.
package registry

import (
	"encoding/json"
	"fmt"
)

// encode writes a value that is kept as JSON.
func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// decode reads it.
func decode(what, text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("stored %s: %w", what, err)
	}
	return nil
}
