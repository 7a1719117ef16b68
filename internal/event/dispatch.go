package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/event/form"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/sinks"
)

const (
	// dispatchAtOnce is how many events one transaction dispatches.
	dispatchAtOnce = 500
	// gather is how long events are let gather before they are dispatched.
	gather = 20 * time.Millisecond
	// poll is how long events of other processes may go unnoticed.
	poll = time.Second
)

// Watch asks for a dispatch whenever events are committed, until ctx is done.
// It asks by itself, because a job row that every change of a finding touches
// would make all of them wait for each other.
func (s *Service) Watch(ctx context.Context) {
	wakes, stop := s.store.Wakes(store.EventsKind)
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wakes:
			if !sleep(ctx, gather) {
				return
			}
		case <-time.After(poll):
		}
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			s.config.Log.Error("looking for events failed", "error", err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// look asks for a dispatch if there is something to dispatch.
func (s *Service) look(ctx context.Context) error {
	list, err := s.pending(ctx, 1)
	if err != nil || len(list) == 0 {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return ask(ctx, tx, JobDispatch, s.now()) })
}

// pending are events that sinks have yet to be given.
func (s *Service) pending(ctx context.Context, limit int) (list []store.Event, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		from, err := floor(ctx, tx)
		if err == nil && from != aboveAll {
			list, err = tx.PendingEvents(ctx, from, limit)
		}
		return err
	})
	return list, err
}

// dispatch is the handler of JobDispatch.
func (s *Service) dispatch(ctx context.Context, _ store.Job) error {
	for {
		list, err := s.pending(ctx, dispatchAtOnce)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := s.store.Update(ctx, func(tx *store.Tx) error { return s.pass(ctx, tx, list) }); err != nil {
			return fmt.Errorf("dispatch events: %w", err)
		}
	}
}

// pass gives the sinks their copies of events that nobody has passed on yet.
func (s *Service) pass(ctx context.Context, tx *store.Tx, list []store.Event) error {
	fresh, err := tx.Dispatch(ctx, list)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(e store.Event) bool { return !fresh[e.ID] })
	r := router{tx: tx, administrators: map[[2]string]arn.AccountID{}}
	if err := r.load(ctx, list); err != nil {
		return err
	}
	for i := range r.sinks {
		k := &r.sinks[i]
		var copies []sinks.Delivery
		for j := range list {
			if r.wants(k, &list[j]) {
				copies = append(copies, sinks.Delivery{Subject: subject(&list[j]), Event: list[j]})
			}
		}
		if len(copies) == 0 {
			continue
		}
		if err := sinks.Add(ctx, tx, k.Account, k.ID, copies); err != nil {
			return err
		}
		if err := askFor(ctx, tx, k.Account, k.ID, s.now()); err != nil {
			return err
		}
	}
	return nil
}

// router knows which sinks want an event.
type router struct {
	tx    *store.Tx
	sinks []sinks.Sink
	// administrators are those of accounts in Regions, "" for none.
	administrators map[[2]string]arn.AccountID
}

// load finds the sinks of the events' accounts and of their administrators.
func (r *router) load(ctx context.Context, list []store.Event) error {
	owners := map[arn.AccountID]bool{}
	for _, e := range list {
		at := [2]string{e.Account, e.Region}
		if _, known := r.administrators[at]; known {
			continue
		}
		account := arn.AccountID(e.Account)
		admin, err := activation.AdministratorOf(ctx, r.tx, account, arn.Region(e.Region))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("administrator of %s: %w", account, err)
		}
		r.administrators[at] = admin
		owners[account] = true
		if admin != "" {
			owners[admin] = true
		}
	}
	var accounts []arn.AccountID
	for a := range owners {
		accounts = append(accounts, a)
	}
	slices.Sort(accounts)
	for part := range slices.Chunk(accounts, 500) {
		found, err := sinks.OfAccounts(ctx, r.tx, part)
		if err != nil {
			return err
		}
		r.sinks = append(r.sinks, found...)
	}
	return nil
}

// wants reports whether an event is for a sink.
func (r *router) wants(k *sinks.Sink, e *store.Event) bool {
	switch {
	case !k.Enabled || e.ID < store.FirstID(k.CreatedAt):
		return false
	case k.Region != "" && string(k.Region) != e.Region:
		return false
	case len(k.DetailTypes) > 0 && !slices.Contains(k.DetailTypes, e.DetailType):
		return false
	case string(k.Account) != e.Account && (!k.Organization || r.administrators[[2]string{e.Account, e.Region}] != k.Account):
		return false
	}
	return form.Tells(form.Format(k.Format), e)
}

// subject is what an event must keep its order with: the finding that it is
// about, else the resource.
func subject(e *store.Event) string {
	var about struct {
		FindingARN string `json:"findingArn"`
	}
	if err := json.Unmarshal(e.Detail, &about); err == nil && about.FindingARN != "" {
		return about.FindingARN
	}
	if len(e.Resources) > 0 {
		return e.Account + " " + e.Resources[0]
	}
	return e.Account + " " + e.DetailType
}
