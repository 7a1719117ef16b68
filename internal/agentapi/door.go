// Package agentapi is the door for muster's agents: it bounds and decodes
// their requests, has the fleet desk judge them, and puts the answer on the
// wire. The wire form is package agentwire's.
//
// What a request costs rises only with what it has proved: a stranger is
// refused before its body is read, a wrong signature before the body is
// decompressed. Codes and keys are never logged.
package agentapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"muster/internal/admit"
	"muster/internal/agentwire"
	"muster/internal/fleet"
	"muster/internal/inventory"
)

// Prefix is the path below which a server mounts the door.
const Prefix = "/agent/"

// Options tune the door. The zero value is good for production.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log receives internal errors, once each; nil means silence.
	Log *slog.Logger
	// TryLater, if set, tells the failures that pass by themselves, such as a
	// database that does not answer: agents are told when to try again.
	TryLater func(error) bool
	// Limits bound the inventories; the zero value means the defaults.
	Limits inventory.Limits
	// Reports is how many reports are held in memory at once; others wait. 0
	// means 8. The largest report allowed takes some 200 MB.
	Reports int
	// Waiting is how many wait for that, and Wait how long; who comes beyond
	// that is told to come back later. 0 means 256 and ten seconds.
	Waiting int
	Wait    time.Duration
	// Patience bounds how long a request may take once it is its turn; 0
	// means one minute.
	Patience time.Duration
	// Failures is how many enrolments may fail in a burst from one remote
	// address (one /64 in IPv6), with one more every FailureEvery; 0 means 10
	// and 10 seconds.
	Failures     int
	FailureEvery time.Duration
}

// Door is the http.Handler for paths below Prefix.
type Door struct {
	desk *fleet.Service
	opts Options
	// requests are all that are in the door; reports are those of known hosts
	// that are, or wait to be, in memory.
	requests chan struct{}
	reports  *admit.Gate
	failures *limiter
}

// New returns the door to the desk.
func New(desk *fleet.Service, opts Options) *Door {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Limits == (inventory.Limits{}) {
		opts.Limits = inventory.DefaultLimits()
	}
	if opts.Reports <= 0 {
		opts.Reports = 8
	}
	if opts.Waiting <= 0 {
		opts.Waiting = 256
	}
	if opts.Wait <= 0 {
		opts.Wait = 10 * time.Second
	}
	if opts.Patience <= 0 {
		opts.Patience = time.Minute
	}
	if opts.TryLater == nil {
		opts.TryLater = func(error) bool { return false }
	}
	if opts.Failures <= 0 {
		opts.Failures = 10
	}
	if opts.FailureEvery <= 0 {
		opts.FailureEvery = 10 * time.Second
	}
	return &Door{
		desk: desk, opts: opts, requests: make(chan struct{}, opts.Reports+2*opts.Waiting),
		reports:  admit.New(admit.Limits{Inside: opts.Reports, Waiting: opts.Waiting, Patience: opts.Wait}),
		failures: newLimiter(opts.Failures, opts.FailureEvery),
	}
}

// ServeHTTP answers every request with JSON.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := d.serve(w, r)
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	write(w, http.StatusOK, answer)
}

// serve handles a request unless too many are being handled.
func (d *Door) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	select {
	case d.requests <- struct{}{}:
		defer func() { <-d.requests }()
	default:
		return nil, admit.ErrFull
	}
	ctx, cancel := context.WithTimeout(r.Context(), d.opts.Wait+d.opts.Patience)
	defer cancel()
	return d.route(w, r.WithContext(ctx))
}

func (d *Door) route(w http.ResponseWriter, r *http.Request) (answer any, err error) {
	var serve func(http.ResponseWriter, *http.Request) (any, error)
	switch r.URL.Path {
	case agentwire.PathEnroll:
		serve = d.enroll
	case agentwire.PathReport:
		serve = d.report
	case agentwire.PathKey:
		serve = d.key
	default:
		return nil, refusal(agentwire.CodeNotFound, "There is nothing at this path.")
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, refusal(agentwire.CodeMethodNotAllowed, "This path takes POST only.")
	}
	if code, words := agentwire.CheckVersion(r.Header); code != "" {
		return nil, refusal(code, words)
	}
	return serve(w, r)
}

// signature reads the Authorization header.
func signature(r *http.Request) (agentwire.Signature, error) {
	sig, err := agentwire.ParseSignature(r.Header.Get("Authorization"))
	if err != nil {
		return sig, refusal(agentwire.CodeBadSignature, err.Error())
	}
	return sig, nil
}

// readWithin bounds how long a body may take, so that slow senders cannot
// keep others waiting.
const readWithin = time.Minute

// read reads the request's body as sent.
func read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	// Not supported by every ResponseWriter; then the server's bound holds.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readWithin))
	body, err := agentwire.ReadBody(http.MaxBytesReader(w, r.Body, limit+1), limit)
	if errors.Is(err, agentwire.ErrTooLarge) {
		return nil, tooLarge(limit)
	}
	if err != nil {
		return nil, refusal(agentwire.CodeBadRequest, "The body could not be read to its end.")
	}
	return body, nil
}

func write(w http.ResponseWriter, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil { // the answers are structs of plain values
		status, body = http.StatusInternalServerError, []byte(`{"code":"InternalError","message":"The answer could not be written."}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client is gone: nobody to tell
}

// refuse answers with the refusal in err, or with an internal error.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refused, ok := errors.AsType[*fleet.Refusal](err)
	switch {
	case ok:
	case errors.Is(err, admit.ErrFull):
		refused = refusal(agentwire.CodeUnavailable, "The server has more to do than it can take; try again later.")
	case d.opts.TryLater(err) || errors.Is(err, context.DeadlineExceeded):
		refused = refusal(agentwire.CodeUnavailable, "The server cannot do this now; try again later.")
		d.opts.Log.Warn("agent request put off", "path", r.URL.Path, "error", err)
	default:
		refused = refusal(agentwire.CodeInternal, "The server could not handle the request; try again later.")
		if !errors.Is(err, context.Canceled) {
			d.opts.Log.Error("agent request failed", "path", r.URL.Path, "remote", r.RemoteAddr, "error", err)
		}
	}
	answer := agentwire.ErrorResponse{Code: refused.Code, Message: refused.Message, LastSequence: refused.LastSequence}
	if !refused.ServerTime.IsZero() {
		answer.ServerTime = &refused.ServerTime
	}
	if refused.Code == agentwire.CodeUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(leastPause+rand.IntN(mostPause-leastPause)))
	}
	write(w, status(refused.Code), answer)
}

// leastPause and mostPause are the bounds of when an agent that is refused may
// come back, in seconds: chance spreads those that came together.
const leastPause, mostPause = 5, 60

func refusal(code agentwire.ErrorCode, message string) *fleet.Refusal {
	return &fleet.Refusal{Code: code, Message: message}
}

// status is the HTTP status that agentwire names beside each code.
func status(code agentwire.ErrorCode) int {
	switch code {
	case agentwire.CodeBadRequest:
		return http.StatusBadRequest
	case agentwire.CodeBadSignature, agentwire.CodeClockSkew:
		return http.StatusUnauthorized
	case agentwire.CodeRevoked, agentwire.CodeActivation:
		return http.StatusForbidden
	case agentwire.CodeNotFound:
		return http.StatusNotFound
	case agentwire.CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case agentwire.CodeSequence:
		return http.StatusConflict
	case agentwire.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case agentwire.CodeAgentTooOld:
		return http.StatusUpgradeRequired
	case agentwire.CodeAgentTooNew:
		return http.StatusNotImplemented
	case agentwire.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
