package event_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"muster/internal/event"
	"muster/internal/event/send"
	"muster/internal/store"
	"muster/internal/store/sinks"
	"muster/internal/store/storetest"
)

// inOrder checks that every event of the findings came, in order for each.
func inOrder(t *testing.T, got []told, findings, each int) {
	t.Helper()
	next := map[string]int{}
	for _, e := range got {
		if e.N != next[e.Finding] {
			t.Errorf("event %d of %s came when %d was next", e.N, e.Finding, next[e.Finding])
		}
		next[e.Finding] = e.N + 1
	}
	if len(got) != findings*each || len(next) != findings {
		t.Errorf("%d events of %d findings came, want %d of %d", len(got), len(next), findings*each, findings)
	}
}

func TestEveryEventComesInTheOrderOfItsFinding(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, 1000)
		good := newReceiver(t, nil)
		flaky := newReceiver(t, func(n int, _ told) int { return map[bool]int{true: 503, false: 200}[n%3 == 1] })
		good.key = w.sink(sinks.Sink{ID: "sink-good", Kind: sinks.Webhook, URL: good.URL}, send.Credentials{})
		flaky.key = w.sink(sinks.Sink{ID: "sink-flaky", Kind: sinks.Webhook, URL: flaky.URL}, send.Credentials{})
		w.run()
		for n := range 15 {
			for f := range 8 {
				w.emit(owner, fmt.Sprintf("f%d", f), n)
			}
		}
		w.until(func() bool { return len(good.events(t)) == 120 && len(flaky.events(t)) == 120 }, func() string {
			return fmt.Sprintf("%d and %d events came", len(good.events(t)), len(flaky.events(t)))
		})
		inOrder(t, good.events(t), 8, 15)
		inOrder(t, flaky.events(t), 8, 15)
		w.backlog("sink-flaky", 0, 0)
	})
}

// TestEachSinkGetsItsOwn: other accounts' events are for an administrator that
// asks for them only, and filters hold.
func TestEachSinkGetsItsOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, 10)
		r := newReceiver(t, nil)
		r.key = w.sink(sinks.Sink{ID: "sink-a", Kind: sinks.Webhook, URL: r.URL, Organization: true}, send.Credentials{})
		elsewhere := newReceiver(t, nil)
		elsewhere.key = w.sink(sinks.Sink{ID: "sink-b", Kind: sinks.Webhook, URL: elsewhere.URL, Region: "eu-west-1"}, send.Credentials{})
		others := newReceiver(t, nil)
		others.key = w.sink(sinks.Sink{ID: "sink-c", Kind: sinks.Webhook, URL: others.URL, Options: sinks.Options{DetailTypes: []string{"Inspector2 Scan"}}}, send.Credentials{})
		w.run()
		w.emit("999988887777", "theirs", 0) // of an account that is no member
		w.emit(owner, "ours", 0)
		w.until(func() bool { return len(r.events(t)) > 0 }, func() string { return "nothing came" })
		if got := r.events(t); len(got) != 1 || got[0].Account != owner {
			t.Errorf("came %v", got)
		}
		if got := append(elsewhere.events(t), others.events(t)...); len(got) > 0 {
			t.Errorf("came to the wrong sinks: %v", got)
		}
	})
}

func TestASinkThatHangsHoldsUpNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, 10)
		release := make(chan struct{})
		for i := range 6 { // more than an ordinary kind of job has places
			hanging := newReceiver(t, func(int, told) int { <-release; return http.StatusOK })
			hanging.key = w.sink(sinks.Sink{ID: fmt.Sprintf("sink-hangs-%d", i), Kind: sinks.Webhook, URL: hanging.URL}, send.Credentials{})
		}
		t.Cleanup(func() { close(release) })
		w.run()
		w.emit(owner, "f", 0)
		w.until(func() bool { return w.waiting() == 6 }, func() string { return "the events are not dispatched" })
		quick := newReceiver(t, nil)
		quick.key = w.sink(sinks.Sink{ID: "sink-quick", Kind: sinks.Webhook, URL: quick.URL}, send.Credentials{})
		for n := range 10 {
			w.emit(owner, "f", n)
		}
		w.until(func() bool { return len(quick.events(t)) == 10 }, func() string { return "the quick sink waits for the others" })
		w.backlog("sink-hangs-0", 11, 0)
	})
}

func (w *world) waiting() (n int64) {
	w.t.Helper()
	for i := range 6 {
		err := w.store.View(w.t.Context(), func(tx *store.Tx) error {
			b, err := sinks.BacklogOf(w.t.Context(), tx, owner, fmt.Sprintf("sink-hangs-%d", i))
			n += b.Waiting
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return n
}

func TestDeadLettersStayAndCanBeSentAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, 3)
		mended := make(chan struct{})
		r := newReceiver(t, func(_ int, e told) int {
			select {
			case <-mended:
				return http.StatusOK
			default:
			}
			return map[string]int{"refused": http.StatusUnprocessableEntity, "broken": http.StatusInternalServerError}[e.Finding] + map[bool]int{true: 200}[e.Finding == "fine"]
		})
		r.key = w.sink(sinks.Sink{ID: "sink-1", Kind: sinks.Webhook, URL: r.URL}, send.Credentials{})
		w.run()
		w.emit(owner, "refused", 0)
		w.emit(owner, "broken", 0)
		w.emit(owner, "fine", 0)
		w.backlog("sink-1", 0, 2)
		view := func(fn func(tx *store.Tx) error) {
			t.Helper()
			if err := st.View(t.Context(), fn); err != nil {
				t.Fatal(err)
			}
		}
		view(func(tx *store.Tx) error {
			list, err := sinks.Dead(t.Context(), tx, owner, "sink-1", 0, 10)
			if len(list) != 2 {
				t.Fatalf("dead letters %+v", list)
			}
			// What the sink refuses for good is not tried again.
			if list[0].Attempts != 1 || list[0].Error != "answered with status 422" || list[1].Attempts != 3 || list[1].Error != "answered with status 500" {
				t.Errorf("dead letters %+v", list)
			}
			return err
		})
		close(mended)
		update(t, st, func(tx *store.Tx) error {
			n, err := sinks.Revive(t.Context(), tx, owner, "sink-1", nil)
			if n != 2 {
				t.Errorf("revived %d", n)
			}
			if err == nil {
				err = event.AskForDelivery(t.Context(), tx, owner, "sink-1", time.Now())
			}
			return err
		})
		w.backlog("sink-1", 0, 0)
		if got := r.events(t); len(got) != 3 {
			t.Errorf("came %v", got)
		}
	})
}

// TestASinkThatIsGoneIsTriedLessOften and takes everything once it is back.
func TestASinkThatIsGoneIsTriedLessOften(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := newWorld(t, st, 1000)
		gone := true
		asked := 0
		r := newReceiver(t, nil)
		r.answer = func(int, told) int {
			r.mu.Lock()
			defer r.mu.Unlock()
			if gone {
				asked++
				return http.StatusBadGateway
			}
			return http.StatusOK
		}
		r.key = w.sink(sinks.Sink{ID: "sink-1", Kind: sinks.Webhook, URL: r.URL}, send.Credentials{})
		for n := range 300 {
			w.emit(owner, fmt.Sprintf("f%d", n), 0)
		}
		w.run()
		w.until(func() bool { return w.progress().Failures >= 3 }, func() string { return fmt.Sprintf("%+v", w.progress()) })
		r.mu.Lock()
		if asked > 300 {
			t.Errorf("asked %d times in three attempts", asked)
		}
		gone = false
		r.mu.Unlock()
		w.backlog("sink-1", 0, 0)
		inOrder(t, r.events(t), 300, 1)
		if p := w.progress(); p.Failures != 0 || p.Delivered != 300 {
			t.Errorf("progress %+v", p)
		}
	})
}

func (w *world) progress() (p sinks.Progress) {
	w.t.Helper()
	err := w.store.View(w.t.Context(), func(tx *store.Tx) (err error) {
		p, err = sinks.ProgressOf(w.t.Context(), tx, owner, "sink-1")
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}
