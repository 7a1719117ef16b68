package identity

import (
	"context"
	"database/sql"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// User is an IAM user.
type User struct {
	Account arn.AccountID
	Name    string
	Path    string
	// ID is the unique id, AIDA….
	ID string
	// Boundary is the ARN of its permissions boundary, or empty.
	Boundary  string
	CreatedAt time.Time
}

// ARN names the user with its path.
func (u User) ARN() arn.ARN { return arn.New("iam", "", u.Account, "user"+u.Path+u.Name) }

const userColumns = `account, name, path, id, boundary, created_at`

func scanUser(s store.Scanner) (User, error) {
	var u User
	var created int64
	err := s.Scan(&u.Account, &u.Name, &u.Path, &u.ID, &u.Boundary, &created)
	u.CreatedAt = store.Time(created)
	return u, err
}

// InsertUser adds a user.
func InsertUser(ctx context.Context, tx *store.Tx, u User) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_users (account, name_key, name, path, id, boundary, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		u.Account, Key(u.Name), u.Name, u.Path, u.ID, u.Boundary, store.Micros(u.CreatedAt))
	return err
}

// UserByName finds a user.
func UserByName(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (User, error) {
	return oneUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM iam_users WHERE account = $1 AND name_key = $2`,
		account, Key(name)))
}

// UserByID finds a user by its unique id.
func UserByID(ctx context.Context, tx *store.Tx, account arn.AccountID, id string) (User, error) {
	return oneUser(tx.QueryRow(ctx, `SELECT `+userColumns+` FROM iam_users WHERE account = $1 AND id = $2`, account, id))
}

func oneUser(row *sql.Row) (User, error) {
	u, err := store.ReadOne(row, scanUser)
	return u, err
}

// Users lists up to limit users under a path prefix.
func Users(ctx context.Context, tx *store.Tx, account arn.AccountID, pathPrefix, after string, limit int) ([]User, error) {
	rows, err := tx.Query(ctx, `SELECT `+userColumns+` FROM iam_users
		WHERE account = $1 AND name_key > $2 AND substr(path, 1, CAST($3 AS INTEGER)) = $4 ORDER BY name_key LIMIT $5`,
		account, after, len(pathPrefix), pathPrefix, limit)
	return store.All(rows, err, func(r *sql.Rows) (User, error) { return scanUser(r) })
}

// DeleteUser removes a user and what cannot outlive it: tags and memberships.
// Policies and keys must have gone before.
func DeleteUser(ctx context.Context, tx *store.Tx, u User) error {
	if _, err := tx.Exec(ctx, `DELETE FROM iam_tags WHERE account = $1 AND owner = $2`, u.Account, u.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM iam_group_members WHERE account = $1 AND user_id = $2`, u.Account, u.ID); err != nil {
		return err
	}
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_users WHERE account = $1 AND name_key = $2`, u.Account, Key(u.Name)))
}

// SetUserBoundary sets or clears a user's permissions boundary.
func SetUserBoundary(ctx context.Context, tx *store.Tx, u User, boundary string) error {
	return store.Affected(tx.Exec(ctx, `UPDATE iam_users SET boundary = $3 WHERE account = $1 AND name_key = $2`, u.Account, Key(u.Name), boundary))
}

// RenameUser gives a user another name and path.
func RenameUser(ctx context.Context, tx *store.Tx, u User, name, path string) error {
	return store.Affected(tx.Exec(ctx, `UPDATE iam_users SET name_key = $3, name = $4, path = $5 WHERE account = $1 AND name_key = $2`,
		u.Account, Key(u.Name), Key(name), name, path))
}
