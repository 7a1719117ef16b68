package catalog_test

import (
	"fmt"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/storetest"
)

// TestManyResourcesAtOnce: more resources than one statement names are looked
// up in the order asked for, without those that are not there or are another
// account's, and noted as scanned together.
func TestManyResourcesAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, now := t.Context(), time.UnixMicro(1_700_000_000_000_000).UTC()
		of := func(n int) arn.AccountID { return arn.AccountID(fmt.Sprintf("%012d", 100+n%7)) }
		at := func(n int) catalog.Place {
			return catalog.Place{Account: of(n), Region: "us-east-1", Type: finding.Instance, ID: fmt.Sprint("i-", n)}
		}
		var places []catalog.Place
		err := s.Update(ctx, func(tx *store.Tx) error {
			places = nil
			for n := range 600 {
				if _, err := catalog.PutResource(ctx, tx, of(n), "us-east-1", finding.Resource{Type: finding.Instance, ID: at(n).ID}, now); err != nil {
					return err
				}
			}
			other := at(3)
			other.Account = of(4)
			places = append(places, at(1000), other)
			for n := 599; n >= 0; n-- {
				places = append(places, at(n))
			}
			list, err := catalog.ResourcesAt(ctx, tx, places)
			if err != nil {
				return err
			}
			if len(list) != 600 {
				return fmt.Errorf("%d resources found", len(list))
			}
			var numbers []int64
			for i := range list {
				if list[i].Place() != places[i+2] {
					return fmt.Errorf("%v found in place of %v", list[i].Place(), places[i+2])
				}
				numbers = append(numbers, list[i].Number)
			}
			return catalog.MarkScanned(ctx, tx, numbers[:599], now)
		})
		if err != nil {
			t.Fatal(err)
		}
		err = s.View(ctx, func(tx *store.Tx) error {
			list, err := catalog.ResourcesAt(ctx, tx, places)
			for i := range list {
				if scanned := !list[i].ScannedAt.IsZero(); scanned != (i < 599) || scanned && !list[i].ScannedAt.Equal(now) {
					t.Errorf("%s was scanned at %s", list[i].ID, list[i].ScannedAt)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
