// Package identity remembers who may sign requests and what they carry: users,
// groups, roles, policies and their attachments, access keys, tags.
//
// Functions take the transaction they work in, answer store.ErrNotFound for
// what is not there, and otherwise decide nothing. Names are found without
// regard to case. What an entity carries (policies, keys, tags) hangs on its
// unique id. Lists are pages in the order of the lower-case name, after a given
// one; an empty one means the first page. Inserts presuppose that the caller
// has looked first, in the same transaction.
package identity

import (
	"strings"
)

// Key is the form in which names are compared: lower case.
func Key(name string) string { return strings.ToLower(name) }
