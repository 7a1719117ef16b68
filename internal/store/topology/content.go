package topology

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// partSize keeps rows of facts at a size that both databases handle well.
const partSize = 1 << 20

// PutContent stores facts under their digest, unless they are stored.
func PutContent(ctx context.Context, tx *store.Tx, digest string, body []byte) error {
	known, err := store.ReadOne(tx.QueryRow(ctx, `SELECT COUNT(*) FROM network_contents WHERE digest = $1`, digest), store.ScanCount)
	if err != nil || known > 0 {
		return err
	}
	for part := 0; part == 0 || len(body) > 0; part++ {
		n := min(partSize, len(body))
		if err := tx.InsertNew(ctx, `INSERT INTO network_contents (digest, part, body) VALUES ($1, $2, $3)`, digest, part, body[:n]); err != nil {
			return fmt.Errorf("network facts %s: %w", digest, err)
		}
		body = body[n:]
	}
	return nil
}

// Content returns the facts with the digest, or store.ErrNotFound.
func Content(ctx context.Context, tx *store.Tx, digest string) ([]byte, error) {
	rows, err := tx.Query(ctx, `SELECT body FROM network_contents WHERE digest = $1 ORDER BY part`, digest)
	parts, err := store.ReadAll(rows, err, func(s store.Scanner) (body []byte, err error) {
		err = s.Scan(&body)
		return body, err
	})
	if err == nil && len(parts) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("network facts %s: %w", digest, err)
	}
	return bytes.Join(parts, nil), nil
}

// DropContent forgets facts that no snapshot has any more.
func DropContent(ctx context.Context, tx *store.Tx, digest string) error {
	_, err := tx.Exec(ctx, `DELETE FROM network_contents WHERE digest = $1
		AND NOT EXISTS (SELECT 1 FROM network_snapshots WHERE digest = $1)`, digest)
	return err
}

// Part is a part of a file of an upload, as it came.
type Part struct {
	Name   string
	Number int32
	Body   []byte
}

// AddPart keeps a part of an upload until that is complete; the same part again
// replaces it.
func AddPart(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, upload string, p *Part, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO network_uploads (account, region, upload, name, part, at, body) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (account, region, upload, name, part) DO UPDATE SET at = excluded.at, body = excluded.body`,
		account, region, upload, p.Name, p.Number, store.Micros(now), p.Body)
	if err != nil {
		return fmt.Errorf("file %s of an upload: %w", p.Name, err)
	}
	return nil
}

// Waiting adds up what an account's uploads in a Region hold, in bytes.
func Waiting(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region) (size int64, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT COALESCE(CAST(SUM(LENGTH(body)) AS BIGINT), 0) FROM network_uploads
		WHERE account = $1 AND region = $2`, account, region), &size)
	return size, err
}

// Parts lists the parts of an upload by name and number.
func Parts(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, upload string) ([]Part, error) {
	rows, err := tx.Query(ctx, `SELECT name, part, body FROM network_uploads WHERE account = $1 AND region = $2 AND upload = $3 ORDER BY name, part`,
		account, region, upload)
	return store.ReadAll(rows, err, func(s store.Scanner) (p Part, err error) {
		err = s.Scan(&p.Name, &p.Number, &p.Body)
		return p, err
	})
}

// DropParts forgets an upload, and those of the account and Region that nobody
// has added to since a time.
func DropParts(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, upload string, since time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM network_uploads WHERE account = $1 AND region = $2 AND (upload = $3 OR at < $4)`,
		account, region, upload, store.Micros(since))
	return err
}
