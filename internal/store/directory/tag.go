package directory

import (
	"context"

	"muster/internal/store"
)

// Tag is one tag of a root, unit or account.
type Tag struct{ Key, Value string }

func scanTag(s store.Scanner) (Tag, error) {
	var t Tag
	err := s.Scan(&t.Key, &t.Value)
	return t, err
}

// Tags returns the tags of a resource by key.
func Tags(ctx context.Context, tx *store.Tx, org OrganizationID, resource string) ([]Tag, error) {
	rows, err := tx.Query(ctx, `SELECT tag_key, value FROM directory_tags WHERE org = $1 AND resource = $2 ORDER BY tag_key`,
		org, resource)
	return store.ReadAll(rows, err, scanTag)
}

// PutTag sets a tag; a former value is overwritten.
func PutTag(ctx context.Context, tx *store.Tx, org OrganizationID, resource string, t Tag) error {
	_, err := tx.Exec(ctx, `INSERT INTO directory_tags (org, resource, tag_key, value) VALUES ($1, $2, $3, $4)
		ON CONFLICT (org, resource, tag_key) DO UPDATE SET value = excluded.value`, org, resource, t.Key, t.Value)
	return err
}

// DeleteTag deletes a tag, if it is there.
func DeleteTag(ctx context.Context, tx *store.Tx, org OrganizationID, resource, key string) error {
	_, err := tx.Exec(ctx, `DELETE FROM directory_tags WHERE org = $1 AND resource = $2 AND tag_key = $3`, org, resource, key)
	return err
}

// DeleteTags deletes every tag of a resource.
func DeleteTags(ctx context.Context, tx *store.Tx, org OrganizationID, resource string) error {
	_, err := tx.Exec(ctx, `DELETE FROM directory_tags WHERE org = $1 AND resource = $2`, org, resource)
	return err
}
