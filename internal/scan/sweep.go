package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"muster/internal/store"
	"muster/internal/store/catalog"
)

const (
	// swept is how many resources one job scans at most, page how many of them
	// in one transaction.
	swept = 2000
	page  = 250
	// sweepsAtOnce is how many jobs one transaction asks for.
	sweepsAtOnce = 50
)

// sweep is the payload of JobSweep.
type sweep struct {
	// Resources are numbers of resources, those of an account together.
	Resources []int64 `json:"resources"`
}

// sweepDue asks for the scans of all resources whose inventories are due. Jobs
// are cut where an account ends if possible: what changes of findings have in
// common are the counts of their accounts. A crash repeats this; what is asked
// for meanwhile stays due.
func (s *Service) sweepDue(ctx context.Context, generation int64) error {
	var due []catalog.DueInventory
	var list []catalog.DueResource
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		if due, err = catalog.DueInventories(ctx, tx); err == nil {
			list, err = catalog.ResourcesDue(ctx, tx, due)
		}
		return err
	})
	if err != nil || len(due) == 0 {
		return err
	}
	var jobs []store.Job
	for part := range sweeps(list) {
		body, err := json.Marshal(part)
		if err != nil {
			return err
		}
		jobs = append(jobs, store.Job{Kind: JobSweep, Key: fmt.Sprintf("%d/%d", generation, len(jobs)), Payload: body, RunAt: s.now()})
	}
	for part := range slices.Chunk(jobs, sweepsAtOnce) {
		if err := s.store.Update(ctx, func(tx *store.Tx) error { return tx.EnqueueAll(ctx, part) }); err != nil {
			return err
		}
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return catalog.SettleDue(ctx, tx, due) })
}

// sweeps cuts resources that are listed by account.
func sweeps(list []catalog.DueResource) func(yield func(sweep) bool) {
	return func(yield func(sweep) bool) {
		for len(list) > 0 {
			n := min(swept, len(list))
			// The last account's resources go with the rest of them, unless it
			// fills most of the job.
			if n < len(list) && list[n].Account == list[n-1].Account {
				whole := n
				for whole > 0 && list[whole-1].Account == list[n].Account {
					whole--
				}
				if whole > 0 {
					n = whole
				}
			}
			part := sweep{make([]int64, n)}
			for i, r := range list[:n] {
				part.Resources[i] = r.Number
			}
			if list = list[n:]; !yield(part) {
				return
			}
		}
	}
}

// scanSweep is the handler of JobSweep.
func (s *Service) scanSweep(ctx context.Context, job store.Job) error {
	p, err := payload[sweep](job)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(p.Resources, page) {
		if err := s.scanSelected(ctx, numbered(part)); err != nil {
			return err
		}
	}
	return nil
}

// numbered selects resources by their numbers, without those that are gone.
func numbered(numbers []int64) selection {
	return func(ctx context.Context, tx *store.Tx) ([]catalog.Resource, error) {
		found, err := catalog.ResourcesByNumber(ctx, tx, numbers)
		if err != nil {
			return nil, err
		}
		list := make([]catalog.Resource, 0, len(numbers))
		for _, n := range numbers {
			if r, ok := found[n]; ok && r.GoneAt.IsZero() {
				list = append(list, r)
			}
		}
		return list, nil
	}
}
