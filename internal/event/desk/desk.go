// Package desk answers for sinks: which an account has, how far each has come,
// what it refused. These are operations of muster's own service; which events a
// sink gets, and how, is package event's.
package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/event/send"
	"muster/internal/inspector"
	"muster/internal/keyring"
	"muster/internal/store"
	"muster/internal/store/sinks"
)

// Config are the desk's parts.
type Config struct {
	Store   *store.Store
	Keyring *keyring.Keyring
	// Pages seals page tokens; required.
	Pages inspector.Pager
	// Guard decides which addresses may be reached.
	Guard *send.Guard
}

// Service is the desk. It is safe for concurrent use.
type Service struct{ config Config }

// New returns the desk.
func New(c Config) *Service { return &Service{c} }

// AddHandlers adds the desk's operations to those of our own service.
func (s *Service) AddHandlers(h *muster.Handlers) {
	h.CreateSink = s.CreateSink
	h.UpdateSink = s.UpdateSink
	h.DeleteSink = s.DeleteSink
	h.ListSinks = s.ListSinks
	h.TestSink = s.TestSink
	h.ListDeadLetters = s.ListDeadLetters
	h.RedriveDeadLetters = s.RedriveDeadLetters
}

// pageSize is the most items of one page, and the default.
const pageSize = 100

func length(asked *int32) int {
	if asked == nil {
		return pageSize
	}
	return min(max(int(*asked), 1), pageSize)
}

// show is a sink as clients see it, with how far it has come.
func show(ctx context.Context, tx *store.Tx, k *sinks.Sink, now time.Time) (muster.Sink, error) {
	out := muster.Sink{
		SinkId: k.ID, Name: k.Name, Kind: muster.SinkKind(k.Kind), Format: muster.SinkFormat(k.Format), Url: k.URL, Region: text(string(k.Region)),
		Organization: k.Organization, Status: muster.SinkStatusEnabled, DetailTypes: k.DetailTypes, Subject: text(k.Subject), EventBusName: text(k.Bus),
		SigningRegion: text(k.Options.Region), Source: text(k.Source), CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt,
	}
	if !k.Enabled {
		out.Status = muster.SinkStatusDisabled
	}
	p, err := sinks.ProgressOf(ctx, tx, k.Account, k.ID)
	if err != nil {
		return out, err
	}
	out.Delivered, out.LastDeliveredAt = p.Delivered, when(p.DeliveredAt)
	out.LastFailedAt, out.LastError, out.RetryAt = when(p.FailedAt), text(p.Error), when(p.RetryAt)
	if p.Failures > 0 {
		out.ConsecutiveFailures = new(int64(p.Failures))
	}
	b, err := sinks.BacklogOf(ctx, tx, k.Account, k.ID)
	out.Waiting, out.DeadLetters = b.Waiting, b.Dead
	if !b.Oldest.IsZero() {
		out.LagSeconds = max(int64(now.Sub(b.Oldest)/time.Second), 0)
	}
	return out, err
}

// ListSinks lists the sinks of the caller's account.
func (s *Service) ListSinks(ctx context.Context, call *awsmodel.Call, in *muster.ListSinksInput) (*muster.ListSinksOutput, error) {
	const op = "ListSinks"
	after, err := s.openToken(call, op, nil, in.NextToken)
	if err != nil {
		return nil, err
	}
	size := length(in.MaxResults)
	return store.Read(ctx, s.config.Store, func(tx *store.Tx) (*muster.ListSinksOutput, error) {
		list, err := sinks.Of(ctx, tx, call.Account(), after, size+1)
		out := &muster.ListSinksOutput{Sinks: []muster.Sink{}}
		if len(list) > size {
			list = list[:size]
			out.NextToken = new(s.config.Pages.Seal(call, op, nil, []byte(list[size-1].ID)))
		}
		for i := range list {
			shown, err := show(ctx, tx, &list[i], call.Time)
			if err != nil {
				return nil, err
			}
			out.Sinks = append(out.Sinks, shown)
		}
		return out, err
	})
}

// DeleteSink forgets a sink with everything that it has yet to take.
func (s *Service) DeleteSink(ctx context.Context, call *awsmodel.Call, in *muster.DeleteSinkInput) (*muster.DeleteSinkOutput, error) {
	err := s.config.Store.Update(ctx, func(tx *store.Tx) error {
		return unknown(sinks.Delete(ctx, tx, call.Account(), in.SinkId), in.SinkId)
	})
	return &muster.DeleteSinkOutput{}, err
}

func (s *Service) openToken(call *awsmodel.Call, op string, query any, token *string) (string, error) {
	if token == nil || *token == "" {
		return "", nil
	}
	cursor, err := s.config.Pages.Open(call, op, query, *token)
	if err != nil || len(cursor) == 0 {
		return "", invalid("nextToken", "The nextToken is not valid for this request.")
	}
	return string(cursor), nil
}

// unknown makes the wire's error of a sink that is not there.
func unknown(err error, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return &muster.ResourceNotFoundException{Message: "The sink " + id + " does not exist."}
	}
	return err
}

func invalid(name, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &muster.ValidationException{
		Message: message, Reason: muster.ValidationExceptionReasonFieldValidationFailed,
		Fields: []muster.ValidationExceptionField{{Name: name, Message: message}},
	}
}

// text is a member that is absent when empty.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// when is a member that is absent when zero.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
