package identity

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Alias is the alias of an account, or store.ErrNotFound.
func Alias(ctx context.Context, tx *store.Tx, account arn.AccountID) (alias string, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT alias FROM iam_account_aliases WHERE account = $1`, account), &alias)
	return alias, err
}

// AccountOfAlias is the account that an alias names.
func AccountOfAlias(ctx context.Context, tx *store.Tx, alias string) (account arn.AccountID, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT account FROM iam_account_aliases WHERE alias = $1`, alias), &account)
	return account, err
}

// PutAlias gives an account an alias that nobody has, in place of its former.
func PutAlias(ctx context.Context, tx *store.Tx, account arn.AccountID, alias string) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_account_aliases (account, alias) VALUES ($1, $2)
		ON CONFLICT (account) DO UPDATE SET alias = excluded.alias`, account, alias)
	return err
}

// DeleteAlias takes an account's alias.
func DeleteAlias(ctx context.Context, tx *store.Tx, account arn.AccountID, alias string) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_account_aliases WHERE account = $1 AND alias = $2`, account, alias))
}

// PasswordPolicy is an account's password policy as stored, or
// store.ErrNotFound.
func PasswordPolicy(ctx context.Context, tx *store.Tx, account arn.AccountID) (policy string, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT policy FROM iam_password_policies WHERE account = $1`, account), &policy)
	return policy, err
}

// PutPasswordPolicy replaces an account's password policy.
func PutPasswordPolicy(ctx context.Context, tx *store.Tx, account arn.AccountID, policy string) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_password_policies (account, policy) VALUES ($1, $2)
		ON CONFLICT (account) DO UPDATE SET policy = excluded.policy`, account, policy)
	return err
}

// DeletePasswordPolicy removes an account's password policy.
func DeletePasswordPolicy(ctx context.Context, tx *store.Tx, account arn.AccountID) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_password_policies WHERE account = $1`, account))
}

// CredentialReport is an account's newest credential report, or
// store.ErrNotFound.
func CredentialReport(ctx context.Context, tx *store.Tx, account arn.AccountID) (content string, generated time.Time, err error) {
	var at int64
	err = store.One(tx.QueryRow(ctx, `SELECT content, generated_at FROM iam_credential_reports WHERE account = $1`, account), &content, &at)
	return content, store.Time(at), err
}

// PutCredentialReport replaces an account's credential report.
func PutCredentialReport(ctx context.Context, tx *store.Tx, account arn.AccountID, content string, generated time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_credential_reports (account, content, generated_at) VALUES ($1, $2, $3)
		ON CONFLICT (account) DO UPDATE SET content = excluded.content, generated_at = excluded.generated_at`,
		account, content, store.Micros(generated))
	return err
}

// Features lists what an organization has switched on for its members' root
// users, by name.
func Features(ctx context.Context, tx *store.Tx, organization string) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT feature FROM iam_organization_features WHERE organization = $1 ORDER BY feature`, organization)
	return store.All(rows, err, store.Text)
}

// PutFeature switches a feature on; it may be on already.
func PutFeature(ctx context.Context, tx *store.Tx, organization, feature string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_organization_features (organization, feature, enabled_at) VALUES ($1, $2, $3)
		ON CONFLICT (organization, feature) DO NOTHING`, organization, feature, store.Micros(now))
	return err
}

// DeleteFeature switches a feature off; it may be off already.
func DeleteFeature(ctx context.Context, tx *store.Tx, organization, feature string) error {
	_, err := tx.Exec(ctx, `DELETE FROM iam_organization_features WHERE organization = $1 AND feature = $2`, organization, feature)
	return err
}
