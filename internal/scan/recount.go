package scan

import (
	"context"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
)

// recount is the handler of JobRecount.
func (s *Service) recount(ctx context.Context, job store.Job) error {
	at := findings.Place{Account: arn.AccountID(job.Account), Region: arn.Region(job.Region)}
	return s.store.Update(ctx, func(tx *store.Tx) error { return findings.Recount(ctx, tx, at) })
}

// postAtOnce is how many inventories' postings one transaction writes: so many
// that they share most pages, and few enough for others not to wait long.
const postAtOnce = 64

// post is the handler of catalog.JobPost.
func (s *Service) post(ctx context.Context, _ store.Job) error {
	for n := postAtOnce; n == postAtOnce; {
		err := s.store.UpdateInLane(ctx, store.Catalog, func(tx *store.Tx) (err error) {
			n, err = catalog.PostInventories(ctx, tx, postAtOnce)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
