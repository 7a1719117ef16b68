// Package migrations holds the database's schema as numbered steps, one text
// for both engines, each named for its subject. A released step is never
// edited; a change is a new step.
package migrations

import "embed"

// Files are the steps, applied in the order of their numbers.
//
//go:embed *.sql
var Files embed.FS
