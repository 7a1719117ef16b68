package policies

import (
	"context"

	"muster/internal/store"
)

// ResourcePolicy is the policy by which an organization delegates.
type ResourcePolicy struct {
	ID      string
	Content string
}

func scanResourcePolicy(s store.Scanner) (ResourcePolicy, error) {
	var p ResourcePolicy
	err := s.Scan(&p.ID, &p.Content)
	return p, err
}

// LookupResourcePolicy returns an organization's resource policy.
func LookupResourcePolicy(ctx context.Context, tx *store.Tx, org OrganizationID) (ResourcePolicy, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT id, content FROM organization_resource_policies WHERE org = $1`, org),
		scanResourcePolicy)
}

// PutResourcePolicy sets an organization's resource policy.
func PutResourcePolicy(ctx context.Context, tx *store.Tx, org OrganizationID, p ResourcePolicy) error {
	_, err := tx.Exec(ctx, `INSERT INTO organization_resource_policies (org, id, content) VALUES ($1, $2, $3)
		ON CONFLICT (org) DO UPDATE SET id = excluded.id, content = excluded.content`, org, p.ID, p.Content)
	return err
}

// DeleteResourcePolicy deletes an organization's resource policy.
func DeleteResourcePolicy(ctx context.Context, tx *store.Tx, org OrganizationID) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM organization_resource_policies WHERE org = $1`, org))
}
