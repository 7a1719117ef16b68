package identity

import (
	"context"
	"database/sql"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// InstanceProfile hands a role to instances.
type InstanceProfile struct {
	Account arn.AccountID
	Name    string
	Path    string
	// ID is the unique id, AIPA….
	ID string
	// Role is the unique id of its role, or empty.
	Role      string
	CreatedAt time.Time
}

// ARN names the instance profile with its path.
func (p InstanceProfile) ARN() arn.ARN {
	return arn.New("iam", "", p.Account, "instance-profile"+p.Path+p.Name)
}

// Owner is the instance profile as a bearer of tags.
func (p InstanceProfile) Owner() Owner { return Owner{p.Account, p.ID} }

const profileColumns = `account, name, path, id, role, created_at`

func scanProfile(s store.Scanner) (InstanceProfile, error) {
	var p InstanceProfile
	var created int64
	err := s.Scan(&p.Account, &p.Name, &p.Path, &p.ID, &p.Role, &created)
	p.CreatedAt = store.Time(created)
	return p, err
}

// InsertProfile adds an instance profile.
func InsertProfile(ctx context.Context, tx *store.Tx, p InstanceProfile) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_instance_profiles (account, name_key, name, path, id, role, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, p.Account, Key(p.Name), p.Name, p.Path, p.ID, p.Role, store.Micros(p.CreatedAt))
	return err
}

// ProfileByName finds an instance profile.
func ProfileByName(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (InstanceProfile, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+profileColumns+` FROM iam_instance_profiles WHERE account = $1 AND name_key = $2`,
		account, Key(name)), scanProfile)
}

// Profiles lists up to limit instance profiles under a path prefix.
func Profiles(ctx context.Context, tx *store.Tx, account arn.AccountID, pathPrefix, after string, limit int) ([]InstanceProfile, error) {
	rows, err := tx.Query(ctx, `SELECT `+profileColumns+` FROM iam_instance_profiles
		WHERE account = $1 AND name_key > $2 AND substr(path, 1, CAST($3 AS INTEGER)) = $4 ORDER BY name_key LIMIT $5`,
		account, after, len(pathPrefix), pathPrefix, limit)
	return store.All(rows, err, func(r *sql.Rows) (InstanceProfile, error) { return scanProfile(r) })
}

// ProfilesOfRole lists up to limit instance profiles that hand out a role.
func ProfilesOfRole(ctx context.Context, tx *store.Tx, account arn.AccountID, roleID, after string, limit int) ([]InstanceProfile, error) {
	rows, err := tx.Query(ctx, `SELECT `+profileColumns+` FROM iam_instance_profiles
		WHERE account = $1 AND role = $2 AND name_key > $3 ORDER BY name_key LIMIT $4`, account, roleID, after, limit)
	return store.All(rows, err, func(r *sql.Rows) (InstanceProfile, error) { return scanProfile(r) })
}

// SetProfileRole gives an instance profile a role, or none.
func SetProfileRole(ctx context.Context, tx *store.Tx, p InstanceProfile, roleID string) error {
	return store.Affected(tx.Exec(ctx, `UPDATE iam_instance_profiles SET role = $3 WHERE account = $1 AND name_key = $2`,
		p.Account, Key(p.Name), roleID))
}

// DeleteProfile removes an instance profile with its tags.
func DeleteProfile(ctx context.Context, tx *store.Tx, p InstanceProfile) error {
	if err := DeleteTags(ctx, tx, p.Owner()); err != nil {
		return err
	}
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_instance_profiles WHERE account = $1 AND name_key = $2`, p.Account, Key(p.Name)))
}
