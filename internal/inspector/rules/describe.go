package rules

import (
	"context"
	"muster/internal/inspector/desk"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/filters"
)

// described is what a page token of DescribeFilters is bound to.
type described struct {
	ARNs   []string
	Action muster.FilterAction
}

// DescribeFilters tells what AWS's form of the caller's filters does not: when
// they end, who made them, how many findings they hid.
func (s *Service) DescribeFilters(ctx context.Context, call *awsmodel.Call, in *muster.DescribeFiltersInput) (*muster.DescribeFiltersOutput, error) {
	const op = "DescribeFilters"
	bound := described{in.FilterArns, in.Action}
	after, err := desk.Place[string](s.config.Pages, call, op, bound, in.NextToken)
	if err != nil {
		return nil, own(err)
	}
	from, limit := "", desk.Size(in.MaxResults, filtersAtOnce, filtersAtOnce)
	if after != nil {
		from = *after
	}
	return desk.View(ctx, s.store, call, func(tx *store.Tx, _ inspector.Scope) (*muster.DescribeFiltersOutput, error) {
		out := &muster.DescribeFiltersOutput{Filters: []muster.FilterState{}}
		list, err := filters.Page(ctx, tx, call.Account(), call.Region, filters.Action(in.Action), from, limit)
		if err != nil {
			return nil, err
		}
		for i := range list {
			if !named(in.FilterArns, &list[i]) {
				continue
			}
			shown, err := stateOf(ctx, tx, &list[i])
			if err != nil {
				return nil, err
			}
			out.Filters = append(out.Filters, shown)
		}
		if len(list) == limit {
			out.NextToken, err = desk.Token(s.config.Pages, call, op, bound, list[limit-1].ID)
		}
		return out, err
	})
}

// stateOf is a filter as muster's own operations show it.
func stateOf(ctx context.Context, tx *store.Tx, f *filters.Filter) (muster.FilterState, error) {
	did, err := filters.EffectOf(ctx, tx, f.ARN())
	return muster.FilterState{
		FilterArn: string(f.ARN()), Name: f.Name, Action: muster.FilterAction(f.Action), Description: optional(f.Description), Reason: optional(f.Reason),
		CreatedAt: f.CreatedAt, CreatedBy: optional(string(f.CreatedBy)), UpdatedAt: f.UpdatedAt, UpdatedBy: optional(string(f.UpdatedBy)),
		ExpiresAt: when(f.ExpiresAt), ExpiredAt: when(f.ExpiredAt), HiddenCount: did.Hidden, ReturnedCount: did.Returned,
	}, err
}
