// Package results is the half of the Inspector desk that answers for what was
// found: findings, their aggregations and details, resource coverage. Which
// accounts a caller sees is the other half's word (inspector.VisibleAccounts);
// what a filter means is package criteria's.
package results

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector"
	"muster/internal/store"
)

// Config are the desk's parts.
type Config struct {
	Store *store.Store
	// Pages seals page tokens; required.
	Pages inspector.Pager
	// Intel answers what is known of a CVE; false when nothing is.
	Intel func(ctx context.Context, cve string) (advisorydb.Intel, bool, error)
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	config Config
	store  *store.Store
}

// New returns the desk.
func New(c Config) *Service { return &Service{config: c, store: c.Store} }

// AddHandlers adds the operations that this half implements.
func (s *Service) AddHandlers(h *inspector2.Handlers) {
	h.ListFindings = s.ListFindings
	h.ListFindingAggregations = s.ListFindingAggregations
	h.BatchGetFindingDetails = s.BatchGetFindingDetails
	h.SearchVulnerabilities = s.SearchVulnerabilities
	h.BatchGetCodeSnippet = s.BatchGetCodeSnippet
	h.GetClustersForImage = s.GetClustersForImage
	h.ListCoverage = s.ListCoverage
	h.ListCoverageStatistics = s.ListCoverageStatistics
}

// view runs a query over what the caller sees.
func view[T any](ctx context.Context, s *Service, call *awsmodel.Call, fn func(tx *store.Tx, scope inspector.Scope) (T, error)) (T, error) {
	return store.Read(ctx, s.store, scoped(ctx, call, fn))
}

// scoped is fn over what the caller sees.
func scoped[T any](ctx context.Context, call *awsmodel.Call, fn func(tx *store.Tx, scope inspector.Scope) (T, error)) func(*store.Tx) (T, error) {
	return func(tx *store.Tx) (T, error) {
		scope, err := inspector.VisibleAccounts(ctx, tx, call.Account(), call.Region)
		if err != nil {
			var none T
			return none, err
		}
		return fn(tx, scope)
	}
}

// place opens a page token into the cursor that the page before ended with;
// nil for the first page. query is what the token is bound to.
func place[C any](s *Service, call *awsmodel.Call, op string, query any, token *string) (*C, error) {
	if token == nil || *token == "" {
		return nil, nil
	}
	body, err := s.config.Pages.Open(call, op, query, *token)
	if err != nil {
		return nil, invalid("The nextToken is not valid for this request.")
	}
	var c C
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, invalid("The nextToken is not valid for this request.")
	}
	return &c, nil
}

// token seals the cursor that a page ended with.
func token(s *Service, call *awsmodel.Call, op string, query, cursor any) (*string, error) {
	body, err := json.Marshal(cursor)
	if err != nil {
		return nil, err
	}
	return new(s.config.Pages.Seal(call, op, query, body)), nil
}

// size is how many items a page has: what was asked for, at most the limit.
func size(asked *int32, usual, most int) int {
	if asked == nil {
		return usual
	}
	return min(max(int(*asked), 1), most)
}

// invalid is the answer to a request that is well-formed and makes no sense.
func invalid(format string, args ...any) error {
	return &inspector2.ValidationException{Message: fmt.Sprintf(format, args...), Reason: inspector2.ValidationExceptionReasonOther}
}

// invalidField is the answer to a member whose value cannot be meant.
func invalidField(name, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &inspector2.ValidationException{
		Message: message, Reason: inspector2.ValidationExceptionReasonFieldValidationFailed,
		Fields: []inspector2.ValidationExceptionField{{Name: name, Message: message}},
	}
}

// optional is a string member that is absent when empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// when is a time member that is absent when zero.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
