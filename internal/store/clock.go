package store

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// The processes of one PostgreSQL must agree on when a lease ends and on which
// event came first, and their machines' clocks do not. So there the database's
// clock is everybody's: each process asks for it now and then and counts on
// with its own counter, which no setting of its clock touches.

// clockEvery is how often a process asks for the database's time.
const clockEvery = 5 * time.Second

// dbTime is what the database's clock said, and when it did by ours.
type dbTime struct {
	said time.Time
	// at has Go's monotonic reading.
	at time.Time
}

// clock is the time that leases and ids are made of: the one of the options
// where a test gives one, the database's on PostgreSQL, else the machine's.
func (s *Store) clock() time.Time {
	if t := s.dbTime.Load(); t != nil {
		return t.said.Add(time.Since(t.at))
	}
	return time.Now()
}

// Now is the time of everything that this store's processes do.
func (s *Store) Now() time.Time { return s.now() }

// askClock reads the database's clock. The answer is as old as half of the
// way there and back, so a slow one is not taken.
func (s *Store) askClock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, clockEvery)
	defer cancel()
	asked := time.Now()
	var micros int64
	if err := One(s.write.QueryRowContext(ctx, `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)`), &micros); err != nil {
		return err
	}
	took := time.Since(asked)
	if s.dbTime.Load() == nil || took < time.Second {
		s.dbTime.Store(&dbTime{said: Time(micros).Add(took / 2), at: time.Now()})
	}
	return nil
}

// followClock asks again and again until the store closes.
func (s *Store) followClock() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ticker := time.NewTicker(clockEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-ticker.C:
			// Without an answer the process counts on.
			if err := s.askClock(ctx); err != nil {
				s.log.Debug("the database does not tell the time", "error", err)
			}
		}
	}
}

const (
	// backStep is how far the clock must be set back to be noticed.
	backStep = 2 * time.Second
	// leap is how far it must be set forward for what is deleted by age to
	// wait for doubtful, and absence how long nobody must have worked on the
	// database for the same at the start: time enough for a clock that is
	// wrong to be put right.
	leap     = time.Hour
	absence  = 24 * time.Hour
	doubtful = time.Hour
	// seenEvery is how often the time is written down.
	seenEvery = time.Minute
)

// watch compares the clock with a counter that nobody sets.
type watch struct {
	mu sync.Mutex // guards all below
	// wall is what the clock said last, counter when that was.
	wall, counter time.Time
	// doubt is when, by the counter, the clock is believed again; seen when
	// the time was written down last.
	doubt, seen time.Time
}

// CheckClock looks whether the clock has been set since the last call; call it
// every few seconds. After the clock was set back, jobs are due as long from now
// as was asked for, not as much later as the clock was set. After it was set
// far forward, ClockTrusted says no for an hour.
func (s *Store) CheckClock(ctx context.Context) error {
	w := &s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	first, moved := w.counter.IsZero(), time.Duration(0)
	wall, counter := s.now().Round(0), time.Now()
	if !first {
		moved = wall.Sub(w.wall) - counter.Sub(w.counter)
	}
	w.wall, w.counter = wall, counter
	if first {
		away, err := s.away(ctx, wall)
		if err != nil {
			w.counter = time.Time{}
			return err
		}
		if away > absence {
			w.doubt = counter.Add(doubtful)
		}
	}
	if moved > leap {
		w.doubt = counter.Add(doubtful)
		s.log.Warn("the clock was set forward; findings and events are not deleted by age for an hour", "by", moved)
	}
	if first || moved < -backStep {
		if err := s.rebaseJobs(ctx, wall); err != nil {
			w.counter = time.Time{}
			return err
		}
	}
	if counter.Sub(w.seen) < seenEvery && !first {
		return nil
	}
	w.seen = counter
	return s.noteSeen(ctx, wall)
}

// ClockTrusted reports whether the clock may decide what is old enough to be
// deleted.
func (s *Store) ClockTrusted() bool {
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	return !time.Now().Before(s.watch.doubt)
}

// rebaseJobs moves jobs that were asked for in what is now the future, leases
// included, as far back as the clock was set.
func (s *Store) rebaseJobs(ctx context.Context, now time.Time) error {
	err := s.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, `UPDATE jobs SET run_at = run_at - (asked_at - $1), asked_at = $1 WHERE NOT parked AND asked_at > $2`,
			Micros(now), Micros(now.Add(backStep)))
		return err
	})
	if err != nil {
		return fmt.Errorf("jobs after the clock was set back: %w", err)
	}
	return nil
}

// clockSeen is the setting that holds when somebody last worked on the
// database, in microseconds.
const clockSeen = "clock_seen"

// away is how long nobody has worked on the database; 0 for a new one.
func (s *Store) away(ctx context.Context, now time.Time) (away time.Duration, err error) {
	err = s.View(ctx, func(tx *Tx) error {
		list, err := tx.Query(ctx, `SELECT value FROM settings WHERE name = $1`, clockSeen)
		values, err := All(list, err, Text)
		for _, v := range values {
			micros, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return fmt.Errorf("setting %s: %w", clockSeen, err)
			}
			away = now.Sub(Time(micros))
		}
		return err
	})
	return away, err
}

func (s *Store) noteSeen(ctx context.Context, now time.Time) error {
	return s.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`, clockSeen, strconv.FormatInt(Micros(now), 10), Micros(now))
		return err
	})
}
