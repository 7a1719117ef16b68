package findings

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"muster/internal/finding"
	"muster/internal/store"
)

// After returns up to limit findings of a place by id, after the one given.
func After(ctx context.Context, tx *store.Tx, at Place, after string, limit int) ([]Stored, error) {
	rows, err := tx.Query(ctx, `SELECT `+headColumns+` FROM findings f WHERE f.account = $1 AND f.region = $2 AND f.id > $3 ORDER BY f.id LIMIT $4`,
		at.Account, at.Region, after, limit)
	heads, err := store.ReadAll(rows, err, func(s store.Scanner) (head, error) { return scanHead(s) })
	if err != nil {
		return nil, fmt.Errorf("findings of %s: %w", at.Account, err)
	}
	return complete(ctx, tx, heads)
}

// Row is the row that a finding should have.
func Row(f *Stored) []any { return findingRow(f.Number, f.content, &f.Finding) }

// StoredRows reads rows of findings of a place by id, after one and up to
// another.
func StoredRows(ctx context.Context, tx *store.Tx, at Place, after, last string) (map[string][]any, error) {
	found := map[string][]any{}
	rows, err := tx.Query(ctx, `SELECT `+strings.Join(findingColumns(), ", ")+` FROM findings WHERE account = $1 AND region = $2 AND id > $3 AND id <= $4`,
		at.Account, at.Region, after, last)
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (struct{}, error) {
		row, err := scanRow(s, len(findingColumns()))
		if err == nil {
			found[fmt.Sprint(row[2])] = row
		}
		return struct{}{}, err
	})
	return found, err
}

// scanRow reads a row of any values.
func scanRow(s store.Scanner, n int) ([]any, error) {
	row, places := make([]any, n), make([]any, n)
	for i := range row {
		places[i] = &row[i]
	}
	return row, s.Scan(places...)
}

// StoredContent is a content as it is stored.
type StoredContent struct {
	ID int64
	finding.Content
	// Sound says that it is what its digest was made of.
	Sound bool
}

// ContentsAfter returns up to limit contents by id, after the one given.
func ContentsAfter(ctx context.Context, tx *store.Tx, after int64, limit int) ([]StoredContent, error) {
	rows, err := tx.Query(ctx, `SELECT id, digest, body FROM contents WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	return store.ReadAll(rows, err, func(s store.Scanner) (c StoredContent, err error) {
		var digest []byte
		var body string
		if err := s.Scan(&c.ID, &digest, &body); err != nil {
			return c, err
		}
		broken := json.Unmarshal([]byte(body), &c.Content)
		c.Sound = broken == nil && [sha256.Size]byte(append(digest, make([]byte, sha256.Size)...)) == sha256.Sum256([]byte(body))
		return c, nil
	})
}

// StoredContentRows are the rows by which filters find a content, as they are
// stored.
func StoredContentRows(ctx context.Context, tx *store.Tx, id int64) (values, packages [][]any, err error) {
	read := func(table string, columns []string) ([][]any, error) {
		rows, err := tx.Query(ctx, `SELECT `+strings.Join(columns, ", ")+` FROM `+table+` WHERE content = $1`, id)
		return store.ReadAll(rows, err, func(s store.Scanner) ([]any, error) { return scanRow(s, len(columns)) })
	}
	if values, err = read("content_values", valueColumns()); err == nil {
		packages, err = read("content_packages", packageColumns())
	}
	return values, packages, err
}

// PutContentRows replaces the rows by which filters find a content.
func PutContentRows(ctx context.Context, tx *store.Tx, id int64, values, packages [][]any) error {
	for _, table := range []string{"content_values", "content_packages"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE content = $1`, id); err != nil {
			return fmt.Errorf("rows of content %d: %w", id, err)
		}
	}
	return insertContentRows(ctx, tx, values, packages)
}
