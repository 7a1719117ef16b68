package policies

import (
	"context"

	"muster/internal/store"
)

// Exempt takes a target out of those that a policy of AWS's own is attached
// to; store.ErrConflict when it is out.
func Exempt(ctx context.Context, tx *store.Tx, org OrganizationID, policyType, policy, target string) error {
	return tx.InsertNew(ctx, `INSERT INTO policy_exemptions (org, policy, target, type) VALUES ($1, $2, $3, $4)`,
		org, policy, target, policyType)
}

// EndExemption is the inverse of Exempt; store.ErrNotFound when the target is
// not exempt.
func EndExemption(ctx context.Context, tx *store.Tx, org OrganizationID, policy, target string) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM policy_exemptions WHERE org = $1 AND policy = $2 AND target = $3`,
		org, policy, target))
}

// Exempted reports whether a target is exempt from a policy.
func Exempted(ctx context.Context, tx *store.Tx, org OrganizationID, policy, target string) (bool, error) {
	_, err := store.ReadOne(tx.QueryRow(ctx, `SELECT policy FROM policy_exemptions
		WHERE org = $1 AND policy = $2 AND target = $3`, org, policy, target), store.ScanText)
	return exists(err)
}

// NotExempted returns, after an id, up to limit ids each of the accounts and
// of the units of an organization that are not exempt from a policy: accounts
// first, which is the order of ids.
func NotExempted(ctx context.Context, tx *store.Tx, org OrganizationID, policy, after string, limit int) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT m.account FROM organization_accounts m
		WHERE m.org = $1 AND m.account > $3 AND NOT EXISTS (
			SELECT 1 FROM policy_exemptions e WHERE e.org = m.org AND e.policy = $2 AND e.target = m.account)
		ORDER BY m.account LIMIT $4`, org, policy, after, limit)
	accounts, err := store.ReadAll(rows, err, store.ScanText)
	if err != nil || len(accounts) == limit {
		return accounts, err
	}
	rows, err = tx.Query(ctx, `SELECT u.id FROM organizational_units u
		WHERE u.org = $1 AND u.id > $3 AND NOT EXISTS (
			SELECT 1 FROM policy_exemptions e WHERE e.org = u.org AND e.policy = $2 AND e.target = u.id)
		ORDER BY u.id LIMIT $4`, org, policy, after, limit)
	units, err := store.ReadAll(rows, err, store.ScanText)
	return append(accounts, units...), err
}
