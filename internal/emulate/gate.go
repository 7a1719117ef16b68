package emulate

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The paths that empty an emulator: muster's own, and the one that clients of
// the common Python mock call.
const (
	ResetPath     = "/_muster/reset"
	MotoResetPath = "/moto-api/reset"
)

// patience is how long requests in flight may delay a reset before they are
// cancelled.
const patience = 100 * time.Millisecond

// Gate stands before everything that an emulator serves. It lets requests in,
// exchanges what is behind it when the emulator is emptied, and keeps out what
// comes from foreign pages in a browser on the same machine: without
// credentials, the address is all that an emulator can go by.
type Gate struct {
	// Renew puts an empty world in the place of the one before and returns
	// its handler. It runs while no request is inside.
	Renew func(context.Context) (http.Handler, error)
	// Settle waits until what is due has been done.
	Settle func(context.Context)
	Log    *slog.Logger

	// mu is held for reading by requests inside, for writing by a reset. It
	// guards all below.
	mu     sync.RWMutex
	behind http.Handler
	// inside ends for the requests inside when evict is called.
	inside context.Context
	evict  context.CancelCauseFunc
}

// Open lets requests through to a handler.
func (g *Gate) Open(behind http.Handler) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open(behind)
}

// open is Open for the holder of mu.
func (g *Gate) open(behind http.Handler) {
	g.behind = behind
	g.inside, g.evict = context.WithCancelCause(context.Background())
}

// Close lets nobody in any more, and cancels and awaits the requests inside.
func (g *Gate) Close() {
	g.mu.RLock()
	evict := g.evict
	g.mu.RUnlock()
	evict(errEmptied)
	g.Open(nil)
}

// ServeHTTP implements http.Handler.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !local(r.Host), foreign(r):
		http.Error(w, "This is an emulator without authentication: it answers programs on this machine, and no pages of other sites.", http.StatusForbidden)
	case r.URL.Path == ResetPath, r.URL.Path == MotoResetPath:
		g.reset(w, r)
	default:
		g.pass(w, r)
	}
}

// pass lets a request in once everything due has been done, so that what a
// client has begun without delay is complete when it looks.
func (g *Gate) pass(w http.ResponseWriter, r *http.Request) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.behind == nil {
		http.Error(w, "The emulator could not be emptied; its log says why. Another reset may succeed.", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer context.AfterFunc(g.inside, func() { cancel(errEmptied) })()
	g.Settle(ctx)
	g.behind.ServeHTTP(w, r.WithContext(ctx))
}

var errEmptied = errors.New("the emulator is being emptied")

// Reset waits for the requests inside, not for long, and renews what is behind
// the gate.
func (g *Gate) Reset(ctx context.Context) error {
	g.mu.RLock()
	evict := g.evict
	g.mu.RUnlock()
	hurry := time.AfterFunc(patience, func() { evict(errEmptied) })
	g.mu.Lock()
	defer g.mu.Unlock()
	hurry.Stop()
	behind, err := g.Renew(ctx)
	g.open(behind)
	return err
}

func (g *Gate) reset(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		answer(w, http.StatusMethodNotAllowed, "only POST")
		return
	}
	began := time.Now()
	// What was begun is completed, also when the client goes away.
	if err := g.Reset(context.WithoutCancel(r.Context())); err != nil {
		g.Log.Error("the emulator could not be emptied", "error", err)
		answer(w, http.StatusInternalServerError, "the emulator could not be emptied; its log says why")
		return
	}
	g.Log.Info("emptied", "took", time.Since(began))
	answer(w, http.StatusOK, "ok")
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The peer may have gone; nothing is left to do then.
	_ = json.NewEncoder(w).Encode(map[string]string{"status": text})
}

// local reports whether a Host header names this machine's loopback. A page of
// another site that has made its own name point here cannot.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// foreign reports whether a browser sends the request for a page of another
// site. Following a link to the console is no such thing.
func foreign(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		return err != nil || u.Host != r.Host
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return r.Method != http.MethodGet || r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.URL.RawQuery != ""
	}
	return false
}
