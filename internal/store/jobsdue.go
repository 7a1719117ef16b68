package store

import (
	"context"
	"fmt"
	"strings"
)

// Busy reports whether any job of the kinds is due or under way. Jobs that are
// parked, wait for later or pause after a failure do not count.
func (s *Store) Busy(ctx context.Context, kinds []string) (bool, error) {
	if len(kinds) == 0 {
		return false, nil
	}
	var w Where
	now := w.Arg(Micros(s.now()))
	list := make([]string, len(kinds))
	for i, kind := range kinds {
		list[i] = w.Arg(kind)
	}
	var busy bool
	err := One(s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM jobs
		WHERE kind IN (`+strings.Join(list, ", ")+`) AND NOT parked AND (lease <> '' OR run_at <= `+now+`))`, w.Args()...), &busy)
	if err != nil {
		return false, fmt.Errorf("look for work: %w", err)
	}
	return busy, nil
}
