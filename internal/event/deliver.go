package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/event/send"
	"muster/internal/keyring"
	"muster/internal/store"
	"muster/internal/store/sinks"
	"muster/internal/worker"
)

const (
	// deliverAtOnce is how many events are sent before what was taken is
	// noted, and so how many are sent again after a crash at most.
	deliverAtOnce = 200
	// probes is how many events a sink is tried with after a failure.
	probes = 5
	// mostError is how much of a failure is kept.
	mostError = 500
)

// target is the payload of JobDeliver.
type target struct {
	Account arn.AccountID `json:"account"`
	Sink    string        `json:"sink"`
}

// askFor asks for the delivery of what a sink has yet to take.
func askFor(ctx context.Context, tx *store.Tx, account arn.AccountID, sink string, when time.Time) error {
	body, err := json.Marshal(target{account, sink})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{Kind: JobDeliver, Key: string(account) + "/" + sink, Account: string(account), Payload: body, RunAt: when})
}

// AskForDelivery lets a sink be tried at once, whatever failed before.
func AskForDelivery(ctx context.Context, tx *store.Tx, account arn.AccountID, sink string, now time.Time) error {
	p, err := sinks.ProgressOf(ctx, tx, account, sink)
	if err == nil && !p.RetryAt.IsZero() {
		p.RetryAt = time.Time{}
		err = sinks.PutProgress(ctx, tx, account, sink, p)
	}
	if err != nil {
		return err
	}
	return askFor(ctx, tx, account, sink, now)
}

// doubling is the usual pause after failures in a row.
func doubling(failures int) time.Duration {
	full := min(10*time.Minute, time.Second<<min(failures-1, 10))
	return full/2 + rand.N(full/2)
}

// deliver is the handler of JobDeliver: it sends for a while what a sink has
// yet to take and asks to be called again for the rest.
func (s *Service) deliver(ctx context.Context, job store.Job) error {
	var at target
	if err := json.Unmarshal(job.Payload, &at); err != nil {
		return fmt.Errorf("payload of %s: %w", job.Key, err)
	}
	var k sinks.Sink
	var p sinks.Progress
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		if k, err = sinks.Lookup(ctx, tx, at.Account, at.Sink); err == nil {
			p, err = sinks.ProgressOf(ctx, tx, at.Account, at.Sink)
		}
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && !k.Enabled:
		return nil
	case err != nil:
		return err
	}
	r := &run{s, &k, p, job, nil}
	if r.progress.RetryAt.After(s.now()) {
		return r.comeBack(ctx)
	}
	defer r.close()
	for end := time.Now().Add(s.config.Slice); time.Now().Before(end) && worker.Holds(ctx); {
		more, err := r.round(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	return r.comeBack(ctx)
}

// run is one job's work for one sink.
type run struct {
	*Service
	sink     *sinks.Sink
	progress sinks.Progress
	job      store.Job
	sender   send.Sender
}

func (r *run) close() {
	if r.sender != nil {
		r.sender.Close()
	}
}

// comeBack asks for the next run where something is left to deliver.
func (r *run) comeBack(ctx context.Context) error {
	return r.store.Update(ctx, func(tx *store.Tx) error {
		due, ok, err := sinks.NextDue(ctx, tx, r.sink.Account, r.sink.ID)
		if err != nil || !ok {
			return err
		}
		if due.Before(r.progress.RetryAt) {
			due = r.progress.RetryAt
		}
		if now := r.now(); due.Before(now) {
			due = now
		}
		return askFor(ctx, tx, r.sink.Account, r.sink.ID, due)
	})
}

// round sends some events and notes what became of them; more is false when
// there is nothing to send, or the sink takes nothing.
func (r *run) round(ctx context.Context) (more bool, err error) {
	limit := deliverAtOnce
	if r.progress.Failures > 0 {
		limit = probes
	}
	var list []sinks.Delivery
	err = r.store.View(ctx, func(tx *store.Tx) (err error) {
		list, err = sinks.Due(ctx, tx, r.sink.Account, r.sink.ID, r.now(), limit)
		return err
	})
	if err != nil || len(list) == 0 {
		return false, err
	}
	taken, failed := r.send(ctx, list)
	if ctx.Err() != nil && len(taken) == 0 {
		return false, context.Cause(ctx)
	}
	// What was taken is noted also while the process stops.
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := r.note(note, taken, failed); err != nil {
		return false, err
	}
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	return len(taken) > 0 || r.progress.Failures == 0, nil
}

// send sends deliveries, those with the same subject one after the other: wave
// by wave, each with the next of every subject. After a failure the rest of the
// subject waits.
func (r *run) send(ctx context.Context, list []sinks.Delivery) (taken []sinks.Delivery, failed []sinks.Delivery) {
	if r.sender == nil {
		var err error
		if r.sender, err = r.open(ctx); err != nil {
			return nil, r.fail(list[:min(len(list), probes)], err)
		}
	}
	stuck := map[string]bool{}
	// Whoever has the lease now sends from the beginning: what this process
	// had in mind before it was frozen is out of order by then.
	for len(list) > 0 && worker.Holds(ctx) {
		var wave, rest []sinks.Delivery
		now := map[string]bool{}
		for _, d := range list {
			switch {
			case stuck[d.Subject]:
			case now[d.Subject]:
				rest = append(rest, d)
			default:
				now[d.Subject] = true
				wave = append(wave, d)
			}
		}
		for i, err := range r.sendWave(ctx, wave) {
			switch {
			case err == nil:
				taken = append(taken, wave[i])
			case ctx.Err() != nil: // the process stops: it was no fault of the sink's
			default:
				stuck[wave[i].Subject] = true
				failed = append(failed, r.fail(wave[i:i+1], err)...)
			}
		}
		list = rest
	}
	return taken, failed
}

func (r *run) sendWave(ctx context.Context, wave []sinks.Delivery) []error {
	events := make([]*store.Event, len(wave))
	for i := range wave {
		events[i] = &wave[i].Event
	}
	return r.sender.Send(ctx, events)
}

// open connects to the sink with its secret.
func (r *run) open(ctx context.Context) (send.Sender, error) {
	c, err := OpenSecret(r.config.Keyring, r.sink)
	if err != nil {
		return nil, err
	}
	return send.Open(ctx, r.config.Guard, r.sink, c)
}

// OpenSecret opens the credentials of a sink.
func OpenSecret(ring *keyring.Keyring, k *sinks.Sink) (c send.Credentials, err error) {
	body, err := ring.Open(sinks.SealedFor(k.Account, k.ID), k.Secret)
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	if err != nil {
		return c, fmt.Errorf("secret of sink %s: %w", k.ID, err)
	}
	return c, nil
}

// SealSecret seals the credentials of a sink.
func SealSecret(ring *keyring.Keyring, account arn.AccountID, id string, c send.Credentials) ([]byte, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return ring.Seal(sinks.SealedFor(account, id), body), nil
}

// fail works out what a failure means for deliveries.
func (r *run) fail(list []sinks.Delivery, cause error) []sinks.Delivery {
	now := r.now()
	list = slices.Clone(list)
	for i := range list {
		d := &list[i]
		d.Attempts++
		d.Error = cut(cause.Error())
		d.DueAt = now.Add(r.config.Backoff(d.Attempts))
		if send.Refused(cause) || d.Attempts >= r.config.Attempts || now.Sub(d.Time) >= r.config.GiveUp && d.Attempts > 1 {
			d.DeadAt = now
		}
	}
	return list
}

func cut(text string) string {
	if len(text) > mostError {
		text = text[:mostError]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
}

// note stores what became of deliveries.
func (r *run) note(ctx context.Context, taken, failed []sinks.Delivery) error {
	p := r.after(taken, failed)
	positions := make([]int64, len(taken))
	for i, d := range taken {
		positions[i] = d.Position
	}
	err := r.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.Fence(ctx, r.job); err != nil {
			return err
		}
		if _, err := sinks.Lookup(ctx, tx, r.sink.Account, r.sink.ID); err != nil {
			return err
		}
		if len(positions) > 0 {
			if err := sinks.Taken(ctx, tx, r.sink.Account, r.sink.ID, positions); err != nil {
				return err
			}
		}
		for _, d := range failed {
			if err := sinks.Failed(ctx, tx, r.sink.Account, r.sink.ID, d); err != nil {
				return err
			}
		}
		return sinks.PutProgress(ctx, tx, r.sink.Account, r.sink.ID, p)
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil // deleted meanwhile
	}
	r.progress = p
	return err
}

// after is the sink's progress with what became of deliveries. A sink that
// takes anything works; an event that it refuses for good is no fault of its.
func (r *run) after(taken, failed []sinks.Delivery) sinks.Progress {
	p, now := r.progress, r.now()
	if len(taken) > 0 {
		p.Delivered += int64(len(taken))
		p.DeliveredAt, p.Failures, p.RetryAt = now, 0, time.Time{}
	}
	if len(failed) > 0 {
		p.FailedAt, p.Error = now, failed[len(failed)-1].Error
	}
	if len(taken) == 0 && slices.ContainsFunc(failed, func(d sinks.Delivery) bool { return d.DeadAt.IsZero() }) {
		p.Failures++
		p.RetryAt = now.Add(r.config.Backoff(p.Failures))
		r.config.Log.Warn("a sink takes no events", "account", r.sink.Account, "sink", r.sink.ID, "failures", p.Failures, "error", p.Error)
	}
	return p
}
