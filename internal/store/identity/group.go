package identity

import (
	"context"
	"database/sql"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Group is an IAM group.
type Group struct {
	Account arn.AccountID
	Name    string
	Path    string
	// ID is the unique id, AGPA….
	ID        string
	CreatedAt time.Time
}

// ARN names the group with its path.
func (g Group) ARN() arn.ARN { return arn.New("iam", "", g.Account, "group"+g.Path+g.Name) }

const groupColumns = `g.account, g.name, g.path, g.id, g.created_at`

func scanGroup(s store.Scanner) (Group, error) {
	var g Group
	var created int64
	err := s.Scan(&g.Account, &g.Name, &g.Path, &g.ID, &created)
	g.CreatedAt = store.Time(created)
	return g, err
}

// InsertGroup adds a group.
func InsertGroup(ctx context.Context, tx *store.Tx, g Group) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_groups (account, name_key, name, path, id, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		g.Account, Key(g.Name), g.Name, g.Path, g.ID, store.Micros(g.CreatedAt))
	return err
}

// GroupByName finds a group.
func GroupByName(ctx context.Context, tx *store.Tx, account arn.AccountID, name string) (Group, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+groupColumns+` FROM iam_groups g WHERE g.account = $1 AND g.name_key = $2`,
		account, Key(name)), scanGroup)
}

// Groups lists up to limit groups under a path prefix.
func Groups(ctx context.Context, tx *store.Tx, account arn.AccountID, pathPrefix, after string, limit int) ([]Group, error) {
	rows, err := tx.Query(ctx, `SELECT `+groupColumns+` FROM iam_groups g
		WHERE g.account = $1 AND g.name_key > $2 AND substr(g.path, 1, CAST($3 AS INTEGER)) = $4 ORDER BY g.name_key LIMIT $5`,
		account, after, len(pathPrefix), pathPrefix, limit)
	return store.All(rows, err, func(r *sql.Rows) (Group, error) { return scanGroup(r) })
}

// GroupsOfUser lists up to limit groups that a user belongs to.
func GroupsOfUser(ctx context.Context, tx *store.Tx, account arn.AccountID, userID, after string, limit int) ([]Group, error) {
	rows, err := tx.Query(ctx, `SELECT `+groupColumns+` FROM iam_group_members m
		JOIN iam_groups g ON g.account = m.account AND g.id = m.group_id
		WHERE m.account = $1 AND m.user_id = $2 AND g.name_key > $3 ORDER BY g.name_key LIMIT $4`,
		account, userID, after, limit)
	return store.All(rows, err, func(r *sql.Rows) (Group, error) { return scanGroup(r) })
}

// GroupMembers lists up to limit users of a group.
func GroupMembers(ctx context.Context, tx *store.Tx, g Group, after string, limit int) ([]User, error) {
	rows, err := tx.Query(ctx, `SELECT u.account, u.name, u.path, u.id, u.boundary, u.created_at FROM iam_group_members m
		JOIN iam_users u ON u.account = m.account AND u.id = m.user_id
		WHERE m.account = $1 AND m.group_id = $2 AND u.name_key > $3 ORDER BY u.name_key LIMIT $4`,
		g.Account, g.ID, after, limit)
	return store.All(rows, err, func(r *sql.Rows) (User, error) { return scanUser(r) })
}

// AddToGroup makes a user a member; it may be one already.
func AddToGroup(ctx context.Context, tx *store.Tx, g Group, userID string) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_group_members (account, user_id, group_id) VALUES ($1, $2, $3)
		ON CONFLICT (account, user_id, group_id) DO NOTHING`, g.Account, userID, g.ID)
	return err
}

// RemoveFromGroup ends a membership.
func RemoveFromGroup(ctx context.Context, tx *store.Tx, g Group, userID string) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_group_members WHERE account = $1 AND user_id = $2 AND group_id = $3`,
		g.Account, userID, g.ID))
}

// DeleteGroup removes a group, which must be empty and without policies.
func DeleteGroup(ctx context.Context, tx *store.Tx, g Group) error {
	return store.Affected(tx.Exec(ctx, `DELETE FROM iam_groups WHERE account = $1 AND name_key = $2`, g.Account, Key(g.Name)))
}

// RenameGroup gives a group another name and path.
func RenameGroup(ctx context.Context, tx *store.Tx, g Group, name, path string) error {
	return store.Affected(tx.Exec(ctx, `UPDATE iam_groups SET name_key = $3, name = $4, path = $5 WHERE account = $1 AND name_key = $2`,
		g.Account, Key(g.Name), Key(name), name, path))
}
