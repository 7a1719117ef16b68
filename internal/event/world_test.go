package event_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/event"
	"muster/internal/event/send"
	"muster/internal/keyring"
	"muster/internal/store"
	"muster/internal/store/sinks"
	"muster/internal/worker"
)

const (
	owner  = "111122223333"
	region = "us-east-1"
)

// world is a store with sinks, and a worker that serves them.
type world struct {
	t     *testing.T
	store *store.Store
	desk  *event.Service
	ring  *keyring.Keyring
	// attempts is how often an event may fail.
	attempts int
}

func newWorld(t *testing.T, st *store.Store, attempts int) *world {
	t.Helper()
	ring, err := keyring.New(bytes.Repeat([]byte{7}, keyring.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: st, ring: ring, attempts: attempts}
	w.desk = event.New(event.Config{
		Store: st, Keyring: ring, Guard: send.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), Attempts: attempts,
		Backoff: func(int) time.Duration { return 5 * time.Millisecond }, Slice: 300 * time.Millisecond,
	})
	return w
}

// run serves the sinks until the test ends or stop is called.
func (w *world) run() (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	var all sync.WaitGroup
	if err := w.desk.Start(ctx); err != nil {
		w.t.Fatal(err)
	}
	all.Go(func() { w.desk.Watch(ctx) })
	all.Go(func() {
		_ = worker.New(w.store, w.desk.Jobs(), worker.Options{PerKind: event.Concurrency(), Poll: 20 * time.Millisecond, Grace: -1}).Run(ctx)
	})
	stop = func() { cancel(); all.Wait() }
	w.t.Cleanup(stop)
	return stop
}

// sink adds a sink and returns the key of its signatures.
func (w *world) sink(k sinks.Sink, c send.Credentials) (key []byte) {
	w.t.Helper()
	if k.Account == "" {
		k.Account = owner
	}
	if k.Kind == sinks.Webhook {
		key = []byte("key of " + k.ID)
		c.Signing = key
	}
	if k.Format == "" {
		k.Format = "EVENTBRIDGE"
	}
	k.Name, k.Enabled, k.CreatedAt, k.UpdatedAt = k.ID, true, time.Now(), time.Now()
	var err error
	if k.Secret, err = event.SealSecret(w.ring, k.Account, k.ID, c); err != nil {
		w.t.Fatal(err)
	}
	update(w.t, w.store, func(tx *store.Tx) error { return sinks.Put(w.t.Context(), tx, &k) })
	return key
}

// emit writes the nth event of a finding into the outbox.
func (w *world) emit(account, finding string, n int) {
	w.t.Helper()
	update(w.t, w.store, func(tx *store.Tx) error {
		return tx.Emit(w.t.Context(), store.Event{
			Account: account, Region: region, Source: "aws.inspector2", DetailType: "Inspector2 Finding", Resources: []string{"i-1"},
			Detail: fmt.Appendf(nil, `{"findingArn":%q,"n":%d}`, finding, n), Time: time.Now(),
		})
	})
}

// backlog waits until a sink has as many events waiting and dead.
func (w *world) backlog(sink string, waiting, dead int64) {
	w.t.Helper()
	var b sinks.Backlog
	w.until(func() bool {
		err := w.store.View(w.t.Context(), func(tx *store.Tx) (err error) {
			b, err = sinks.BacklogOf(w.t.Context(), tx, arn.AccountID(owner), sink)
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
		return b.Waiting == waiting && b.Dead == dead
	}, func() string { return fmt.Sprintf("the backlog of %s is %+v", sink, b) })
}

func (w *world) until(done func() bool, otherwise func() string) {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatal(otherwise())
		}
	}
}

// told is an event as a receiver got it.
type told struct {
	ID, Account, Finding string
	N                    int
}

// receiver is a webhook's other end. It checks signatures by its own
// arithmetic.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	got  []told
	key  []byte
	errs []string
	// answer decides the status of a request by its number, counted from 1.
	answer func(n int, e told) int
	asked  int
}

func newReceiver(t *testing.T, answer func(n int, e told) int) *receiver {
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(rw http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	at, _ := strconv.ParseInt(q.Header.Get(send.HeaderTimestamp), 10, 64)
	var e struct {
		ID, Account string
		Detail      struct {
			FindingARN string `json:"findingArn"`
			N          int
		}
	}
	if err := json.Unmarshal(body, &e); err != nil {
		r.note("%v: %s", err, body)
	}
	r.mu.Lock()
	r.asked++
	n, key := r.asked, r.key
	r.mu.Unlock()
	got := told{e.ID, e.Account, e.Detail.FindingARN, e.Detail.N}
	if want := send.Signature(key, e.ID, time.Unix(at, 0), body); q.Header.Get(send.HeaderSignature) != want || q.Header.Get(send.HeaderID) != e.ID {
		r.note("event %s is signed %s, want %s", e.ID, q.Header.Get(send.HeaderSignature), want)
	}
	if age := time.Since(time.Unix(at, 0)); age > time.Minute {
		r.note("the signature is %v old", age)
	}
	status := http.StatusOK
	if r.answer != nil {
		status = r.answer(n, got)
	}
	if status == http.StatusOK {
		r.mu.Lock()
		r.got = append(r.got, got)
		r.mu.Unlock()
	}
	rw.WriteHeader(status)
}

func (r *receiver) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, fmt.Sprintf(format, args...))
}

// events returns what was received, each event once.
func (r *receiver) events(t *testing.T) []told {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.errs {
		t.Error(e)
	}
	seen := map[string]bool{}
	var list []told
	for _, e := range r.got {
		if !seen[e.ID] {
			list = append(list, e)
		}
		seen[e.ID] = true
	}
	return list
}
