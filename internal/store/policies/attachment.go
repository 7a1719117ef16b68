package policies

import (
	"context"
	"errors"
	"time"

	"muster/internal/store"
)

// Attachment is a policy attached to a root, unit or account.
type Attachment struct {
	Policy     string
	Target     string
	AttachedAt time.Time
}

func scanAttachment(s store.Scanner) (Attachment, error) {
	var a Attachment
	var attached int64
	err := s.Scan(&a.Policy, &a.Target, &attached)
	a.AttachedAt = store.Time(attached)
	return a, err
}

// Attach attaches a policy of a type, behind those of the type that its target
// has already; store.ErrConflict when it is attached.
func Attach(ctx context.Context, tx *store.Tx, org OrganizationID, policyType string, a Attachment) error {
	last, err := store.ReadOne(tx.QueryRow(ctx, `SELECT COALESCE(MAX(position), 0) FROM policy_attachments
		WHERE org = $1 AND target = $2 AND type = $3`, org, a.Target, policyType), store.ScanCount)
	if err != nil {
		return err
	}
	return tx.InsertNew(ctx, `INSERT INTO policy_attachments (org, policy, target, type, position, attached_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, org, a.Policy, a.Target, policyType, last+1, store.Micros(a.AttachedAt))
}

// Detach ends an attachment; store.ErrNotFound when there is none.
func Detach(ctx context.Context, tx *store.Tx, org OrganizationID, policy, target string) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM policy_attachments WHERE org = $1 AND policy = $2 AND target = $3`,
		org, policy, target))
}

// Attached reports whether a policy is attached to a target.
func Attached(ctx context.Context, tx *store.Tx, org OrganizationID, policy, target string) (bool, error) {
	_, err := store.ReadOne(tx.QueryRow(ctx, `SELECT policy FROM policy_attachments
		WHERE org = $1 AND policy = $2 AND target = $3`, org, policy, target), store.ScanText)
	return exists(err)
}

func exists(err error) (bool, error) {
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// AttachedTo returns the attachments of a type to one target in their order.
func AttachedTo(ctx context.Context, tx *store.Tx, org OrganizationID, policyType, target string) ([]Attachment, error) {
	rows, err := tx.Query(ctx, `SELECT policy, target, attached_at FROM policy_attachments
		WHERE org = $1 AND target = $2 AND type = $3 ORDER BY position`, org, target, policyType)
	return store.ReadAll(rows, err, scanAttachment)
}

// Attachments returns all attachments of a type, by target and in their order.
func Attachments(ctx context.Context, tx *store.Tx, org OrganizationID, policyType string) ([]Attachment, error) {
	rows, err := tx.Query(ctx, `SELECT policy, target, attached_at FROM policy_attachments
		WHERE org = $1 AND type = $2 ORDER BY target, position`, org, policyType)
	return store.ReadAll(rows, err, scanAttachment)
}

// AttachedPolicies returns up to limit policies of a type that are attached to
// a target, after an id.
func AttachedPolicies(ctx context.Context, tx *store.Tx, org OrganizationID, policyType, target, after string, limit int) ([]Policy, error) {
	rows, err := tx.Query(ctx, `SELECT `+policyColumns+` FROM policy_attachments a
		JOIN policies p ON p.org = a.org AND p.id = a.policy
		WHERE a.org = $1 AND a.target = $2 AND a.type = $3 AND a.policy > $4 ORDER BY a.policy LIMIT $5`,
		org, target, policyType, after, limit)
	return store.ReadAll(rows, err, scanPolicy)
}

// CountAttachedTo counts the policies of a type that are attached to a target.
func CountAttachedTo(ctx context.Context, tx *store.Tx, org OrganizationID, policyType, target string) (int, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM policy_attachments
		WHERE org = $1 AND target = $2 AND type = $3`, org, target, policyType), store.ScanCount)
}

// Targets returns up to limit targets of a policy after one.
func Targets(ctx context.Context, tx *store.Tx, org OrganizationID, policy, after string, limit int) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT target FROM policy_attachments
		WHERE org = $1 AND policy = $2 AND target > $3 ORDER BY target LIMIT $4`, org, policy, after, limit)
	return store.ReadAll(rows, err, store.ScanText)
}

// DetachType ends all attachments of a type, and all exemptions.
func DetachType(ctx context.Context, tx *store.Tx, org OrganizationID, policyType string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM policy_attachments WHERE org = $1 AND type = $2`, org, policyType); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM policy_exemptions WHERE org = $1 AND type = $2`, org, policyType)
	return err
}

// DetachTarget ends all attachments to a target that is going away.
func DetachTarget(ctx context.Context, tx *store.Tx, org OrganizationID, target string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM policy_attachments WHERE org = $1 AND target = $2`, org, target); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM policy_exemptions WHERE org = $1 AND target = $2`, org, target)
	return err
}
