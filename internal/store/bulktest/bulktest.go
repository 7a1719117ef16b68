// Package bulktest fills large stores for tests and measurements: rows are
// written with the secondary indexes away, which are built again at the end.
package bulktest

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"muster/internal/store"
)

// Loader takes rows for a store. Nobody else may use the store meanwhile.
type Loader struct {
	store *store.Store
	url   string
	// copies goes to PostgreSQL beside the store, nil on SQLite.
	copies  *pgx.Conn
	indexes []index
	tables  map[string]*table
	order   []string
	waiting int
}

type table struct {
	columns []string
	rows    [][]any
}

type index struct{ name, definition string }

// atOnce is how many rows are written in one go.
const atOnce = 40_000

// Load drops the secondary indexes of the tables, lets fill add rows, and
// builds the indexes again. After an error the store is of no use any more.
func Load(ctx context.Context, s *store.Store, url string, tables []string, fill func(*Loader) error) error {
	l := &Loader{store: s, url: url, tables: map[string]*table{}}
	if s.Engine() == store.PostgreSQL {
		var err error
		if l.copies, err = pgx.Connect(ctx, url); err != nil {
			return fmt.Errorf("connect to copy rows: %w", err)
		}
	}
	err := l.dropIndexes(ctx, tables)
	if err == nil {
		err = fill(l)
	}
	if err == nil {
		err = l.Flush(ctx)
	}
	if err == nil {
		err = l.createIndexes(ctx)
	}
	if l.copies != nil {
		err = errors.Join(err, l.copies.Close(ctx))
	}
	return err
}

// Add takes one row; the columns of a table are the same every time.
func (l *Loader) Add(ctx context.Context, name string, columns []string, row []any) error {
	t := l.tables[name]
	if t == nil {
		t = &table{columns: columns}
		l.tables[name] = t
		l.order = append(l.order, name)
	}
	t.rows = append(t.rows, row)
	if l.waiting++; l.waiting < atOnce {
		return nil
	}
	return l.Flush(ctx)
}

// Flush writes what was added.
func (l *Loader) Flush(ctx context.Context) error {
	l.waiting = 0
	put := l.insert
	if l.copies != nil {
		put = l.copy
	}
	err := put(ctx)
	for _, t := range l.tables {
		t.rows = t.rows[:0]
	}
	return err
}

func (l *Loader) insert(ctx context.Context) error {
	return l.store.Update(ctx, func(tx *store.Tx) error {
		for _, name := range l.order {
			if _, err := tx.InsertRows(ctx, name, l.tables[name].columns, l.tables[name].rows, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *Loader) copy(ctx context.Context) error {
	for _, name := range l.order {
		t := l.tables[name]
		if len(t.rows) == 0 {
			continue
		}
		if _, err := l.copies.CopyFrom(ctx, pgx.Identifier{name}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
			return fmt.Errorf("copy into %s: %w", name, err)
		}
	}
	return nil
}

func (l *Loader) dropIndexes(ctx context.Context, tables []string) error {
	return l.store.Update(ctx, func(tx *store.Tx) error {
		l.indexes = nil
		query := `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL`
		if l.copies != nil {
			query = `SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
				WHERE i.indrelid = $1::regclass AND NOT i.indisunique`
		}
		for _, t := range tables {
			rows, err := tx.Query(ctx, query, t)
			list, err := store.ReadAll(rows, err, func(s store.Scanner) (x index, err error) {
				err = s.Scan(&x.name, &x.definition)
				return x, err
			})
			if err != nil {
				return fmt.Errorf("indexes of %s: %w", t, err)
			}
			l.indexes = append(l.indexes, list...)
		}
		for _, x := range l.indexes {
			if _, err := tx.Exec(ctx, `DROP INDEX `+x.name); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *Loader) createIndexes(ctx context.Context) error {
	var statements []string
	for _, x := range l.indexes {
		statements = append(statements, x.definition)
	}
	if err := l.RunAtOnce(ctx, statements); err != nil {
		return fmt.Errorf("build indexes: %w", err)
	}
	if l.copies == nil {
		return nil
	}
	_, err := l.copies.Exec(ctx, `VACUUM ANALYZE`)
	return err
}

// Run runs statements one after another, each in a transaction of its own.
func (l *Loader) Run(ctx context.Context, statements []string) error {
	for _, q := range statements {
		if err := l.run(ctx, l.copies, q); err != nil {
			return err
		}
	}
	return nil
}

// run runs a statement, on PostgreSQL beside the store's transactions, whose
// care for what others do at the same time is of no use here.
func (l *Loader) run(ctx context.Context, conn *pgx.Conn, query string) (err error) {
	if conn != nil {
		_, err = conn.Exec(ctx, query)
	} else {
		err = l.store.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, query)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("%.80s…: %w", query, err)
	}
	return nil
}

// connections is how many statements PostgreSQL runs at a time.
const connections = 4

// RunAtOnce runs statements in no order, several at a time on PostgreSQL.
func (l *Loader) RunAtOnce(ctx context.Context, statements []string) error {
	if l.copies == nil {
		return l.Run(ctx, statements)
	}
	work := make(chan string, len(statements))
	for _, q := range statements {
		work <- q
	}
	close(work)
	group, ctx := errgroup.WithContext(ctx)
	for range connections {
		group.Go(func() error {
			conn, err := pgx.Connect(ctx, l.url)
			if err != nil {
				return fmt.Errorf("connect: %w", err)
			}
			for q := range work {
				if err = l.run(ctx, conn, q); err != nil {
					break
				}
			}
			return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
		})
	}
	return group.Wait()
}

// Rows reads whole rows as they are stored.
func Rows(ctx context.Context, tx *store.Tx, query string, args ...any) (columns []string, list [][]any, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }()
	if columns, err = rows.Columns(); err != nil {
		return nil, nil, err
	}
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, nil, err
		}
		list = append(list, row)
	}
	return columns, list, rows.Err()
}
