package identity

import (
	"context"
	"database/sql"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// PolicyVersion is one version of a customer's managed policy.
type PolicyVersion struct {
	// Number is 1 for v1.
	Number    int
	Document  string
	CreatedAt time.Time
}

// insertVersion adds a version of a policy.
func insertVersion(ctx context.Context, tx *store.Tx, p Policy, v PolicyVersion) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_policy_versions (account, policy, version, document, created_at) VALUES ($1, $2, $3, $4, $5)`,
		p.Account, p.ID, v.Number, v.Document, store.Micros(v.CreatedAt))
	return err
}

// PolicyVersions lists the versions of a policy, the newest first.
func PolicyVersions(ctx context.Context, tx *store.Tx, p Policy) ([]PolicyVersion, error) {
	rows, err := tx.Query(ctx, `SELECT version, document, created_at FROM iam_policy_versions
		WHERE account = $1 AND policy = $2 ORDER BY version DESC`, p.Account, p.ID)
	return store.All(rows, err, func(r *sql.Rows) (PolicyVersion, error) { return scanVersion(r) })
}

// PolicyVersionByNumber finds a version of a policy.
func PolicyVersionByNumber(ctx context.Context, tx *store.Tx, p Policy, number int) (PolicyVersion, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT version, document, created_at FROM iam_policy_versions
		WHERE account = $1 AND policy = $2 AND version = $3`, p.Account, p.ID, number), scanVersion)
}

func scanVersion(s store.Scanner) (PolicyVersion, error) {
	var v PolicyVersion
	var created int64
	err := s.Scan(&v.Number, &v.Document, &created)
	v.CreatedAt = store.Time(created)
	return v, err
}

// AddPolicyVersion gives a policy its next version and returns it. It is not
// the default until SetDefaultVersion says so.
func AddPolicyVersion(ctx context.Context, tx *store.Tx, p Policy, document string, now time.Time) (PolicyVersion, error) {
	v := PolicyVersion{Document: document, CreatedAt: now}
	err := store.One(tx.QueryRow(ctx, `UPDATE iam_policies SET latest_version = latest_version + 1, updated_at = $3
		WHERE account = $1 AND name_key = $2 RETURNING latest_version`, p.Account, Key(p.Name), store.Micros(now)), &v.Number)
	if err != nil {
		return v, err
	}
	return v, insertVersion(ctx, tx, p, v)
}

// SetDefaultVersion makes a version the one that counts.
func SetDefaultVersion(ctx context.Context, tx *store.Tx, p Policy, v PolicyVersion, now time.Time) error {
	return store.Affected(tx.Exec(ctx, `UPDATE iam_policies SET default_version = $3, document = $4, updated_at = $5
		WHERE account = $1 AND name_key = $2`, p.Account, Key(p.Name), v.Number, v.Document, store.Micros(now)))
}

// DeletePolicyVersion removes a version, which must not be the default.
func DeletePolicyVersion(ctx context.Context, tx *store.Tx, p Policy, number int) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_policy_versions WHERE account = $1 AND policy = $2 AND version = $3`,
		p.Account, p.ID, number))
}

// deleteVersions removes all versions of a policy.
func deleteVersions(ctx context.Context, tx *store.Tx, account arn.AccountID, policyID string) error {
	_, err := tx.Exec(ctx, `DELETE FROM iam_policy_versions WHERE account = $1 AND policy = $2`, account, policyID)
	return err
}
