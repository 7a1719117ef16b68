// Package exports keeps findings reports and SBOM exports: what was asked for,
// how far it is, and which objects it consists of.
package exports

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// Kind is what is exported.
type Kind string

// The kinds.
const (
	Findings Kind = "FINDINGS"
	SBOMs    Kind = "SBOM"
)

// Status is how far an export is, in Inspector's words.
type Status string

// The states.
const (
	InProgress Status = "IN_PROGRESS"
	Succeeded  Status = "SUCCEEDED"
	Failed     Status = "FAILED"
	Cancelled  Status = "CANCELLED"
)

// Export is one report or export.
type Export struct {
	Account arn.AccountID
	Region  arn.Region
	ID      string
	Kind    Kind
	Format  string
	// Bucket, Prefix and KMSKey are where it goes.
	Bucket, Prefix, KMSKey string
	// Criteria are JSON in the desk's own form.
	Criteria string
	Status   Status
	// ErrorCode and Error say why it failed.
	ErrorCode, Error      string
	CreatedAt, FinishedAt time.Time
}

const columns = `account, region, id, kind, format, bucket, prefix, kms_key, criteria, status, error_code, error, created_at, finished_at`

func scan(s store.Scanner) (Export, error) {
	var e Export
	var created, finished int64
	err := s.Scan(&e.Account, &e.Region, &e.ID, &e.Kind, &e.Format, &e.Bucket, &e.Prefix, &e.KMSKey, &e.Criteria, &e.Status, &e.ErrorCode, &e.Error, &created, &finished)
	e.CreatedAt, e.FinishedAt = store.Time(created), store.Time(finished)
	return e, err
}

// Insert stores a new export.
func Insert(ctx context.Context, tx *store.Tx, e *Export) error {
	_, err := tx.Exec(ctx, `INSERT INTO exports (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		e.Account, e.Region, e.ID, e.Kind, e.Format, e.Bucket, e.Prefix, e.KMSKey, e.Criteria, e.Status, e.ErrorCode, e.Error,
		store.Micros(e.CreatedAt), store.Micros(e.FinishedAt))
	return err
}

// Lookup returns an export, or store.ErrNotFound.
func Lookup(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id string) (Export, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+columns+` FROM exports WHERE account = $1 AND region = $2 AND id = $3`, account, region, id), scan)
}

// Running returns the account's export of the kind that is in progress, or
// store.ErrNotFound.
func Running(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, kind Kind) (Export, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+columns+` FROM exports
		WHERE account = $1 AND region = $2 AND kind = $3 AND status = 'IN_PROGRESS' LIMIT 1`, account, region, kind), scan)
}

// Place is where an export stands in the list of an account's.
type Place struct {
	CreatedAt time.Time
	ID        string
}

// Of lists the exports of an account in a Region, the newest first, up to limit
// after the place given; the zero place is before all of them.
func Of(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, after Place, limit int) ([]Export, error) {
	const query = `SELECT ` + columns + ` FROM exports WHERE account = $1 AND region = $2
		AND ($3 = '' OR (created_at, id) < ($4, $3)) ORDER BY created_at DESC, id DESC LIMIT $5`
	rows, err := tx.Query(ctx, query, account, region, after.ID, store.Micros(after.CreatedAt), limit)
	return store.ReadAll(rows, err, scan)
}

// Finish ends an export that is in progress; ok is false when it is not.
func Finish(ctx context.Context, tx *store.Tx, e *Export) (ok bool, err error) {
	n, err := tx.Exec(ctx, `UPDATE exports SET status = $4, error_code = $5, error = $6, finished_at = $7
		WHERE account = $1 AND region = $2 AND id = $3 AND status = 'IN_PROGRESS'`,
		e.Account, e.Region, e.ID, e.Status, e.ErrorCode, e.Error, store.Micros(e.FinishedAt))
	return n > 0, err
}

// Before lists up to limit exports that ended before a time.
func Before(ctx context.Context, tx *store.Tx, before time.Time, limit int) ([]Export, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM exports WHERE finished_at > 0 AND finished_at < $1 ORDER BY finished_at LIMIT $2`, store.Micros(before), limit)
	return store.ReadAll(rows, err, scan)
}

// Delete forgets an export and its objects.
func Delete(ctx context.Context, tx *store.Tx, e *Export) error {
	if err := DropObjects(ctx, tx, e); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM exports WHERE account = $1 AND region = $2 AND id = $3`, e.Account, e.Region, e.ID)
	return err
}

// Object is a part of an export.
type Object struct {
	Key  string
	Size int64
	// File is its name in the server's own folder, "" where only the bucket
	// has it.
	File string
}

// AddObjects notes objects of an export; those noted before stay.
func AddObjects(ctx context.Context, tx *store.Tx, e *Export, list []Object) error {
	rows := make([][]any, len(list))
	for i, o := range list {
		rows[i] = []any{string(e.Account), string(e.Region), e.ID, o.Key, o.Size, o.File}
	}
	_, err := tx.InsertRows(ctx, "export_objects", []string{"account", "region", "export", "key", "size", "file"}, rows,
		`ON CONFLICT (account, region, export, key) DO UPDATE SET size = excluded.size, file = excluded.file`)
	return err
}

// DropObjects forgets the objects of an export.
func DropObjects(ctx context.Context, tx *store.Tx, e *Export) error {
	_, err := tx.Exec(ctx, `DELETE FROM export_objects WHERE account = $1 AND region = $2 AND export = $3`, e.Account, e.Region, e.ID)
	return err
}

// Objects lists the objects of an export by key, up to limit after the one
// given.
func Objects(ctx context.Context, tx *store.Tx, e *Export, after string, limit int) ([]Object, error) {
	rows, err := tx.Query(ctx, `SELECT key, size, file FROM export_objects WHERE account = $1 AND region = $2 AND export = $3 AND key > $4 ORDER BY key LIMIT $5`,
		e.Account, e.Region, e.ID, after, limit)
	return store.ReadAll(rows, err, scanObject)
}

// ObjectAt returns an object of an export, or store.ErrNotFound.
func ObjectAt(ctx context.Context, tx *store.Tx, e *Export, key string) (Object, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT key, size, file FROM export_objects WHERE account = $1 AND region = $2 AND export = $3 AND key = $4`,
		e.Account, e.Region, e.ID, key), scanObject)
}

func scanObject(s store.Scanner) (o Object, err error) {
	err = s.Scan(&o.Key, &o.Size, &o.File)
	return o, err
}
