// Package rules is the part of the Inspector desk that answers for saved filters
// and suppression rules: AWS's operations on them, and what muster adds without
// changing those: rules that end by themselves, a reason that must be given,
// what a rule would hide, and who changed which rule.
package rules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/filters"
	"muster/internal/worker"
)

// Config are the desk's parts.
type Config struct {
	Store *store.Store
	// Pages seals page tokens; required.
	Pages inspector.Pager
	// Apply lets a changed rule act on the findings of accounts in a Region, in
	// the given transaction: hide, unless nil, is what the rule now is, and
	// reveal brings back what no rule hides any more. It may leave many findings
	// to jobs that the transaction enqueues.
	Apply func(ctx context.Context, tx *store.Tx, region arn.Region, accounts []arn.AccountID, hide *filters.Filter, reveal bool, now time.Time) error
	// Now is the clock of the jobs; nil means time.Now.
	Now func() time.Time
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	config Config
	store  *store.Store
}

// New returns the desk.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{config: c, store: c.Store}
}

// AddHandlers adds AWS's operations on filters.
func (s *Service) AddHandlers(h *inspector2.Handlers) {
	h.CreateFilter = s.CreateFilter
	h.UpdateFilter = s.UpdateFilter
	h.DeleteFilter = s.DeleteFilter
	h.ListFilters = s.ListFilters
}

// AddOwnHandlers adds the operations that AWS does not have.
func (s *Service) AddOwnHandlers(h *muster.Handlers) {
	h.DescribeFilters = s.DescribeFilters
	h.PutFilterExpiry = s.PutFilterExpiry
	h.ListFilterHistory = s.ListFilterHistory
	h.GetFilterSettings = s.GetFilterSettings
	h.PutFilterSettings = s.PutFilterSettings
	h.PreviewFilter = s.PreviewFilter
}

// Jobs are the handlers of the desk's jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{JobExpiry: s.expire}
}

// view runs a query over what the caller sees.
func view[T any](ctx context.Context, s *Service, call *awsmodel.Call, fn func(tx *store.Tx, scope inspector.Scope) (T, error)) (T, error) {
	return store.Read(ctx, s.store, scoped(ctx, call, fn))
}

// update is view in a transaction that writes; fn may run again.
func update[T any](ctx context.Context, s *Service, call *awsmodel.Call, fn func(tx *store.Tx, scope inspector.Scope) (T, error)) (T, error) {
	return store.Write(ctx, s.store, scoped(ctx, call, fn))
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
	var c C
	body, err := s.config.Pages.Open(call, op, query, *token)
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	if err != nil {
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

// own makes a refusal of Inspector's one of muster's own service.
func own(err error) error {
	if v, ok := errors.AsType[*inspector2.ValidationException](err); ok {
		out := &muster.ValidationException{Message: v.Message, Reason: muster.ValidationExceptionReason(v.Reason)}
		for _, f := range v.Fields {
			out.Fields = append(out.Fields, muster.ValidationExceptionField{Name: f.Name, Message: f.Message})
		}
		return out
	}
	if v, ok := errors.AsType[*inspector2.ResourceNotFoundException](err); ok {
		return &muster.ResourceNotFoundException{Message: v.Message}
	}
	if v, ok := errors.AsType[*inspector2.AccessDeniedException](err); ok {
		return &muster.AccessDeniedException{Message: v.Message}
	}
	return err
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
