// Package fleet remembers the hosts that agents speak for and the activations
// by which they enrol.
package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/agentwire"
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
	// Tags are those that its hosts get.
	Tags map[string]string
	// Instance is what its one host is called; empty for a new id.
	Instance agentwire.HostID
	// DeletedAt is when it was deleted, else zero.
	DeletedAt time.Time
}

const activationColumns = `account, region, id, code_hash, label, created_at, created_by, expires_at, uses, uses_limit, tags, instance, deleted_at`

func scanActivation(s store.Scanner) (Activation, error) {
	var a Activation
	var created, expires, deleted int64
	var tags string
	err := s.Scan(&a.Account, &a.Region, &a.ID, &a.CodeHash, &a.Label, &created, &a.CreatedBy, &expires, &a.Uses, &a.UsesLimit, &tags, &a.Instance, &deleted)
	if err == nil {
		err = json.Unmarshal([]byte(tags), &a.Tags)
	}
	a.CreatedAt, a.ExpiresAt, a.DeletedAt = store.Time(created), store.Time(expires), store.Time(deleted)
	return a, err
}

// AddActivation stores a new activation.
func AddActivation(ctx context.Context, tx *store.Tx, a Activation) error {
	tags, err := json.Marshal(a.Tags)
	if err != nil {
		return fmt.Errorf("add activation: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO agent_activations (`+activationColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0)`,
		a.Account, a.Region, a.ID, a.CodeHash, a.Label, store.Micros(a.CreatedAt), a.CreatedBy, store.Micros(a.ExpiresAt),
		a.Uses, a.UsesLimit, string(tags), a.Instance)
	if err != nil {
		return fmt.Errorf("add activation: %w", err)
	}
	return nil
}

// ActivationByCode returns the activation whose code has the hash, expired,
// used-up and deleted ones too, or store.ErrNotFound.
func ActivationByCode(ctx context.Context, tx *store.Tx, codeHash string) (Activation, error) {
	a, err := store.ReadOne(tx.QueryRow(ctx, `SELECT `+activationColumns+` FROM agent_activations WHERE code_hash = $1`, codeHash), scanActivation)
	if err != nil {
		return Activation{}, fmt.Errorf("activation: %w", err)
	}
	return a, nil
}

// ActivationByID returns an account's activation in a Region, deleted ones
// too, or store.ErrNotFound.
func ActivationByID(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id string) (Activation, error) {
	a, err := store.ReadOne(tx.QueryRow(ctx, `SELECT `+activationColumns+` FROM agent_activations
		WHERE account = $1 AND region = $2 AND id = $3`, account, region, id), scanActivation)
	if err != nil {
		return Activation{}, fmt.Errorf("activation %s: %w", id, err)
	}
	return a, nil
}

// Activations lists an account's activations in a Region by their ids: up to
// limit after the id given ("" from the beginning), without deleted ones.
func Activations(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, after string, limit int) ([]Activation, error) {
	rows, err := tx.Query(ctx, `SELECT `+activationColumns+` FROM agent_activations
		WHERE account = $1 AND region = $2 AND id > $3 AND deleted_at = 0 ORDER BY id LIMIT $4`, account, region, after, limit)
	list, err := store.ReadAll(rows, err, scanActivation)
	if err != nil {
		return nil, fmt.Errorf("activations: %w", err)
	}
	return list, nil
}

// DeleteActivation ends an activation; it stays known until DeleteActivations.
func DeleteActivation(ctx context.Context, tx *store.Tx, a Activation, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE agent_activations SET deleted_at = $4 WHERE account = $1 AND region = $2 AND id = $3`,
		a.Account, a.Region, a.ID, store.Micros(now))
	if err != nil {
		return fmt.Errorf("delete activation: %w", err)
	}
	return nil
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
