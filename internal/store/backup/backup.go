// Package backup writes a store to a file and reads it into an empty one, of
// either engine: what SQLite held can go on in PostgreSQL. A backup is one
// snapshot, taken beside running servers. Secrets in it stay sealed; the key
// is kept elsewhere.
//
// A file is gzip over lines of JSON: a header, then per table a line with its
// columns and a line per row, then a last line with the number of all rows,
// by which a file that was cut off is known.
package backup

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"muster/internal/store"
)

// line is every line but those of rows.
type line struct {
	Format  int      `json:"muster-backup,omitempty"`
	Schema  int64    `json:"schema,omitempty"`
	Table   string   `json:"table,omitempty"`
	Columns []string `json:"columns,omitempty"`
	End     bool     `json:"end,omitempty"`
	Rows    int64    `json:"rows,omitempty"`
}

const format = 1

// ErrDamaged says that a file is no backup or not all of one.
var ErrDamaged = errors.New("not a complete backup")

// ErrNotEmpty says that a store that is to be restored into holds something.
var ErrNotEmpty = errors.New("the store is not empty")

// Write writes a snapshot of the store and returns its number of rows.
func Write(ctx context.Context, s *store.Store, to io.Writer) (rows int64, err error) {
	z := gzip.NewWriter(to)
	out := json.NewEncoder(z)
	out.SetEscapeHTML(false)
	err = s.View(ctx, func(tx *store.Tx) error {
		schema, err := version(ctx, tx)
		if err != nil {
			return err
		}
		if err := out.Encode(line{Format: format, Schema: schema}); err != nil {
			return err
		}
		tables, err := tables(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range tables {
			n, err := writeTable(ctx, tx, out, t)
			if err != nil {
				return fmt.Errorf("back up %s: %w", t, err)
			}
			rows += n
		}
		return out.Encode(line{End: true, Rows: rows})
	})
	if err != nil {
		return 0, err
	}
	return rows, z.Close()
}

func writeTable(ctx context.Context, tx *store.Tx, out *json.Encoder, table string) (n int64, err error) {
	columns, kinds, err := describe(ctx, tx, table)
	if err != nil {
		return 0, err
	}
	rows, err := tx.Query(ctx, `SELECT `+strings.Join(columns, ", ")+` FROM `+table)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	if err := out.Encode(line{Table: table, Columns: columns}); err != nil {
		return 0, err
	}
	for rows.Next() {
		row := make([]any, len(kinds))
		for i, k := range kinds {
			row[i] = k.place()
		}
		if err := rows.Scan(row...); err != nil {
			return 0, err
		}
		if err := out.Encode(row); err != nil {
			return 0, err
		}
		n++
	}
	return n, rows.Err()
}

// kind is what a column holds.
type kind int

const (
	texts kind = iota
	integers
	floats
	bools
	blobs
)

// place is where a value of the kind, or NULL, is read to.
func (k kind) place() any {
	switch k {
	case integers:
		return new(*int64)
	case floats:
		return new(*float64)
	case bools:
		return new(*bool)
	case blobs:
		return new([]byte)
	}
	return new(*string)
}

// value is what was read to a place, as store.InsertRows takes it.
func value(place any) any {
	switch p := place.(type) {
	case **int64:
		return held(*p)
	case **float64:
		return held(*p)
	case **bool:
		return held(*p)
	case **string:
		return held(*p)
	case *[]byte:
		if *p != nil {
			return *p
		}
	}
	return nil
}

func held[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// describe tells the columns of a table and what they hold.
func describe(ctx context.Context, tx *store.Tx, table string) (columns []string, kinds []kind, err error) {
	query := `SELECT name, type FROM pragma_table_info($1) ORDER BY cid`
	if tx.Engine() == store.PostgreSQL {
		query = `SELECT column_name::text, data_type::text FROM information_schema.columns
			WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`
	}
	rows, err := tx.Query(ctx, query, table)
	_, err = store.ReadAll(rows, err, func(s store.Scanner) (struct{}, error) {
		var name, is string
		if err := s.Scan(&name, &is); err != nil {
			return struct{}{}, err
		}
		k, known := map[string]kind{"text": texts, "bigint": integers, "double precision": floats, "boolean": bools, "bytea": blobs}[strings.ToLower(is)]
		if !known {
			return struct{}{}, fmt.Errorf("column %s is of an unknown type %s", name, is)
		}
		columns, kinds = append(columns, name), append(kinds, k)
		return struct{}{}, nil
	})
	return columns, kinds, err
}

// tables lists all tables but that of the schema's version.
func tables(ctx context.Context, tx *store.Tx) ([]string, error) {
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'schema_version' ORDER BY name`
	if tx.Engine() == store.PostgreSQL {
		query = `SELECT table_name::text FROM information_schema.tables
			WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> 'schema_version' ORDER BY 1`
	}
	rows, err := tx.Query(ctx, query)
	return store.All(rows, err, store.Text)
}

func version(ctx context.Context, tx *store.Tx) (n int64, err error) {
	err = store.One(tx.QueryRow(ctx, `SELECT MAX(version_id) FROM schema_version`), &n)
	return n, err
}

// Read restores a backup into an empty store, in one transaction: all of it or
// nothing. It returns the number of rows.
func Read(ctx context.Context, s *store.Store, from io.ReadSeeker) (rows int64, err error) {
	err = s.Update(ctx, func(tx *store.Tx) error {
		if _, err := from.Seek(0, io.SeekStart); err != nil {
			return err
		}
		r := reader{tx: tx}
		err := r.all(ctx, from)
		rows = r.rows
		return err
	})
	return rows, err
}

// reader restores in a transaction.
type reader struct {
	tx   *store.Tx
	rows int64
	// table is the one that rows are read for, with what its columns hold.
	table   string
	columns []string
	kinds   []kind
	waiting [][]any
	empty   []string
}

// longestLine bounds a row; an inventory is the largest there is.
const longestLine = 256 << 20

func (r *reader) all(ctx context.Context, from io.Reader) error {
	z, err := gzip.NewReader(from)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, longestLine)
	for n := 0; lines.Scan(); n++ {
		done, err := r.take(ctx, lines.Bytes(), n == 0)
		if err != nil {
			return err
		}
		// Beyond the last line comes the check sum of all.
		if done && !lines.Scan() && lines.Err() == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: it ends early: %w", ErrDamaged, errors.Join(lines.Err(), io.ErrUnexpectedEOF))
}

// take takes one line.
func (r *reader) take(ctx context.Context, text []byte, first bool) (done bool, err error) {
	if !first && len(text) > 0 && text[0] == '[' {
		return false, r.row(ctx, text)
	}
	var l line
	if err := json.Unmarshal(text, &l); err != nil || first != (l.Format > 0) {
		return false, ErrDamaged
	}
	switch {
	case first:
		return false, r.header(ctx, l)
	case l.End:
		if err := r.flush(ctx); err != nil {
			return false, err
		}
		if l.Rows != r.rows {
			return false, fmt.Errorf("%w: %d rows of %d", ErrDamaged, r.rows, l.Rows)
		}
		return true, nil
	}
	return false, r.begin(ctx, l)
}

func (r *reader) header(ctx context.Context, l line) error {
	here, err := version(ctx, r.tx)
	if err != nil {
		return err
	}
	if l.Format != format || l.Schema != here {
		return fmt.Errorf("the backup is of format %d and schema %d, this program reads format %d and schema %d: "+
			"restore it with the program that wrote it, then upgrade", l.Format, l.Schema, format, here)
	}
	if r.empty, err = tables(ctx, r.tx); err != nil {
		return err
	}
	for _, t := range r.empty {
		if slices.Contains(seeded(), t) {
			continue
		}
		var one int
		err := store.One(r.tx.QueryRow(ctx, `SELECT 1 FROM `+t+` LIMIT 1`), &one)
		if err == nil {
			return fmt.Errorf("%w: %s has rows", ErrNotEmpty, t)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	for _, t := range seeded() {
		if _, err := r.tx.Exec(ctx, `DELETE FROM `+t); err != nil {
			return err
		}
	}
	return nil
}

// seeded are the tables in which migrations and the first look at a store leave
// rows: the check of its key, for example, which the backup's replaces.
func seeded() []string { return []string{"feed_current", "jobs", "settings"} }

// begin goes on to another table.
func (r *reader) begin(ctx context.Context, l line) error {
	if err := r.flush(ctx); err != nil {
		return err
	}
	if !slices.Contains(r.empty, l.Table) {
		return fmt.Errorf("%w: there is no table %.100q", ErrDamaged, l.Table)
	}
	columns, kinds, err := describe(ctx, r.tx, l.Table)
	if err != nil {
		return err
	}
	r.table, r.columns, r.kinds = l.Table, l.Columns, nil
	for _, c := range l.Columns {
		i := slices.Index(columns, c)
		if i < 0 {
			return fmt.Errorf("%w: %s has no column %.100q", ErrDamaged, l.Table, c)
		}
		r.kinds = append(r.kinds, kinds[i])
	}
	return nil
}

// atOnce is how many rows are inserted in one go.
const atOnce = 5000

func (r *reader) row(ctx context.Context, text []byte) error {
	places := make([]any, len(r.kinds))
	for i, k := range r.kinds {
		places[i] = k.place()
	}
	if err := json.Unmarshal(text, &places); err != nil || len(places) != len(r.kinds) {
		return fmt.Errorf("%w: a row of %s: %w", ErrDamaged, r.table, err)
	}
	row := make([]any, len(places))
	for i, p := range places {
		row[i] = value(p)
	}
	r.rows++
	if r.waiting = append(r.waiting, row); len(r.waiting) < atOnce {
		return nil
	}
	return r.flush(ctx)
}

func (r *reader) flush(ctx context.Context) error {
	_, err := r.tx.InsertRows(ctx, r.table, r.columns, r.waiting, "")
	r.waiting = r.waiting[:0]
	return err
}
