package identity

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Role is an IAM role.
type Role struct {
	Account arn.AccountID
	Name    string
	Path    string
	// ID is the unique id, AROA….
	ID string
	// Trust is the policy document that says who may assume the role.
	Trust string
	// Trusted are the unique ids of the users and roles that Trust names, by
	// ARN: someone who takes a name later is not meant.
	Trusted     map[string]string
	Description string
	// MaxSession bounds the length of a session.
	MaxSession time.Duration
	// Boundary is the ARN of its permissions boundary, or empty.
	Boundary string
	// Service is the service principal of a service-linked role, else empty.
	Service        string
	CreatedAt      time.Time
	LastUsedAt     time.Time
	LastUsedRegion string
}

// ARN names the role with its path.
func (r Role) ARN() arn.ARN { return arn.New("iam", "", r.Account, "role"+r.Path+r.Name) }

// noneTrusted is how an empty Trusted is stored.
const noneTrusted = "{}"

// trusted is Trusted as it is stored.
func (r Role) trusted() (string, error) {
	if len(r.Trusted) == 0 {
		return noneTrusted, nil
	}
	body, err := json.Marshal(r.Trusted)
	return string(body), err
}

const roleColumns = `account, name, path, id, trust, trusted, description, max_session, boundary, service, created_at, last_used_at, last_used_region`

func scanRole(s store.Scanner) (Role, error) {
	var r Role
	var maxSession, created, used int64
	var trusted string
	err := s.Scan(&r.Account, &r.Name, &r.Path, &r.ID, &r.Trust, &trusted, &r.Description, &maxSession, &r.Boundary, &r.Service,
		&created, &used, &r.LastUsedRegion)
	if err != nil {
		return r, err
	}
	r.MaxSession = time.Duration(maxSession) * time.Second
	r.CreatedAt, r.LastUsedAt = store.Time(created), store.Time(used)
	if trusted == noneTrusted {
		return r, nil
	}
	if err := json.Unmarshal([]byte(trusted), &r.Trusted); err != nil {
		return r, fmt.Errorf("trusted by role %s: %w", r.ARN(), err)
	}
	return r, nil
}

// InsertRole adds a role.
func InsertRole(ctx context.Context, tx *store.Tx, r Role) error {
	trusted, err := r.trusted()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO iam_roles
		(account, name_key, name, path, id, trust, trusted, description, max_session, boundary, service, created_at, last_used_at, last_used_region)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, '')`,
		r.Account, Key(r.Name), r.Name, r.Path, r.ID, r.Trust, trusted, r.Description, int64(r.MaxSession/time.Second), r.Boundary, r.Service,
		store.Micros(r.CreatedAt))
	return err
}

// RoleByName finds a role.
func RoleByName(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (Role, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+roleColumns+` FROM iam_roles WHERE account = $1 AND name_key = $2`,
		account, Key(name)), scanRole)
}

// RoleByID finds a role by its unique id.
func RoleByID(ctx context.Context, tx *store.Tx, account arn.AccountID, id string) (Role, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+roleColumns+` FROM iam_roles WHERE account = $1 AND id = $2`, account, id), scanRole)
}

// Roles lists up to limit roles under a path prefix.
func Roles(ctx context.Context, tx *store.Tx, account arn.AccountID, pathPrefix, after string, limit int) ([]Role, error) {
	rows, err := tx.Query(ctx, `SELECT `+roleColumns+` FROM iam_roles
		WHERE account = $1 AND name_key > $2 AND substr(path, 1, CAST($3 AS INTEGER)) = $4 ORDER BY name_key LIMIT $5`,
		account, after, len(pathPrefix), pathPrefix, limit)
	return store.All(rows, err, func(r *sql.Rows) (Role, error) { return scanRole(r) })
}

// FederatedRoles lists up to limit roles whose trust policies speak of identity
// providers.
func FederatedRoles(ctx context.Context, tx *store.Tx, account arn.AccountID, limit int) ([]Role, error) {
	rows, err := tx.Query(ctx, `SELECT `+roleColumns+` FROM iam_roles
		WHERE account = $1 AND trust LIKE '%"Federated"%' ORDER BY name_key LIMIT $2`, account, limit)
	return store.All(rows, err, func(r *sql.Rows) (Role, error) { return scanRole(r) })
}

// UpdateRole stores what of a role can change: trust policy, description,
// longest session, boundary.
func UpdateRole(ctx context.Context, tx *store.Tx, r Role) error {
	trusted, err := r.trusted()
	if err != nil {
		return err
	}
	return store.Affected(tx.Exec(ctx, `UPDATE iam_roles SET trust = $3, trusted = $4, description = $5, max_session = $6, boundary = $7
		WHERE account = $1 AND name_key = $2`,
		r.Account, Key(r.Name), r.Trust, trusted, r.Description, int64(r.MaxSession/time.Second), r.Boundary))
}

// TouchRole notes that a role was used.
func TouchRole(ctx context.Context, tx *store.Tx, account arn.AccountID, id string, at time.Time, region arn.Region) error {
	_, err := tx.Exec(ctx, `UPDATE iam_roles SET last_used_at = $3, last_used_region = $4
		WHERE account = $1 AND id = $2 AND last_used_at < $3`, account, id, store.Micros(at), region)
	return err
}

// DeleteRole removes a role with its tags. Policies must have gone before.
func DeleteRole(ctx context.Context, tx *store.Tx, r Role) error {
	if _, err := tx.Exec(ctx, `DELETE FROM iam_tags WHERE account = $1 AND owner = $2`, r.Account, r.ID); err != nil {
		return err
	}
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_roles WHERE account = $1 AND name_key = $2`, r.Account, Key(r.Name)))
}
