package access

import (
	"context"
	"strings"

	"muster/internal/arn"
	"muster/internal/iam"
	"muster/internal/organizations"
	"muster/internal/store"
)

// organizationsTargets are the accounts, units, roots and policies that an
// input names, and the policies of a type, when it makes one.
func (d *Desk) organizationsTargets(ctx context.Context, b iam.Bearer, in any) ([]target, error) {
	if id := field(in, "HandshakeId"); id != "" {
		return d.handshakeTarget(ctx, id)
	}
	org := b.Organization
	if org.ID == "" {
		return []target{{arn: everything}}, nil
	}
	var list []target
	if policyType := field(in, "Type"); strings.HasSuffix(policyType, "_POLICY") && field(in, "Content") != "" {
		list = append(list, target{arn: organizations.PolicyARN(org.ID, org.Management, policyType, "*")})
	}
	for _, name := range []string{"AccountId", "OrganizationalUnitId", "ParentId", "RootId", "TargetId", "SourceParentId", "DestinationParentId", "ChildId", "ResourceId", "PolicyId"} {
		id := field(in, name)
		if !organizationsID(id) {
			continue
		}
		t, err := d.organizationsTarget(ctx, b, id)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	if list == nil {
		return []target{{arn: everything}}, nil
	}
	return list, nil
}

// organizationsID reports whether an id is of a kind that has an ARN.
func organizationsID(id string) bool {
	for _, prefix := range []string{"ou-", "r-", "rp-", "p-"} {
		if strings.HasPrefix(id, prefix) {
			return true
		}
	}
	return arn.AccountID(id).Valid()
}

// organizationsTarget is the resource of an id. The type of a policy is a
// condition key.
func (d *Desk) organizationsTarget(ctx context.Context, b iam.Bearer, id string) (target, error) {
	var t target
	err := d.config.Store.View(ctx, func(tx *store.Tx) error {
		resource, policyType, err := organizations.ResourceOf(ctx, tx, b.Organization.ID, b.Organization.Management, id)
		t = target{arn: resource}
		if policyType != "" {
			t.keys = map[string][]string{"organizations:PolicyType": {policyType}}
		}
		return err
	})
	return t, err
}
