package desk

import (
	"time"

	"muster/internal/arn"
	"muster/internal/store/identity"
)

// Use says when and where a key or role was used.
type Use struct {
	At      time.Time
	Region  arn.Region
	Service string
}

// Key is a key with its last use, stored or not yet.
func (d *Desk) Key(k identity.AccessKey) identity.AccessKey {
	if u, ok := d.Uses(identity.Owner{Account: k.Account, ID: k.ID}); ok && u.At.After(k.LastUsedAt) {
		k.LastUsedAt, k.LastUsedRegion, k.LastUsedService = u.At, string(u.Region), u.Service
	}
	return k
}

// LastUse says when and where a role was last used, stored or not yet.
func (d *Desk) LastUse(r identity.Role) identity.Role {
	if u, ok := d.Uses(r.Owner()); ok && u.At.After(r.LastUsedAt) {
		r.LastUsedAt, r.LastUsedRegion = u.At, string(u.Region)
	}
	return r
}
