package findings_test

import (
	"context"
	"reflect"
	"testing"

	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
)

// TestOfManyResources: read together, resources have the findings that each has
// when read alone, and one without findings has none.
func TestOfManyResources(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := fleet{t, s}
		f.host("i-1", "ami-1", finding.Active, 1, 2, 3)
		f.host("i-2", "ami-1", finding.Suppressed, 2)
		f.host("i-3", "ami-1", finding.Active)
		f.update(func(ctx context.Context, tx *store.Tx) error {
			var places []catalog.Place
			for _, id := range []string{"i-1", "i-2", "i-3"} {
				places = append(places, catalog.Place{Account: benchAccount(1), Region: benchRegion, Type: finding.Instance, ID: id})
			}
			list, err := catalog.ResourcesAt(ctx, tx, places)
			if err != nil {
				return err
			}
			numbers := map[int64]finding.Resource{}
			for i := range list {
				numbers[list[i].Number] = list[i].Resource
			}
			together, err := findings.OfResources(ctx, tx, numbers)
			if err != nil {
				return err
			}
			for i, want := range []int{3, 1, 0} {
				alone, err := findings.OfResource(ctx, tx, list[i].Number)
				if err != nil {
					return err
				}
				if got := together[list[i].Number]; len(got) != want || !reflect.DeepEqual(byARN(got), byARN(alone)) {
					t.Errorf("%s: together %v, alone %v", list[i].ID, got, alone)
				}
			}
			return nil
		})
	})
}

func byARN(list []findings.Stored) map[string]findings.Stored {
	found := map[string]findings.Stored{}
	for _, f := range list {
		found[string(f.ARN)] = f
	}
	return found
}
