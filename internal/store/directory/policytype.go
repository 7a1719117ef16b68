package directory

import (
	"context"

	"muster/internal/store"
)

// PolicyTypeStatus says whether the root uses a policy type.
type PolicyTypeStatus string

// The states of a policy type; a disabled one has no row.
const (
	PolicyTypeEnabled PolicyTypeStatus = "ENABLED"
	PendingEnable     PolicyTypeStatus = "PENDING_ENABLE"
	PendingDisable    PolicyTypeStatus = "PENDING_DISABLE"
)

// PolicyType is a policy type that is not disabled.
type PolicyType struct {
	Type   string
	Status PolicyTypeStatus
}

func scanPolicyType(s store.Scanner) (PolicyType, error) {
	var p PolicyType
	err := s.Scan(&p.Type, &p.Status)
	return p, err
}

// PolicyTypes returns the policy types of an organization's root, by name.
func PolicyTypes(ctx context.Context, tx *store.Tx, org OrganizationID) ([]PolicyType, error) {
	rows, err := tx.Query(ctx, `SELECT type, status FROM policy_types WHERE org = $1 ORDER BY type`, org)
	return store.ReadAll(rows, err, scanPolicyType)
}

// LookupPolicyType returns one policy type; store.ErrNotFound when disabled.
func LookupPolicyType(ctx context.Context, tx *store.Tx, org OrganizationID, policyType string) (PolicyType, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT type, status FROM policy_types WHERE org = $1 AND type = $2`, org, policyType),
		scanPolicyType)
}

// PutPolicyType sets a policy type's status.
func PutPolicyType(ctx context.Context, tx *store.Tx, org OrganizationID, p PolicyType) error {
	_, err := tx.Exec(ctx, `INSERT INTO policy_types (org, type, status) VALUES ($1, $2, $3)
		ON CONFLICT (org, type) DO UPDATE SET status = excluded.status`, org, p.Type, p.Status)
	return err
}

// DeletePolicyType makes a policy type disabled.
func DeletePolicyType(ctx context.Context, tx *store.Tx, org OrganizationID, policyType string) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM policy_types WHERE org = $1 AND type = $2`, org, policyType))
}
