// Package rules is the part of the Inspector desk that answers for saved filters
// and suppression rules: AWS's operations on them, and what muster adds without
// changing those: rules that end by themselves, a reason that must be given,
// what a rule would hide, and who changed which rule.
package rules

import (
	"context"
	"errors"
	"time"

	"muster/internal/arn"
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
