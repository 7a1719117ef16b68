// Package policies remembers the policies of organizations and what they are
// attached to, in the manner of package directory: functions take the
// transaction they work in, answer store.ErrNotFound for a row that is not
// there, and decide nothing.
package policies

import (
	"muster/internal/store/directory"
)

// OrganizationID is an organization's id.
type OrganizationID = directory.OrganizationID
