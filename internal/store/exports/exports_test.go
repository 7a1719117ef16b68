package exports_test

import (
	"testing"
	"time"

	"muster/internal/store"
	"muster/internal/store/exports"
	"muster/internal/store/storetest"
)

// TestNewestFirst lists exports page by page: the newest first, whatever their
// ids are, those of one moment each once, and nobody else's.
func TestNewestFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		begin := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		all := []exports.Export{
			{Account: "111122223333", Region: "us-east-1", ID: "c", CreatedAt: begin},
			{Account: "111122223333", Region: "us-east-1", ID: "a", CreatedAt: begin.Add(3 * time.Hour)},
			{Account: "111122223333", Region: "us-east-1", ID: "d", CreatedAt: begin.Add(time.Hour)},
			{Account: "111122223333", Region: "us-east-1", ID: "b", CreatedAt: begin.Add(time.Hour)},
			{Account: "111122223333", Region: "eu-west-1", ID: "e", CreatedAt: begin},
			{Account: "444455556666", Region: "us-east-1", ID: "f", CreatedAt: begin},
		}
		var order string
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			order = ""
			for i := range all {
				if err := exports.Insert(t.Context(), tx, &all[i]); err != nil {
					return err
				}
			}
			for after := (exports.Place{}); ; {
				page, err := exports.Of(t.Context(), tx, "111122223333", "us-east-1", after, 1)
				if err != nil || len(page) == 0 {
					return err
				}
				order += page[0].ID
				after = exports.Place{CreatedAt: page[0].CreatedAt, ID: page[0].ID}
			}
		})
		if err != nil || order != "adbc" {
			t.Errorf("in the order %q, %v", order, err)
		}
	})
}
