package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// The states of a service-linked role's deletion.
const (
	DeletionInProgress = "IN_PROGRESS"
	DeletionSucceeded  = "SUCCEEDED"
	DeletionFailed     = "FAILED"
)

// RoleDeletion is a requested deletion of a service-linked role.
type RoleDeletion struct {
	Account  arn.AccountID
	ID       string
	RoleName string
	Status   string
	// Reason and Usage say why it failed.
	Reason    string
	Usage     []RoleUsage
	CreatedAt time.Time
}

// RoleUsage names what still uses a service-linked role in one Region.
type RoleUsage struct {
	Region    arn.Region
	Resources []arn.ARN
}

const deletionColumns = `account, id, role_key, status, reason, role_usage, created_at`

func scanDeletion(s store.Scanner) (RoleDeletion, error) {
	var d RoleDeletion
	var usage string
	var created int64
	if err := s.Scan(&d.Account, &d.ID, &d.RoleName, &d.Status, &d.Reason, &usage, &created); err != nil {
		return d, err
	}
	d.CreatedAt = store.Time(created)
	if err := json.Unmarshal([]byte(usage), &d.Usage); err != nil {
		return d, fmt.Errorf("usage of role %s: %w", d.RoleName, err)
	}
	return d, nil
}

// InsertDeletion adds a deletion. RoleName is stored in lower case.
func InsertDeletion(ctx context.Context, tx *store.Tx, d RoleDeletion) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_role_deletions (account, id, role_key, status, reason, role_usage, created_at)
		VALUES ($1, $2, $3, $4, '', '[]', $5)`, d.Account, d.ID, Key(d.RoleName), d.Status, store.Micros(d.CreatedAt))
	return err
}

// Deletion finds a deletion by its task id.
func Deletion(ctx context.Context, tx *store.Tx, account arn.AccountID, id string) (RoleDeletion, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+deletionColumns+` FROM iam_role_deletions
		WHERE account = $1 AND id = $2`, account, id), scanDeletion)
}

// PendingDeletion finds the unfinished deletion of a role.
func PendingDeletion(ctx context.Context, tx *store.Tx, account arn.AccountID, roleName string) (RoleDeletion, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+deletionColumns+` FROM iam_role_deletions
		WHERE account = $1 AND role_key = $2 AND status = $3`, account, Key(roleName), DeletionInProgress), scanDeletion)
}

// FinishDeletion records how a deletion ended.
func FinishDeletion(ctx context.Context, tx *store.Tx, d RoleDeletion) error {
	if d.Usage == nil {
		d.Usage = []RoleUsage{}
	}
	usage, err := json.Marshal(d.Usage)
	if err != nil {
		return fmt.Errorf("usage of role %s: %w", d.RoleName, err)
	}
	return store.Affected(tx.Exec(ctx, `UPDATE iam_role_deletions SET status = $3, reason = $4, role_usage = $5
		WHERE account = $1 AND id = $2`, d.Account, d.ID, d.Status, d.Reason, string(usage)))
}
