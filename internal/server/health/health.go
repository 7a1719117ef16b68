// Package health tells whether a server lives, whether it is ready, and how it
// is doing: in words for people and load balancers, in numbers for Prometheus.
//
// Alive means that the process answers; only a process that does not should be
// replaced. Ready means that it can do its work now: the database answers. What
// is wrong beyond that, advisories that grow old or work that piles up, is told
// as a warning, because taking the server away would not help.
package health

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"muster/internal/store"
	"muster/internal/store/feeds"
	"muster/internal/store/sinks"
)

// Config are what health looks at and when it worries.
type Config struct {
	Store *store.Store
	Now   func() time.Time
	// FeedAge is how old the last successful look at a source may be; 0 means
	// any age.
	FeedAge time.Duration
	// QueueAge is how long due work may wait; 0 means five minutes.
	QueueAge time.Duration
	// EventAge is how old an event may be that a sink has yet to take; 0 means
	// a quarter of an hour.
	EventAge time.Duration
}

// patience is how long the database may take to answer.
const patience = 2 * time.Second

// State is how a server is doing.
type State struct {
	Generation int64
	Sources    []feeds.Source
	Jobs       []store.JobCount
	// Waited is how long the oldest due job of the kind has waited.
	Waited     time.Duration
	WaitedKind string
	// EventWaited is how old the oldest event is that a sink has yet to take,
	// DeadLetters how many sinks have dead letters.
	EventWaited time.Duration
	DeadLetters int64
}

// Look reads the state.
func (c *Config) Look(ctx context.Context) (s State, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now := c.Now()
	if err := c.Store.Writable(ctx); err != nil {
		return s, err
	}
	err = c.Store.View(ctx, func(tx *store.Tx) error {
		if s.Generation, err = feeds.Current(ctx, tx); err != nil {
			return err
		}
		if s.Sources, err = feeds.Sources(ctx, tx); err != nil {
			return err
		}
		if s.Jobs, err = tx.JobCounts(ctx); err != nil {
			return err
		}
		since, kind, due, err := tx.OldestDue(ctx, now)
		if err != nil {
			return err
		}
		if due {
			s.Waited, s.WaitedKind = now.Sub(since), kind
		}
		oldest, dead, err := sinks.Behind(ctx, tx)
		if s.DeadLetters = dead; !oldest.IsZero() {
			s.EventWaited = max(0, now.Sub(oldest))
		}
		return err
	})
	return s, err
}

// Warning is something that an operator should look after, in words without
// secrets.
type Warning struct {
	// About stays the same while Text may change.
	About, Text string
}

// Warnings are what an operator should look after.
func (c *Config) Warnings(s *State) (list []Warning) {
	warn := func(about, text string, args ...any) { list = append(list, Warning{about, fmt.Sprintf(text, args...)}) }
	if s.Generation == 0 {
		warn("advisories", "no advisories are in service: nothing can be found yet")
	}
	for _, f := range s.Sources {
		if age := c.Now().Sub(f.CheckedAt); c.FeedAge > 0 && !f.CheckedAt.IsZero() && age > c.FeedAge {
			warn("age of "+f.Name, "source %s was last looked at %v ago", f.Name, age.Round(time.Minute))
		}
		if !f.FailingSince.IsZero() {
			warn("failure of "+f.Name, "source %s fails since %s", f.Name, f.FailingSince.UTC().Format(time.RFC3339))
		}
	}
	if s.Waited > cmp.Or(c.QueueAge, 5*time.Minute) {
		warn("queue", "work of kind %s waits for %v", s.WaitedKind, s.Waited.Round(time.Second))
	}
	if s.EventWaited > cmp.Or(c.EventAge, 15*time.Minute) {
		warn("events", "events wait for %v to be taken by a sink", s.EventWaited.Round(time.Second))
	}
	if s.DeadLetters > 0 {
		warn("dead letters", "%d sinks have dead letters; see `muster sink dead-letters`", s.DeadLetters)
	}
	for _, j := range s.Jobs {
		if j.Parked > 0 {
			warn("failed "+j.Kind, "%d jobs of kind %s failed too often; see `muster admin retry-jobs`", j.Parked, j.Kind)
		}
	}
	return list
}

// Alive answers 200 while the process does.
func Alive(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") }

// Ready answers 200 and the warnings, or 503 and the reason.
func (c *Config) Ready(w http.ResponseWriter, r *http.Request) {
	s, err := c.Look(r.Context())
	if err != nil {
		w.Header().Set("Retry-After", "2")
		say(w, http.StatusServiceUnavailable, "not ready", "the database does not answer")
		return
	}
	lines := []string{"ready"}
	for _, warning := range c.Warnings(&s) {
		lines = append(lines, "warning: "+warning.Text)
	}
	say(w, http.StatusOK, lines...)
}

func say(w http.ResponseWriter, status int, lines ...string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The peer may have gone; nothing is left to do then.
	_, _ = w.Write([]byte(strings.Join(lines, "\n") + "\n"))
}

// every is how often Watch looks.
const every = time.Minute

// Watch says in the log what an operator should look after, once when it
// begins and once when it ends, until ctx is done.
func (c *Config) Watch(ctx context.Context, log *slog.Logger) {
	told := map[string]bool{}
	for ticker := time.NewTicker(every); ; {
		select {
		case <-ctx.Done():
			ticker.Stop()
			return
		case <-ticker.C:
			told = c.tell(ctx, log, told)
		}
	}
}

// tell logs what is new since the last time and what is over.
func (c *Config) tell(ctx context.Context, log *slog.Logger, before map[string]bool) map[string]bool {
	s, err := c.Look(ctx)
	list := []Warning{{"database", "the database does not answer"}}
	if err == nil {
		list = c.Warnings(&s)
	}
	now := map[string]bool{}
	for _, w := range list {
		if now[w.About] = true; !before[w.About] {
			log.Warn("something needs looking after", "what", w.Text)
		}
	}
	for about := range before {
		if !now[about] {
			log.Info("a warning is over", "about", about)
		}
	}
	return now
}
