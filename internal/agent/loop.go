package agent

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"muster/internal/agentwire"
	"muster/internal/extract"
)

// Timing of the loop.
const (
	// quiet is how long nothing must change before the agent looks; mostWait
	// how long it waits for that during a long installation.
	quiet    = 500 * time.Millisecond
	mostWait = 5 * time.Second
	// settle is when it looks again after a change: installers make folders
	// first and fill them later, unwatched.
	settle = 10 * time.Second
	// Pauses between attempts after failures, with jitter.
	firstPause = time.Second
	mostPause  = 2 * time.Minute
	// Bounds of the report interval, whatever the server asks.
	leastInterval = 5 * time.Second
	mostInterval  = 24 * time.Hour
)

// loop is the life of a running agent. One goroutine; it sleeps until the
// next thing is due or something changes.
type loop struct {
	agent    *Agent
	reporter *reporter
	watcher  watcher

	lookAt   time.Time
	reportAt time.Time // zero until the first look has succeeded
	// changedAt is when the first change was seen that no look has covered.
	changedAt time.Time
	// settleAt is when the next look must follow the last change.
	settleAt time.Time

	witness *witness
	// peekAt is when to see whether the host listens on other sockets.
	peekAt time.Time

	lookFailures, reportFailures int
	databases                    fingerprint
}

func newLoop(a *Agent, w watcher) *loop {
	return &loop{agent: a, reporter: newReporter(a), watcher: w, witness: &witness{agent: a}, lookAt: time.Now()}
}

func (l *loop) run(ctx context.Context) error {
	l.watcher.Watch(l.databaseFolders())
	if l.reporter.resume() && l.reporter.waiting != "" {
		l.reportAt = time.Now()
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.watcher.Changes():
			l.changed(time.Now())
		case <-timer.C:
			if err := l.work(ctx); err != nil {
				return err
			}
		}
		timer.Reset(time.Until(l.due()))
	}
}

func (l *loop) due() time.Time {
	due := l.lookAt
	for _, at := range []time.Time{l.reportAt, l.peekAt} {
		if !at.IsZero() {
			due = earlier(due, at)
		}
	}
	return due
}

// changed brings the next look forward: when it has been quiet, or after
// mostWait.
func (l *loop) changed(now time.Time) {
	if l.changedAt.IsZero() {
		l.changedAt = now
	}
	l.lookAt = earlier(now.Add(quiet), l.changedAt.Add(mostWait))
	l.settleAt = now.Add(settle)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// work does what is due. Only a revoked identity and ctx end the loop.
func (l *loop) work(ctx context.Context) error {
	now := time.Now()
	reportDue := !l.reportAt.IsZero() && !now.Before(l.reportAt)
	// A heartbeat vouches for the inventory, so it looks whether the
	// databases are what they were, should an event have been lost.
	if !now.Before(l.lookAt) || reportDue && l.takeFingerprint() != l.databases {
		l.look(ctx)
	}
	if !l.peekAt.IsZero() && !now.Before(l.peekAt) {
		l.peek()
	}
	if now := time.Now(); !l.reportAt.IsZero() && !now.Before(l.reportAt) {
		if err := l.report(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (l *loop) look(ctx context.Context) {
	log := l.agent.cfg.Log
	began := time.Now()
	print := l.takeFingerprint() // before: a change during the look counts as new
	l.changedAt = time.Time{}
	inv, err := l.agent.look(ctx)
	if err != nil {
		l.lookFailures++
		l.lookAt = time.Now().Add(pause(l.lookFailures))
		if ctx.Err() == nil {
			// The last complete inventory stands: absence here is not removal.
			log.Warn("look failed", "error", err, "again", l.lookAt)
		}
		return
	}
	l.lookFailures, l.databases = 0, print
	changed := l.reporter.set(inv, began)
	if l.witness.look(print) {
		l.reporter.testify(l.witness)
		changed = true
	}
	now := time.Now()
	l.peekAt = now.Add(jitter(l.agent.cfg.Peek))
	l.lookAt = now.Add(jitter(l.agent.cfg.FullLook))
	if l.settleAt.After(now) {
		l.lookAt = earlier(l.lookAt, l.settleAt)
	}
	if l.reportAt.IsZero() || changed && l.reportFailures == 0 {
		l.reportAt = now
	}
	log.Debug("look done", "packages", len(inv.Items), "changed", changed, "took", now.Sub(began))
	l.watcher.Watch(append(l.databaseFolders(), l.packageFolders()...))
	// A look makes garbage as large as the machine's package lists; between
	// looks the agent should not hold it.
	debug.FreeOSMemory()
}

// peek sees whether the host listens on other sockets than it told of, which
// costs next to nothing, and if so looks who does.
func (l *loop) peek() {
	l.peekAt = time.Now().Add(jitter(l.agent.cfg.Peek))
	if !l.witness.changed() || !l.witness.look(l.takeFingerprint()) {
		return
	}
	l.reporter.testify(l.witness)
	if l.reportFailures == 0 && !l.reportAt.IsZero() {
		l.reportAt = time.Now()
	}
	l.agent.cfg.Log.Debug("sockets changed", "listening", len(l.witness.last.Sockets))
}

// report sends and plans the next attempt.
func (l *loop) report(ctx context.Context) error {
	log := l.agent.cfg.Log
	next, err := l.reporter.report(ctx)
	if err == nil {
		l.reportFailures = 0
		l.reportAt = time.Now().Add(jitter(min(max(next, leastInterval), mostInterval)))
		if l.reporter.lookAgain {
			l.lookAt = time.Now()
		}
		log.Info("report done", "packages", l.reporter.last.Packages, "content", l.reporter.last.Content)
		return nil
	}
	if refusal, ok := errors.AsType[*RefusedError](err); ok && refusal.Code == agentwire.CodeRevoked {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	l.reporter.keep()
	l.reportFailures++
	l.reportAt = time.Now().Add(max(pause(l.reportFailures), asked(err)))
	log.Warn("report failed", "error", err, "attempt", l.reportFailures, "again", l.reportAt)
	return nil
}

// farewell tells the server that the machine is going down, if that takes no
// time: who shuts down waits for it.
func (l *loop) farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := l.reporter.farewell(ctx); err != nil {
		l.agent.cfg.Log.Warn("say that the machine goes down", "error", err)
	}
}

// pause doubles with every failure up to mostPause; the jitter keeps a fleet
// from returning at once after an outage.
func pause(failures int) time.Duration {
	d := mostPause
	if failures <= 7 {
		d = min(d, firstPause<<(failures-1))
	}
	return d/2 + rand.N(d/2+1)
}

// asked is how long a server that refused wants to be left alone, and up to a
// quarter more, so that those it refused together do not return together.
func asked(err error) time.Duration {
	refusal, ok := errors.AsType[*RefusedError](err)
	if !ok {
		return 0
	}
	return refusal.retryAfter + rand.N(refusal.retryAfter/4+1)
}

// jitter spreads regular work over the last tenth of its interval.
func jitter(d time.Duration) time.Duration { return d - rand.N(d/10+1) }

// fingerprint tells versions of the package databases apart, as far as size
// and time of change do.
type fingerprint string

func (l *loop) takeFingerprint() fingerprint {
	var print []byte
	fsys := l.agent.host.FS()
	for _, name := range extract.DatabaseFiles() {
		if info, err := fs.Stat(fsys, name); err == nil {
			print = append(print, name...)
			print = info.ModTime().UTC().AppendFormat(print, time.RFC3339Nano)
			print = append(print, byte(info.Size()), byte(info.Size()>>8), byte(info.Size()>>16), byte(info.Size()>>24))
		}
	}
	return fingerprint(print)
}
