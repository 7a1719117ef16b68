package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is the PostgreSQL notification channel: "there is work".
const channel = "muster_work"

// EventsKind is the kind under which waiters for events ask Wakes.
const EventsKind = "events"

// wakes tells whoever waits for jobs or events that some were committed. It
// is a hint only: it may be lost or come for nothing, so waiters also poll.
type wakes struct {
	mu sync.Mutex
	// waiting maps each waiter to the kind it waits for.
	waiting map[chan struct{}]string
	// remote, if set, is poked to tell the other processes; its capacity of
	// one merges bursts.
	remote chan struct{}
}

func newWakes() *wakes { return &wakes{waiting: map[chan struct{}]string{}} }

// here announces work of the kinds, committed by this process.
func (w *wakes) here(kinds []string) {
	w.local(func(kind string) bool { return slices.Contains(kinds, kind) })
	select {
	case w.remote <- struct{}{}:
	default: // nobody to tell (a nil channel), or already told
	}
}

func (w *wakes) local(concerns func(kind string) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, kind := range w.waiting {
		if !concerns(kind) {
			continue
		}
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Wakes returns a channel that receives after work of the kind was committed,
// by this process at once and by others on PostgreSQL soon after. It is a
// hint: receivers must also look once a second. stop releases the channel.
func (s *Store) Wakes(kind string) (c <-chan struct{}, stop func()) {
	w := s.wakes
	ch := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting[ch] = kind
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiting, ch)
	}
}

// listen starts the two background loops that connect the processes of one
// PostgreSQL database. NOTIFY is sent outside of the transactions, because
// inside it would make their commits queue for one lock.
func (s *Store) listen(config *pgx.ConnConfig) {
	ctx, cancel := context.WithCancel(context.Background())
	s.wakes.remote = make(chan struct{}, 1)
	s.background.Go(func() { s.receiveWakes(ctx, config) })
	s.background.Go(func() { s.sendWakes(ctx) })
	s.background.Go(func() { <-s.closed; cancel() })
}

func (s *Store) sendWakes(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wakes.remote:
		}
		if _, err := s.write.ExecContext(ctx, "SELECT pg_notify($1, '')", channel); err != nil && ctx.Err() == nil {
			s.log.Debug("notify failed; other processes will find the work by polling", "error", err)
		}
	}
}

func (s *Store) receiveWakes(ctx context.Context, config *pgx.ConnConfig) {
	for ctx.Err() == nil {
		err := s.receiveUntilLost(ctx, config)
		if ctx.Err() != nil {
			return
		}
		s.log.Debug("notification connection lost; polling until it is back", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (s *Store) receiveUntilLost(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config.Copy())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		s.wakes.local(func(string) bool { return true })
	}
}
