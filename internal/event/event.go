// Package event passes on what happened. The transactions that make it happen
// write it into the outbox, in EventBridge's terms; from there every event goes
// to the sinks that want it, at least once, and in order where it is about the
// same finding.
//
// Two steps, each a job. Dispatch takes events from the outbox and gives each
// sink its copy, in one transaction; from then on no sink concerns another.
// Deliver sends what a sink has yet to take: one job per sink, each for a
// limited time, so that a slow one holds up nobody. What a sink does not take
// is tried again with growing pauses and is given up in the end: dead letters
// stay visible, and can be sent again.
package event

import (
	"context"
	"log/slog"
	"time"

	"muster/internal/event/send"
	"muster/internal/keyring"
	"muster/internal/store"
	"muster/internal/store/sinks"
	"muster/internal/worker"
)

// The jobs. Retention and dispatch come back by themselves.
const (
	// JobRetention forgets what is older than Keep and KeepDead.
	JobRetention = "event.retention"
	// JobDispatch gives sinks their copies of events.
	JobDispatch = "event.dispatch"
	// JobDeliver sends what one sink has yet to take.
	JobDeliver = "event.deliver"
)

const (
	// Keep is how long events stay in the outbox once they are dispatched,
	// or when nobody listens.
	Keep = 7 * 24 * time.Hour
	// KeepDead is how long dead letters stay.
	KeepDead = 14 * 24 * time.Hour
	// every is how often old events are looked for.
	every = time.Hour
	// atOnce is how many events one transaction deletes.
	atOnce = 5000
)

// Config are the desk's parts and how patient it is.
type Config struct {
	Store *store.Store
	// Keyring opens the sinks' secrets.
	Keyring *keyring.Keyring
	// Guard decides which addresses may be reached.
	Guard *send.Guard
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log receives what sinks refuse; nil means silence.
	Log *slog.Logger
	// Attempts is how often an event may fail, and GiveUp how old one may be
	// that fails, before it is a dead letter; 0 means 100 and a day.
	Attempts int
	GiveUp   time.Duration
	// Backoff is the pause after the given number of failures; nil means
	// doubling from a second to ten minutes, half of it random.
	Backoff func(failures int) time.Duration
	// Slice is how long one job delivers before others have their turn; 0
	// means five seconds.
	Slice time.Duration
}

// Service is the desk.
type Service struct {
	config Config
	store  *store.Store
	now    func() time.Time
}

// New returns the desk.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Attempts == 0 {
		c.Attempts = 100
	}
	if c.GiveUp == 0 {
		c.GiveUp = 24 * time.Hour
	}
	if c.Backoff == nil {
		c.Backoff = doubling
	}
	if c.Slice == 0 {
		c.Slice = 5 * time.Second
	}
	return &Service{c, c.Store, c.Now}
}

// Jobs are the handlers of the desk's jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{JobRetention: s.retain, JobDispatch: s.dispatch, JobDeliver: s.deliver}
}

// Concurrency is how many jobs of a kind a worker should run at once: sinks
// wait for their networks and not for the machine.
func Concurrency() map[string]int { return map[string]int{JobDispatch: 1, JobDeliver: 64} }

// Start makes sure that retention and dispatch are under way. Asking twice is
// the same as asking once.
func (s *Service) Start(ctx context.Context) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := ask(ctx, tx, JobDispatch, s.now()); err != nil {
			return err
		}
		return ask(ctx, tx, JobRetention, s.now())
	})
}

func ask(ctx context.Context, tx *store.Tx, kind string, when time.Time) error {
	return tx.Enqueue(ctx, store.Job{Kind: kind, Key: "all", RunAt: when})
}

func (s *Service) retain(ctx context.Context, _ store.Job) error {
	if !s.store.ClockTrusted() {
		return s.store.Update(ctx, func(tx *store.Tx) error { return ask(ctx, tx, JobRetention, s.now().Add(every)) })
	}
	for {
		var n int64
		err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
			if n, err = s.forget(ctx, tx); err != nil || n > 0 {
				return err
			}
			return ask(ctx, tx, JobRetention, s.now().Add(every))
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// forget removes some of what is too old. Events that a sink has yet to be
// given stay, however old they are.
func (s *Service) forget(ctx context.Context, tx *store.Tx) (int64, error) {
	below, err := floor(ctx, tx)
	if err != nil {
		return 0, err
	}
	events, err := tx.ExpireEvents(ctx, s.now().Add(-Keep), below, atOnce)
	if err != nil {
		return 0, err
	}
	dead, err := sinks.DropDead(ctx, tx, s.now().Add(-KeepDead), atOnce)
	return events + dead, err
}

// aboveAll is higher than any id.
const aboveAll = "g"

// floor is below the ids of the events that concern a sink, above all of them
// while there is none.
func floor(ctx context.Context, tx *store.Tx) (string, error) {
	since, ok, err := sinks.Since(ctx, tx)
	if err != nil || !ok {
		return aboveAll, err
	}
	return store.FirstID(since), nil
}
