package identity

import (
	"context"
	"database/sql"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// The states of an access key.
const (
	KeyActive   = "Active"
	KeyInactive = "Inactive"
)

// AccessKey is a long-term key.
type AccessKey struct {
	Account arn.AccountID
	// ID is the access key id, AKIA….
	ID string
	// Owner is the unique id of its user, or empty for the root user.
	Owner string
	// Secret is sealed, bound to the ID.
	Secret    []byte
	Status    string
	CreatedAt time.Time
	// LastUsedAt is zero for a key never used.
	LastUsedAt      time.Time
	LastUsedRegion  string
	LastUsedService string
}

const keyColumns = `account, id, owner, secret, status, created_at, last_used_at, last_used_region, last_used_service`

func scanKey(s store.Scanner) (AccessKey, error) {
	var k AccessKey
	var created, used int64
	err := s.Scan(&k.Account, &k.ID, &k.Owner, &k.Secret, &k.Status, &created, &used, &k.LastUsedRegion, &k.LastUsedService)
	k.CreatedAt, k.LastUsedAt = store.Time(created), store.Time(used)
	return k, err
}

// InsertKey adds an access key.
func InsertKey(ctx context.Context, tx *store.Tx, k AccessKey) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_access_keys
		(account, id, owner, secret, status, created_at, last_used_at, last_used_region, last_used_service)
		VALUES ($1, $2, $3, $4, $5, $6, 0, '', '')`,
		k.Account, k.ID, k.Owner, k.Secret, k.Status, store.Micros(k.CreatedAt))
	return err
}

// KeyByID finds an access key of an account.
func KeyByID(ctx context.Context, tx *store.Tx, account arn.AccountID, id string) (AccessKey, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+keyColumns+` FROM iam_access_keys WHERE account = $1 AND id = $2`, account, id), scanKey)
}

// KeysOf lists the access keys of a user, or of the root user, oldest first.
func KeysOf(ctx context.Context, tx *store.Tx, o Owner) ([]AccessKey, error) {
	rows, err := tx.Query(ctx, `SELECT `+keyColumns+` FROM iam_access_keys WHERE account = $1 AND owner = $2 ORDER BY created_at, id`,
		o.Account, o.ID)
	return store.All(rows, err, func(r *sql.Rows) (AccessKey, error) { return scanKey(r) })
}

// SetKeyStatus switches a user's access key on or off.
func SetKeyStatus(ctx context.Context, tx *store.Tx, o Owner, id, status string) error {
	return store.Affected(tx.Exec(ctx, `UPDATE iam_access_keys SET status = $4 WHERE account = $1 AND owner = $2 AND id = $3`,
		o.Account, o.ID, id, status))
}

// TouchKey notes that a key was used.
func TouchKey(ctx context.Context, tx *store.Tx, account arn.AccountID, id string, at time.Time, region arn.Region, service string) error {
	_, err := tx.Exec(ctx, `UPDATE iam_access_keys SET last_used_at = $3, last_used_region = $4, last_used_service = $5
		WHERE account = $1 AND id = $2 AND last_used_at < $3`, account, id, store.Micros(at), region, service)
	return err
}

// DeleteKey removes a user's access key.
func DeleteKey(ctx context.Context, tx *store.Tx, o Owner, id string) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_access_keys WHERE account = $1 AND owner = $2 AND id = $3`, o.Account, o.ID, id))
}
