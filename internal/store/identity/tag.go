package identity

import (
	"context"
	"database/sql"

	"muster/internal/store"
)

// Tag is a tag of a user, role or policy.
type Tag struct{ Name, Value string }

// Tags lists all tags of an entity in the order of their keys.
func Tags(ctx context.Context, tx *store.Tx, o Owner) ([]Tag, error) {
	rows, err := tx.Query(ctx, `SELECT name, value FROM iam_tags WHERE account = $1 AND owner = $2 ORDER BY tag_key`, o.Account, o.ID)
	return store.All(rows, err, func(r *sql.Rows) (Tag, error) {
		var t Tag
		err := r.Scan(&t.Name, &t.Value)
		return t, err
	})
}

// PutTag sets a tag, replacing one of the same key in any case of letters.
func PutTag(ctx context.Context, tx *store.Tx, o Owner, t Tag) error {
	_, err := tx.Exec(ctx, `INSERT INTO iam_tags (account, owner, tag_key, name, value) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, owner, tag_key) DO UPDATE SET name = excluded.name, value = excluded.value`,
		o.Account, o.ID, Key(t.Name), t.Name, t.Value)
	return err
}

// DeleteTag removes a tag, if it is there.
func DeleteTag(ctx context.Context, tx *store.Tx, o Owner, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM iam_tags WHERE account = $1 AND owner = $2 AND tag_key = $3`, o.Account, o.ID, Key(name))
	return err
}

// DeleteTags removes all tags of an entity.
func DeleteTags(ctx context.Context, tx *store.Tx, o Owner) error {
	_, err := tx.Exec(ctx, `DELETE FROM iam_tags WHERE account = $1 AND owner = $2`, o.Account, o.ID)
	return err
}
