// Package feeds remembers which generation of advisory files is in service and
// how each of their sources is doing. The files themselves lie in a folder.
package feeds

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"muster/internal/store"
)

// Generation is one state of all advisory files. Numbers rise from 1.
type Generation struct {
	Number    int64
	CreatedAt time.Time
	// Origin is where its new files came from.
	Origin string
	// RestoredFrom is the generation whose files were taken back, else 0.
	RestoredFrom int64
}

// Current returns the number of the generation in service, 0 before the first.
func Current(ctx context.Context, tx *store.Tx) (int64, error) {
	var n int64
	if err := store.One(tx.QueryRow(ctx, `SELECT generation FROM feed_current WHERE id = 1`), &n); err != nil {
		return 0, fmt.Errorf("current feed generation: %w", err)
	}
	return n, nil
}

// Advance puts g into service, provided that before still is; otherwise it
// returns store.ErrConflict.
func Advance(ctx context.Context, tx *store.Tx, before int64, g Generation) error {
	n, err := tx.Exec(ctx, `UPDATE feed_current SET generation = $1 WHERE id = 1 AND generation = $2`, g.Number, before)
	if err != nil {
		return fmt.Errorf("advance feed generation: %w", err)
	}
	if n != 1 {
		return fmt.Errorf("feed generation is no longer %d: %w", before, store.ErrConflict)
	}
	_, err = tx.Exec(ctx, `INSERT INTO feed_generations (generation, created_at, origin, restored_from) VALUES ($1, $2, $3, $4)`,
		g.Number, store.Micros(g.CreatedAt), g.Origin, g.RestoredFrom)
	if err != nil {
		return fmt.Errorf("feed generation %d: %w", g.Number, err)
	}
	return nil
}

// Generations returns the newest generations first, at most limit.
func Generations(ctx context.Context, tx *store.Tx, limit int) ([]Generation, error) {
	rows, err := tx.Query(ctx, `SELECT generation, created_at, origin, restored_from FROM feed_generations
		ORDER BY generation DESC LIMIT $1`, limit)
	return store.All(rows, err, func(rows *sql.Rows) (g Generation, err error) {
		var at int64
		err = rows.Scan(&g.Number, &at, &g.Origin, &g.RestoredFrom)
		g.CreatedAt = store.Time(at)
		return g, err
	})
}
