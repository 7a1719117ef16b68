package settings_test

import (
	"errors"
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/settings"
	"muster/internal/store/storetest"
)

func TestSettings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, now := t.Context(), time.Unix(1, 0)
		err := s.Update(ctx, func(tx *store.Tx) error {
			if _, err := settings.Get(ctx, tx, "color"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("missing: %v", err)
			}
			if v, err := settings.PutFirst(ctx, tx, "color", "red", now); v != "red" || err != nil {
				t.Errorf("first: %q, %v", v, err)
			}
			if v, err := settings.PutFirst(ctx, tx, "color", "blue", now); v != "red" || err != nil {
				t.Errorf("second: %q, %v, want the first", v, err)
			}
			if err := settings.Put(ctx, tx, "color", "green", now); err != nil {
				return err
			}
			if v, err := settings.Get(ctx, tx, "color"); v != "green" || err != nil {
				t.Errorf("replaced: %q, %v", v, err)
			}
			if err := settings.Delete(ctx, tx, "color"); err != nil {
				return err
			}
			if _, err := settings.Get(ctx, tx, "color"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("deleted: %v", err)
			}
			return settings.Delete(ctx, tx, "color")
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
