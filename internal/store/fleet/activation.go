// Package fleet remembers the hosts that agents speak for and the activations
// by which they enrol.
package fleet

import (
	"context"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Activation permits hosts to enrol in one account and Region.
type Activation struct {
	Account arn.AccountID
	Region  arn.Region
	ID      string
	// CodeHash is the hexadecimal SHA-256 of the code, which is not kept.
	CodeHash string
	// Label is what the enrolling host shall be called; may be empty.
	Label                string
	CreatedAt, ExpiresAt time.Time
	// CreatedBy is the ARN of the principal that asked for it.
	CreatedBy arn.ARN
	// Uses counts the enrolments, of at most UsesLimit.
	Uses, UsesLimit int
}

// AddActivation stores a new activation.
func AddActivation(ctx context.Context, tx *store.Tx, a Activation) error {
	_, err := tx.Exec(ctx, `INSERT INTO agent_activations
		(account, region, id, code_hash, label, created_at, created_by, expires_at, uses, uses_limit)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		a.Account, a.Region, a.ID, a.CodeHash, a.Label, store.Micros(a.CreatedAt), a.CreatedBy, store.Micros(a.ExpiresAt), a.Uses, a.UsesLimit)
	if err != nil {
		return fmt.Errorf("add activation: %w", err)
	}
	return nil
}

// ActivationByCode returns the activation whose code has the hash, expired
// and used-up ones too, or store.ErrNotFound.
func ActivationByCode(ctx context.Context, tx *store.Tx, codeHash string) (Activation, error) {
	a := Activation{CodeHash: codeHash}
	var createdAt, expiresAt int64
	err := store.One(tx.QueryRow(ctx, `SELECT account, region, id, label, created_at, created_by, expires_at, uses, uses_limit
		FROM agent_activations WHERE code_hash = $1`, codeHash),
		&a.Account, &a.Region, &a.ID, &a.Label, &createdAt, &a.CreatedBy, &expiresAt, &a.Uses, &a.UsesLimit)
	if err != nil {
		return Activation{}, fmt.Errorf("activation: %w", err)
	}
	a.CreatedAt, a.ExpiresAt = store.Time(createdAt), store.Time(expiresAt)
	return a, nil
}

// UseActivation counts one enrolment.
func UseActivation(ctx context.Context, tx *store.Tx, a Activation) error {
	_, err := tx.Exec(ctx, `UPDATE agent_activations SET uses = uses + 1 WHERE account = $1 AND region = $2 AND id = $3`, a.Account, a.Region, a.ID)
	if err != nil {
		return fmt.Errorf("use activation: %w", err)
	}
	return nil
}

// DeleteActivations removes an account's activations in the Region that
// expired before the time given.
func DeleteActivations(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM agent_activations WHERE account = $1 AND region = $2 AND expires_at < $3`, account, region, store.Micros(before))
	if err != nil {
		return fmt.Errorf("delete expired activations: %w", err)
	}
	return nil
}
