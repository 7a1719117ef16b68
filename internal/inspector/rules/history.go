package rules

import (
	"context"
	"muster/internal/inspector/desk"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/finding/criteria"
	"muster/internal/inspector/results"
	"muster/internal/store"
	"muster/internal/store/filters"
)

// chronicle is what a page token of ListFilterHistory is bound to.
type chronicle struct {
	ARN     *string
	Changes []muster.FilterChange
}

// historyAtOnce is the size of a page of history.
const historyAtOnce = 100

// ListFilterHistory tells who created, changed and deleted the caller's filters,
// when and why, and how many findings that hid and brought back; the newest
// first.
func (s *Service) ListFilterHistory(ctx context.Context, call *awsmodel.Call, in *muster.ListFilterHistoryInput) (*muster.ListFilterHistoryOutput, error) {
	const op = "ListFilterHistory"
	q := filters.HistoryQuery{Account: call.Account(), Region: call.Region, Limit: desk.Size(in.MaxResults, historyAtOnce, historyAtOnce)}
	for _, c := range in.Changes {
		q.Changes = append(q.Changes, filters.Change(c))
	}
	out := &muster.ListFilterHistoryOutput{Entries: []muster.FilterHistoryEntry{}}
	if in.FilterArn != nil {
		account, region, id, ok := filters.ParseARN(arn.ARN(*in.FilterArn))
		if !ok || account != q.Account || region != q.Region {
			return out, nil
		}
		q.Filter = id
	}
	bound := chronicle{in.FilterArn, in.Changes}
	before, err := desk.Place[string](s.config.Pages, call, op, bound, in.NextToken)
	if err != nil {
		return nil, own(err)
	}
	if before != nil {
		q.Before = *before
	}
	list, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]filters.Entry, error) { return filters.History(ctx, tx, q) })
	if err != nil {
		return nil, err
	}
	for i := range list {
		out.Entries = append(out.Entries, wireEntry(&list[i]))
	}
	if len(list) == q.Limit {
		out.NextToken, err = desk.Token(s.config.Pages, call, op, bound, list[len(list)-1].ID)
	}
	return out, err
}

func wireEntry(e *filters.Entry) muster.FilterHistoryEntry {
	f := &e.Filter
	return muster.FilterHistoryEntry{
		EntryId: f.ID + "/" + e.ID, At: e.At, Change: muster.FilterChange(e.Change), FilterArn: string(f.ARN()), Name: f.Name,
		PrincipalArn: optional(string(e.Principal)), SourceIpAddress: optional(e.SourceIP), RequestId: optional(e.Request),
		Action: muster.FilterAction(f.Action), PreviousAction: muster.FilterAction(e.Previous), FilterCriteria: wireOwn(&f.Criteria),
		Description: optional(f.Description), Reason: optional(f.Reason), ExpiresAt: when(f.ExpiresAt),
		HiddenCount: e.Effect.Hidden, ReturnedCount: e.Effect.Returned,
	}
}

// wireOwn is criteria in muster's own model.
func wireOwn(c *criteria.Criteria) *muster.FilterCriteria {
	return twin[muster.FilterCriteria](results.WireCriteria(c))
}

// ownCriteria reads criteria in muster's own model.
func ownCriteria(in *muster.FilterCriteria) (criteria.Criteria, error) {
	return ruleCriteria(twin[inspector2.FilterCriteria](in), inspector2.FilterActionSuppress)
}
