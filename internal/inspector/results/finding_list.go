package results

import (
	"context"

	"muster/internal/inspector/desk"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/findings"
)

// Sizes of a page of findings (findings interfaces 7.1).
const (
	usualFindings = 25
	mostFindings  = 100
)

// listed is what a page token of ListFindings is bound to.
type listed struct {
	Criteria *inspector2.FilterCriteria
	Sort     *inspector2.SortCriteria
}

// ListFindings lists the findings that the caller sees, of every status.
func (s *Service) ListFindings(ctx context.Context, call *awsmodel.Call, in *inspector2.ListFindingsInput) (*inspector2.ListFindingsOutput, error) {
	const op = "ListFindings"
	wanted, err := criteriaOf(in.FilterCriteria)
	if err != nil {
		return nil, err
	}
	bound := listed{in.FilterCriteria, in.SortCriteria}
	after, err := desk.Place[findings.Cursor](s.config.Pages, call, op, bound, in.NextToken)
	if err != nil {
		return nil, err
	}
	q := findings.Query{
		Region: call.Region, Criteria: wanted, Field: findings.ByLastObservedAt, Descending: true,
		After: after, Limit: desk.Size(in.MaxResults, usualFindings, mostFindings),
	}
	if in.SortCriteria != nil {
		q.Field, q.Descending = findings.Field(in.SortCriteria.Field), in.SortCriteria.SortOrder == inspector2.SortOrderDesc
	}
	return desk.View(ctx, s.store, call, func(tx *store.Tx, scope inspector.Scope) (*inspector2.ListFindingsOutput, error) {
		q.Scope, q.Single = scope, single(scope)
		list, end, err := findings.List(ctx, tx, q)
		if err != nil {
			return nil, err
		}
		out := &inspector2.ListFindingsOutput{Findings: []inspector2.Finding{}}
		for i := range list {
			out.Findings = append(out.Findings, wireFinding(&list[i].Finding))
		}
		if end != nil {
			out.NextToken, err = desk.Token(s.config.Pages, call, op, bound, end)
		}
		return out, err
	})
}

// single is the only account of a scope, or "".
func single(scope inspector.Scope) arn.AccountID {
	if scope.Administrator {
		return ""
	}
	return scope.Own
}
