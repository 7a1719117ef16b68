package scan

import (
	"context"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/findings"
)

// recount is the handler of JobRecount.
func (s *Service) recount(ctx context.Context, job store.Job) error {
	at := findings.Place{Account: arn.AccountID(job.Account), Region: arn.Region(job.Region)}
	return s.store.Update(ctx, func(tx *store.Tx) error { return findings.Recount(ctx, tx, at) })
}
