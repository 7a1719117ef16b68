package crash

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"muster/internal/event/form"
	"muster/internal/store"
	"muster/internal/store/storetest"
)

// receiver takes events as a webhook. Now and then it fails, is slow, or takes
// an event and says nothing about it.
type receiver struct {
	account string

	mu sync.Mutex // guards all below
	// first lists the ids of events in the order in which they came first,
	// by finding; times counts how often each came.
	first map[string][]string
	times map[string]int
	rnd   *rand.Rand
}

func newReceiver(t *testing.T, c *clients) *receiver {
	t.Helper()
	r := &receiver{first: map[string][]string{}, times: map[string]int{}, rnd: random(t)}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	err := c.muster(t.Context(), "CreateSink", map[string]any{
		"name": "receiver", "kind": "WEBHOOK", "url": s.URL, "detailTypes": []string{"Inspector2 Finding"},
	}, &struct{}{})
	must(t, err)
	r.account = c.account(t)
	return r
}

// ServeHTTP takes an event.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var e struct {
		ID     string `json:"id"`
		Detail struct {
			FindingARN string `json:"findingArn"`
		} `json:"detail"`
	}
	if err := json.NewDecoder(req.Body).Decode(&e); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	mood := r.rnd.IntN(40)
	if mood > 0 {
		if r.times[e.ID]++; r.times[e.ID] == 1 {
			r.first[e.Detail.FindingARN] = append(r.first[e.Detail.FindingARN], e.ID)
		}
	}
	r.mu.Unlock()
	switch mood {
	case 0:
		w.WriteHeader(http.StatusInternalServerError)
	case 1:
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	case 2:
		<-time.After(100 * time.Millisecond)
	}
}

// check waits until every event of a finding has come, and in its order: the
// first time that it came, whatever was repeated. What the events tell is what
// became of the findings.
func (r *receiver) check(t *testing.T, url string) {
	s := storetest.Open(t, url, store.Options{})
	eventually(t, rest, func() error {
		want, n, err := outbox(t, s, r.account)
		if err != nil {
			return err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for arn, ids := range want {
			if !slices.Equal(r.first[arn], ids) {
				return fmt.Errorf("of %s came %v, there were %v", arn, r.first[arn], ids)
			}
		}
		repeated := 0
		for _, times := range r.times {
			repeated += times - 1
		}
		t.Logf("%d events of %d findings came, %d times again", n, len(want), repeated)
		return nil
	})
	history(t, s, r.account)
}

// outbox lists the ids of the events of findings, in their order, by finding.
func outbox(t *testing.T, s *store.Store, account string) (ids map[string][]string, n int, err error) {
	ids = map[string][]string{}
	err = each(t, s, account, func(e *store.Event, about about) {
		ids[about.FindingARN] = append(ids[about.FindingARN], form.UUID(e.ID))
		n++
	})
	return ids, n, err
}

// about is what the tests read of an event.
type about struct {
	FindingARN, Status string
}

func each(t *testing.T, s *store.Store, account string, fn func(*store.Event, about)) error {
	t.Helper()
	for after := ""; ; {
		list, err := store.Read(t.Context(), s, func(tx *store.Tx) ([]store.Event, error) { return tx.Events(t.Context(), account, after, 500) })
		if err != nil {
			return err
		}
		for i := range list {
			after = list[i].ID
			var what about
			if err := json.Unmarshal(list[i].Detail, &what); err != nil {
				return err
			}
			if what.FindingARN != "" && list[i].DetailType == "Inspector2 Finding" {
				fn(&list[i], what)
			}
		}
		if len(list) < 500 {
			return nil
		}
	}
}

// history compares what the events of each finding told last with what it is,
// and has no finding closed twice, nor an event older than the one before.
func history(t *testing.T, s *store.Store, account string) {
	t.Helper()
	last := map[string]about{}
	at := map[string]time.Time{}
	err := each(t, s, account, func(e *store.Event, what about) {
		if before := last[what.FindingARN]; before.Status == what.Status && what.Status != "ACTIVE" {
			t.Errorf("%s is %s twice in a row", what.FindingARN, what.Status)
		}
		if !e.Time.After(at[what.FindingARN]) {
			t.Errorf("%s: an event of %v follows one of %v", what.FindingARN, e.Time, at[what.FindingARN])
		}
		last[what.FindingARN], at[what.FindingARN] = what, e.Time
	})
	must(t, err)
	found, err := store.Read(t.Context(), s, func(tx *store.Tx) (map[string]string, error) {
		rows, err := tx.Query(t.Context(), `SELECT 'arn:aws:inspector2:' || region || ':' || account || ':finding/' || id || ' ' || status FROM findings WHERE account = $1`, account)
		list, err := store.All(rows, err, store.Text)
		found := map[string]string{}
		for _, line := range list {
			var arn, status string
			if _, err := fmt.Sscan(line, &arn, &status); err != nil {
				return nil, err
			}
			found[arn] = status
		}
		return found, err
	})
	must(t, err)
	for arn, status := range found {
		said := last[arn].Status
		// What happens to a finding while a rule hides it is not told.
		if hidden := said == "" || said == "SUPPRESSED"; said != status && !(hidden && status != "ACTIVE") && !(said == "CLOSED" && status == "SUPPRESSED") {
			t.Errorf("%s is %s, the last event said %q", arn, status, last[arn].Status)
		}
	}
}
