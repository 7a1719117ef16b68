package feeds

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"muster/internal/store"
)

// Status is how the last look at a source went.
type Status string

// The statuses. Whatever the status, the last good import stays in service.
const (
	// StatusCurrent: the source's content is what is in service.
	StatusCurrent Status = "current"
	// StatusRejected: it offered something that was refused; see Reason.
	StatusRejected Status = "rejected"
	// StatusUnreachable: it could not be asked or read; see Reason.
	StatusUnreachable Status = "unreachable"
	// StatusAbsent: the place asked last does not offer it.
	StatusAbsent Status = "absent"
)

// Source is what is known of one file of a mirror.
type Source struct {
	// Name is "osv/<Ecosystem>" or the file's name ("kev.json").
	Name string
	// The import in service; all zero before the first.
	Hash        string
	Records     int
	Generation  int64
	PublishedAt time.Time
	ImportedAt  time.Time
	// The last look.
	Status    Status
	Reason    string
	CheckedAt time.Time
	// FailingSince is when the status became other than current, else zero.
	FailingSince time.Time
	// URL, ETag and LastModified describe the import to the server it came from.
	URL, ETag, LastModified string
}

const sourceColumns = `name, hash, records, generation, published_at, imported_at, status, reason, checked_at,
	failing_since, url, etag, last_modified`

func scanSource(rows *sql.Rows) (s Source, err error) {
	var published, imported, checked, failing int64
	err = rows.Scan(&s.Name, &s.Hash, &s.Records, &s.Generation, &published, &imported, &s.Status, &s.Reason, &checked,
		&failing, &s.URL, &s.ETag, &s.LastModified)
	s.PublishedAt, s.ImportedAt = store.Time(published), store.Time(imported)
	s.CheckedAt, s.FailingSince = store.Time(checked), store.Time(failing)
	return s, err
}

// Sources returns every source, by name.
func Sources(ctx context.Context, tx *store.Tx) ([]Source, error) {
	rows, err := tx.Query(ctx, `SELECT `+sourceColumns+` FROM feed_sources ORDER BY name`)
	return store.All(rows, err, scanSource)
}

// PutSource stores a source, replacing what was known of it.
func PutSource(ctx context.Context, tx *store.Tx, s Source) error {
	_, err := tx.Exec(ctx, `INSERT INTO feed_sources (`+sourceColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (name) DO UPDATE SET
			hash = excluded.hash, records = excluded.records, generation = excluded.generation,
			published_at = excluded.published_at, imported_at = excluded.imported_at,
			status = excluded.status, reason = excluded.reason, checked_at = excluded.checked_at,
			failing_since = excluded.failing_since, url = excluded.url, etag = excluded.etag,
			last_modified = excluded.last_modified`,
		s.Name, s.Hash, s.Records, s.Generation, store.Micros(s.PublishedAt), store.Micros(s.ImportedAt),
		string(s.Status), s.Reason, store.Micros(s.CheckedAt), store.Micros(s.FailingSince), s.URL, s.ETag, s.LastModified)
	if err != nil {
		return fmt.Errorf("feed source %s: %w", s.Name, err)
	}
	return nil
}
