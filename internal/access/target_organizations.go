package access

import (
	"context"
	"strings"

	"muster/internal/iam"
	"muster/internal/organizations/delegation"
	"muster/internal/store"
	"muster/internal/store/directory"
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
	var keys map[string][]string
	if policyType := field(in, "Type"); strings.HasSuffix(policyType, "_POLICY") && field(in, "Content") != "" {
		list = append(list, target{arn: delegation.PolicyARN(org, policyType, "*")})
	}
	for _, name := range []string{"AccountId", "OrganizationalUnitId", "ParentId", "RootId", "TargetId", "SourceParentId", "DestinationParentId", "ChildId", "ResourceId", "PolicyId"} {
		t, ok, err := d.organizationsTarget(ctx, org, field(in, name))
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, t)
		}
		if t.keys != nil {
			keys = t.keys
		}
	}
	if list == nil {
		return []target{{arn: everything}}, nil
	}
	for i := range list {
		list[i].keys = keys // a policy's type describes the whole request
	}
	return list, nil
}

// organizationsTarget is the resource of an id. The type of a policy is a
// condition key.
func (d *Desk) organizationsTarget(ctx context.Context, org directory.Organization, id string) (target, bool, error) {
	if resource, ok := delegation.TargetARN(org, id); ok {
		return target{arn: resource}, true, nil
	}
	if !strings.HasPrefix(id, "p-") {
		return target{}, false, nil
	}
	var t target
	err := d.config.Store.View(ctx, func(tx *store.Tx) error {
		resource, policyType, err := delegation.ResourceOf(ctx, tx, org, id)
		t = target{arn: resource}
		if policyType != "" {
			t.keys = map[string][]string{"organizations:PolicyType": {policyType}}
		}
		return err
	})
	return t, true, err
}
