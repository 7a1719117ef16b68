package registry

import (
	"context"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Owner is an account's registry in a Region.
type Owner struct {
	Account arn.AccountID
	Region  arn.Region
}

// Upload is a blob that is not complete.
type Upload struct {
	Owner
	ID, Repository string
	Size           int64
	// Digest is the state of SHA-256 over what has come.
	Digest    []byte
	CreatedAt time.Time
}

// Blob is a layer, a configuration or another file of an image.
type Blob struct {
	Digest, Upload string
	Size           int64
}

// PutUpload stores what is known of an upload.
func PutUpload(ctx context.Context, tx *store.Tx, u *Upload) error {
	_, err := tx.Exec(ctx, `INSERT INTO image_uploads (account, region, id, repository, size, digest, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (account, region, id) DO UPDATE SET size = excluded.size, digest = excluded.digest`,
		u.Account, u.Region, u.ID, u.Repository, u.Size, u.Digest, store.Micros(u.CreatedAt))
	return err
}

func scanUpload(s store.Scanner) (u Upload, err error) {
	var created int64
	err = s.Scan(&u.Account, &u.Region, &u.ID, &u.Repository, &u.Size, &u.Digest, &created)
	u.CreatedAt = store.Time(created)
	return u, err
}

const uploadColumns = `account, region, id, repository, size, digest, created_at`

// LookupUpload returns an upload, or store.ErrNotFound.
func LookupUpload(ctx context.Context, tx *store.Tx, at Owner, id string) (Upload, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+uploadColumns+` FROM image_uploads WHERE account = $1 AND region = $2 AND id = $3`,
		at.Account, at.Region, id), scanUpload)
}

// UploadsBefore lists up to limit uploads that began before a time.
func UploadsBefore(ctx context.Context, tx *store.Tx, at Owner, before time.Time, limit int) ([]Upload, error) {
	rows, err := tx.Query(ctx, `SELECT `+uploadColumns+` FROM image_uploads WHERE account = $1 AND region = $2 AND created_at < $3 ORDER BY id LIMIT $4`,
		at.Account, at.Region, store.Micros(before), limit)
	return store.ReadAll(rows, err, scanUpload)
}

// CountUploads counts an owner's uploads.
func CountUploads(ctx context.Context, tx *store.Tx, at Owner) (n int, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT COUNT(*) FROM image_uploads WHERE account = $1 AND region = $2`, at.Account, at.Region), &n)
	return n, err
}

// StoredBytes is the size of all blobs and uploads of an owner.
func StoredBytes(ctx context.Context, tx *store.Tx, at Owner) (n int64, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT CAST(COALESCE((SELECT SUM(size) FROM image_blobs WHERE account = $1 AND region = $2), 0)
		+ COALESCE((SELECT SUM(size) FROM image_uploads WHERE account = $1 AND region = $2), 0) AS BIGINT)`, at.Account, at.Region), &n)
	return n, err
}

// AddPart stores the part of an upload that begins at a place.
func AddPart(ctx context.Context, tx *store.Tx, at Owner, upload string, begin int64, data []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO image_parts (account, region, upload, begin_at, data) VALUES ($1, $2, $3, $4, $5)`,
		at.Account, at.Region, upload, begin, data)
	return err
}

// PartAt returns the part in which a place is, with the place of its first
// byte; store.ErrNotFound where there is none.
func PartAt(ctx context.Context, tx *store.Tx, at Owner, upload string, place int64) (begin int64, data []byte, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT begin_at, data FROM image_parts WHERE account = $1 AND region = $2 AND upload = $3 AND begin_at <= $4
		ORDER BY begin_at DESC LIMIT 1`, at.Account, at.Region, upload, place), &begin, &data)
	return begin, data, err
}

// DropUpload forgets an upload; with its parts where they are no blob's.
func DropUpload(ctx context.Context, tx *store.Tx, at Owner, id string, parts bool) error {
	tables := []string{`image_uploads WHERE account = $1 AND region = $2 AND id = $3`}
	if parts {
		tables = append(tables, `image_parts WHERE account = $1 AND region = $2 AND upload = $3`)
	}
	for _, from := range tables {
		if _, err := tx.Exec(ctx, `DELETE FROM `+from, at.Account, at.Region, id); err != nil {
			return fmt.Errorf("upload %s: %w", id, err)
		}
	}
	return nil
}

// AddBlob stores a blob. One that is there already stays as it is; added is
// false then.
func AddBlob(ctx context.Context, tx *store.Tx, at Owner, b Blob, now time.Time) (added bool, err error) {
	n, err := tx.Exec(ctx, `INSERT INTO image_blobs (account, region, digest, upload, size, created_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account, region, digest) DO NOTHING`, at.Account, at.Region, b.Digest, b.Upload, b.Size, store.Micros(now))
	return n == 1, err
}

// LinkBlob lets a repository have a blob.
func LinkBlob(ctx context.Context, tx *store.Tx, at Owner, repository, digest string, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO image_blob_repositories (account, region, repository, digest, linked_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, region, repository, digest) DO UPDATE SET linked_at = excluded.linked_at`,
		at.Account, at.Region, repository, digest, store.Micros(now))
	return err
}

// UnlinkBlob takes a blob from a repository.
func UnlinkBlob(ctx context.Context, tx *store.Tx, at Owner, repository, digest string) error {
	_, err := tx.Exec(ctx, `DELETE FROM image_blob_repositories WHERE account = $1 AND region = $2 AND repository = $3 AND digest = $4`,
		at.Account, at.Region, repository, digest)
	return err
}

// BlobOf returns a blob that a repository has, or store.ErrNotFound.
func BlobOf(ctx context.Context, tx *store.Tx, at Owner, repository, digest string) (b Blob, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT b.digest, b.upload, b.size FROM image_blobs b JOIN image_blob_repositories r
		ON r.account = b.account AND r.region = b.region AND r.digest = b.digest
		WHERE b.account = $1 AND b.region = $2 AND r.repository = $3 AND b.digest = $4`, at.Account, at.Region, repository, digest), &b.Digest, &b.Upload, &b.Size)
	return b, err
}

// Link is a blob that a repository has.
type Link struct{ Repository, Digest string }

// LinksBefore lists up to limit blobs of repositories that were linked before
// a time, after the one given.
func LinksBefore(ctx context.Context, tx *store.Tx, at Owner, before time.Time, after Link, limit int) ([]Link, error) {
	rows, err := tx.Query(ctx, `SELECT repository, digest FROM image_blob_repositories
		WHERE account = $1 AND region = $2 AND linked_at < $3 AND (repository, digest) > ($4, $5) ORDER BY repository, digest LIMIT $6`,
		at.Account, at.Region, store.Micros(before), after.Repository, after.Digest, limit)
	return store.ReadAll(rows, err, func(s store.Scanner) (l Link, err error) {
		err = s.Scan(&l.Repository, &l.Digest)
		return l, err
	})
}

// LooseBlobs lists up to limit blobs that no repository has any more.
func LooseBlobs(ctx context.Context, tx *store.Tx, at Owner, limit int) ([]Blob, error) {
	rows, err := tx.Query(ctx, `SELECT digest, upload, size FROM image_blobs b WHERE account = $1 AND region = $2 AND NOT EXISTS (
		SELECT 1 FROM image_blob_repositories r WHERE r.account = b.account AND r.region = b.region AND r.digest = b.digest) ORDER BY digest LIMIT $3`,
		at.Account, at.Region, limit)
	return store.ReadAll(rows, err, func(s store.Scanner) (b Blob, err error) {
		err = s.Scan(&b.Digest, &b.Upload, &b.Size)
		return b, err
	})
}

// DropBlob forgets a blob and its parts.
func DropBlob(ctx context.Context, tx *store.Tx, at Owner, b Blob) error {
	_, err := tx.Exec(ctx, `DELETE FROM image_blobs WHERE account = $1 AND region = $2 AND digest = $3`, at.Account, at.Region, b.Digest)
	if err == nil {
		err = DropUpload(ctx, tx, at, b.Upload, true)
	}
	return err
}
