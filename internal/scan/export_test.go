package scan

import (
	"context"

	"muster/internal/store"
	"muster/internal/store/catalog"
)

// ScanArriving scans resources that come between its look for what nobody has
// matched and its transaction.
func (s *Service) ScanArriving(ctx context.Context, places []catalog.Place) error {
	looks := 0
	return s.scanSelected(ctx, func(ctx context.Context, tx *store.Tx) ([]catalog.Resource, error) {
		if looks++; looks == 1 {
			return nil, nil
		}
		return catalog.ResourcesAt(ctx, tx, places)
	})
}
