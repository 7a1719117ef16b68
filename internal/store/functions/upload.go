package functions

import (
	"context"
	"fmt"
	"time"

	"muster/internal/store"
)

// AddUpload stores the beginning of an upload. Those of the owner that began
// before the time given go; it returns how many of the others there are.
func AddUpload(ctx context.Context, tx *store.Tx, at Owner, id string, before, now time.Time) (others int, err error) {
	for _, statement := range []string{
		`DELETE FROM function_upload_parts WHERE account = $1 AND region = $2 AND upload IN
			(SELECT id FROM function_uploads WHERE account = $1 AND region = $2 AND created_at < $3)`,
		`DELETE FROM function_uploads WHERE account = $1 AND region = $2 AND created_at < $3`,
	} {
		if _, err := tx.Exec(ctx, statement, at.Account, at.Region, store.Micros(before)); err != nil {
			return 0, fmt.Errorf("old uploads: %w", err)
		}
	}
	err = store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM function_uploads WHERE account = $1 AND region = $2`, at.Account, at.Region), &others)
	if err == nil {
		_, err = tx.Exec(ctx, `INSERT INTO function_uploads (account, region, id, created_at) VALUES ($1, $2, $3, $4)`,
			at.Account, at.Region, id, store.Micros(now))
	}
	if err != nil {
		return 0, fmt.Errorf("upload: %w", err)
	}
	return others, nil
}

// UploadBegan is when an upload began, or store.ErrNotFound.
func UploadBegan(ctx context.Context, tx *store.Tx, at Owner, id string) (time.Time, error) {
	var began int64
	err := store.One(tx.QueryRow(ctx, `SELECT created_at FROM function_uploads WHERE account = $1 AND region = $2 AND id = $3`,
		at.Account, at.Region, id), &began)
	if err != nil {
		return time.Time{}, fmt.Errorf("upload %s: %w", id, err)
	}
	return store.Time(began), nil
}

// PutPart stores a part of an upload, in place of one with its number, and
// returns the size of all parts in bytes.
func PutPart(ctx context.Context, tx *store.Tx, at Owner, id string, number int, data []byte) (total int64, err error) {
	_, err = tx.Exec(ctx, `INSERT INTO function_upload_parts (account, region, upload, number, size, data) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account, region, upload, number) DO UPDATE SET size = excluded.size, data = excluded.data`,
		at.Account, at.Region, id, number, len(data), data)
	if err == nil {
		err = store.One(tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM function_upload_parts
			WHERE account = $1 AND region = $2 AND upload = $3`, at.Account, at.Region, id), &total)
	}
	if err != nil {
		return 0, fmt.Errorf("part of upload %s: %w", id, err)
	}
	return total, nil
}

// Part returns a part of an upload, or store.ErrNotFound.
func Part(ctx context.Context, tx *store.Tx, at Owner, id string, number int) (data []byte, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT data FROM function_upload_parts
		WHERE account = $1 AND region = $2 AND upload = $3 AND number = $4`, at.Account, at.Region, id, number), &data)
	if err != nil {
		return nil, fmt.Errorf("part %d of upload %s: %w", number, id, err)
	}
	return data, nil
}

// CountParts counts the parts of an upload.
func CountParts(ctx context.Context, tx *store.Tx, at Owner, id string) (n int, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM function_upload_parts
		WHERE account = $1 AND region = $2 AND upload = $3`, at.Account, at.Region, id), &n)
	return n, err
}

// DeleteUpload forgets an upload.
func DeleteUpload(ctx context.Context, tx *store.Tx, at Owner, id string) error {
	for _, statement := range []string{
		`DELETE FROM function_upload_parts WHERE account = $1 AND region = $2 AND upload = $3`,
		`DELETE FROM function_uploads WHERE account = $1 AND region = $2 AND id = $3`,
	} {
		if _, err := tx.Exec(ctx, statement, at.Account, at.Region, id); err != nil {
			return fmt.Errorf("upload %s: %w", id, err)
		}
	}
	return nil
}
