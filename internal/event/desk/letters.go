package desk

import (
	"context"
	"errors"
	"strconv"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/event"
	"muster/internal/event/form"
	"muster/internal/event/send"
	"muster/internal/finding/eventform"
	"muster/internal/store"
	"muster/internal/store/sinks"
)

// ListDeadLetters lists the events that a sink did not take and that are not
// tried any more, in their order.
func (s *Service) ListDeadLetters(ctx context.Context, call *awsmodel.Call, in *muster.ListDeadLettersInput) (*muster.ListDeadLettersOutput, error) {
	const op = "ListDeadLetters"
	cursor, err := s.openToken(call, op, in.SinkId, in.NextToken)
	if err != nil {
		return nil, err
	}
	after, _ := strconv.ParseInt(cursor, 10, 64) // "" is the beginning, everything else is sealed
	size := length(in.MaxResults)
	return store.Read(ctx, s.config.Store, func(tx *store.Tx) (*muster.ListDeadLettersOutput, error) {
		if _, err := sinks.Lookup(ctx, tx, call.Account(), in.SinkId); err != nil {
			return nil, unknown(err, in.SinkId)
		}
		list, err := sinks.Dead(ctx, tx, call.Account(), in.SinkId, after, size+1)
		out := &muster.ListDeadLettersOutput{DeadLetters: []muster.DeadLetter{}}
		if len(list) > size {
			list = list[:size]
			out.NextToken = new(s.config.Pages.Seal(call, op, in.SinkId, []byte(strconv.FormatInt(list[size-1].Position, 10))))
		}
		for _, d := range list {
			out.DeadLetters = append(out.DeadLetters, muster.DeadLetter{
				Position: d.Position, EventId: form.UUID(d.ID), AccountId: d.Account, Region: d.Region, Source: d.Source, DetailType: d.DetailType,
				Resources: append([]string{}, d.Resources...), Time: d.Time, GivenUpAt: d.DeadAt, Attempts: int64(d.Attempts), Error: d.Error, Detail: string(d.Detail),
			})
		}
		return out, err
	})
}

// RedriveDeadLetters lets a sink be tried again with what it did not take: with
// the events at the positions, or with all of them.
func (s *Service) RedriveDeadLetters(ctx context.Context, call *awsmodel.Call, in *muster.RedriveDeadLettersInput) (*muster.RedriveDeadLettersOutput, error) {
	return store.Write(ctx, s.config.Store, func(tx *store.Tx) (*muster.RedriveDeadLettersOutput, error) {
		if _, err := sinks.Lookup(ctx, tx, call.Account(), in.SinkId); err != nil {
			return nil, unknown(err, in.SinkId)
		}
		n, err := sinks.Revive(ctx, tx, call.Account(), in.SinkId, in.Positions)
		if err == nil && n > 0 {
			err = event.AskForDelivery(ctx, tx, call.Account(), in.SinkId, call.Time)
		}
		return &muster.RedriveDeadLettersOutput{Redriven: n}, err
	})
}

// testWithin is how long a test of a sink may take.
const testWithin = 15 * time.Second

// TestSink sends one event at once, past the queue, and tells what became of
// it.
func (s *Service) TestSink(ctx context.Context, call *awsmodel.Call, in *muster.TestSinkInput) (*muster.TestSinkOutput, error) {
	k, err := store.Read(ctx, s.config.Store, func(tx *store.Tx) (sinks.Sink, error) { return sinks.Lookup(ctx, tx, call.Account(), in.SinkId) })
	if err != nil {
		return nil, unknown(err, in.SinkId)
	}
	began := time.Now()
	failure := s.try(ctx, &k, trial(&k, call, s.config.Store.NewID()))
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, ctx.Err()
	}
	out := &muster.TestSinkOutput{Delivered: failure == nil, DurationMilliseconds: time.Since(began).Milliseconds()}
	if failure != nil {
		out.Error = new(failure.Error())
	}
	return out, nil
}

func (s *Service) try(ctx context.Context, k *sinks.Sink, e *store.Event) error {
	ctx, cancel := context.WithTimeout(ctx, testWithin)
	defer cancel()
	c, err := event.OpenSecret(s.config.Keyring, k)
	if err != nil {
		return err
	}
	sender, err := send.Open(ctx, s.config.Guard, k, c)
	if err != nil {
		return err
	}
	defer sender.Close()
	return sender.Send(ctx, []*store.Event{e})[0]
}

// trial is an event for a test. Formats that tell of findings only get a
// finding that is closed, so that it stands in nobody's way.
func trial(k *sinks.Sink, call *awsmodel.Call, id string) *store.Event {
	e := &store.Event{
		ID: id, Account: string(call.Account()), Region: string(call.Region), Source: "muster", DetailType: "Muster Sink Test",
		Resources: []string{k.ID}, Detail: []byte(`{"sink":"` + k.Name + `"}`), Time: call.Time,
	}
	if form.Format(k.Format) == form.EventBridge {
		return e
	}
	e.Detail = eventform.Trial(call.Account(), call.Region, call.Time)
	return e
}
