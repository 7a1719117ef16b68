package identity

import (
	"context"
	"database/sql"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Policy is a customer's managed policy.
type Policy struct {
	Account arn.AccountID
	Name    string
	Path    string
	// ID is the unique id, ANPA….
	ID          string
	Description string
	// Document is the default version's; Version and Latest number the
	// default version and the newest there ever was, 0 meaning 1.
	Document        string
	Version, Latest int
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// ARN names the policy with its path.
func (p Policy) ARN() arn.ARN { return arn.New("iam", "", p.Account, "policy"+p.Path+p.Name) }

const policyColumns = `account, name, path, id, description, document, default_version, latest_version, created_at, updated_at`

func scanPolicy(s store.Scanner) (Policy, error) {
	var p Policy
	var created, updated int64
	err := s.Scan(&p.Account, &p.Name, &p.Path, &p.ID, &p.Description, &p.Document, &p.Version, &p.Latest, &created, &updated)
	p.CreatedAt, p.UpdatedAt = store.Time(created), store.Time(updated)
	return p, err
}

// InsertPolicy adds a managed policy with its first version.
func InsertPolicy(ctx context.Context, tx *store.Tx, p Policy) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_policies (account, name_key, name, path, id, arn, description, document, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		p.Account, Key(p.Name), p.Name, p.Path, p.ID, p.ARN(), p.Description, p.Document, store.Micros(p.CreatedAt), store.Micros(p.UpdatedAt))
	if err != nil {
		return err
	}
	return insertVersion(ctx, tx, p, PolicyVersion{Number: 1, Document: p.Document, CreatedAt: p.CreatedAt})
}

// PolicyByName finds a managed policy.
func PolicyByName(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (Policy, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+policyColumns+` FROM iam_policies WHERE account = $1 AND name_key = $2`,
		account, Key(name)), scanPolicy)
}

// PolicyByARN finds a managed policy of the account.
func PolicyByARN(ctx context.Context, tx *store.Tx, account arn.AccountID, a arn.ARN) (Policy, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+policyColumns+` FROM iam_policies WHERE account = $1 AND arn = $2`, account, a), scanPolicy)
}

// Policies lists up to limit managed policies under a path prefix.
func Policies(ctx context.Context, tx *store.Tx, account arn.AccountID, pathPrefix, after string, limit int) ([]Policy, error) {
	rows, err := tx.Query(ctx, `SELECT `+policyColumns+` FROM iam_policies
		WHERE account = $1 AND name_key > $2 AND substr(path, 1, CAST($3 AS INTEGER)) = $4 ORDER BY name_key LIMIT $5`,
		account, after, len(pathPrefix), pathPrefix, limit)
	return store.All(rows, err, func(r *sql.Rows) (Policy, error) { return scanPolicy(r) })
}

// DeletePolicy removes a managed policy with its versions and tags.
// Attachments must have gone before.
func DeletePolicy(ctx context.Context, tx *store.Tx, p Policy) error {
	if err := deleteVersions(ctx, tx, p.Account, p.ID); err != nil {
		return err
	}
	if err := DeleteTags(ctx, tx, p.Owner()); err != nil {
		return err
	}
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_policies WHERE account = $1 AND name_key = $2`, p.Account, Key(p.Name)))
}
