package walk

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/config"
	"muster/internal/store/storetest"
	"muster/test/livetest"
)

var (
	seed    = flag.Uint64("walk.seed", 896674609, "plays the history of this seed; 0 means a new one")
	steps   = flag.Int("walk.steps", 1000, "how long the histories are")
	cutting = flag.Duration("walk.shrink", 40*time.Second, "how long a failing history is made shorter")
)

// quotas let organizations fill up.
func quotas(c *config.Config) { c.Quotas = []string{fmt.Sprintf("accounts=%d", maxAccounts)} }

// checkpoint is how many steps pass between two looks at everything.
const checkpoint = 25

func seedOf(t *testing.T) uint64 {
	n := *seed
	if n == 0 {
		n = uint64(time.Now().UnixNano()) % 1_000_000_007
	}
	t.Logf("-walk.seed=%d repeats this history", n)
	return n
}

func TestWalk(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		t.Parallel()
		n := *steps
		if strings.HasPrefix(url, "postgres") {
			n /= 5
		}
		w, err := found(t.Context(), inProcess{t, livetest.Start(t, url, quotas)})
		if err != nil {
			t.Fatal(err)
		}
		h, err := w.walk(seedOf(t), n)
		t.Logf("%d steps, %d refused", len(h.steps), h.refused)
		if err != nil {
			t.Errorf("after %d steps: %v\n%s", len(h.steps), err, h.tail(40))
			t.Logf("a shorter history with a disagreement:\n%s", shrink(t, h.steps))
		}
	})
}

// history is what was played.
type history struct {
	steps   []step
	refused int
}

func (h history) tail(n int) string {
	var b strings.Builder
	first := max(0, len(h.steps)-n)
	for i, s := range h.steps[first:] {
		fmt.Fprintf(&b, "%4d %v\n", first+i, s)
	}
	return b.String()
}

// beginning is the model of a new organization, and a stranger to it.
func beginning() *model {
	m := newModel()
	m.add(head, account{in: true, parent: root})
	m.add("stranger", account{})
	return m
}

// walk plays a random history.
func (w *world) walk(seed uint64, n int) (h history, err error) {
	m := beginning()
	d := &dice{Rand: rand.New(rand.NewPCG(seed, 1)), m: m, policies: true}
	// The first steps fill the organization.
	for i := range 7 {
		s := step{op: "create account", caller: head, text: fmt.Sprintf("first-%d", i)}
		if err := w.play(m, &h, s); err != nil {
			return h, err
		}
	}
	for i := 1; i <= n; i++ {
		if err := w.play(m, &h, d.next()); err != nil {
			return h, err
		}
		if i%checkpoint == 0 {
			if err := w.eventually(func() error { return w.compare(m) }); err != nil {
				return h, err
			}
		}
	}
	return h, w.compare(m)
}

// play makes one step in the world and in the model.
func (w *world) play(m *model, h *history, s step) error {
	h.steps = append(h.steps, s)
	want := m.apply(s)
	if want.code != "" {
		h.refused++
	}
	if err := w.perform(s, want); err != nil {
		return fmt.Errorf("%v: %w", s, err)
	}
	if err := w.settle(m, s, want); err != nil {
		return fmt.Errorf("%v: %w", s, err)
	}
	return nil
}

// replay plays a cut history in a new world and reports the disagreement, if
// there is one. Steps that make no sense any more are left out.
func replay(t *testing.T, list []step) (played []step, err error) {
	w, err := found(t.Context(), inProcess{t, livetest.Start(t, "", quotas)})
	if err != nil {
		t.Fatal(err)
	}
	w.patience = 3 * time.Second // a failing history fails often
	m, h := beginning(), history{}
	for _, s := range list {
		if m.ok(s) {
			if err := w.play(m, &h, s); err != nil {
				return h.steps, err
			}
		}
	}
	return h.steps, w.compare(m)
}

// shrink leaves out ever smaller parts of a failing history, as long as it
// still fails.
func shrink(t *testing.T, list []step) string {
	deadline := time.Now().Add(*cutting)
	var last error
	for size := len(list) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(list); {
			if time.Now().After(deadline) {
				return fmt.Sprintf("%s%v", history{steps: list}.tail(60), last)
			}
			shorter := slices.Concat(list[:at], list[at+size:])
			if played, err := replay(t, shorter); err != nil {
				list, last = played, err
			} else {
				at += size
			}
		}
	}
	return fmt.Sprintf("%s%v", history{steps: list}.tail(60), last)
}
