package scan_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"muster/internal/inventory"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
)

// TestClocksThatDifferConfuseNobody has two processes, the clock of one of them
// behind, take turns in changing the same findings: their times rise all the
// same, and their events are passed on in the order in which they happened.
func TestClocksThatDifferConfuseNobody(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		w := newWorld(t, func(o store.Options) *store.Store { return storetest.Open(t, url, o) })
		slow := *w
		behind := func() time.Time { return w.now.Add(-80 * time.Millisecond) }
		slow.store = storetest.Open(t, url, store.Options{Now: behind})
		slow.desk = scan.New(scan.Config{Store: slow.store, Advisories: w.publisher, Now: behind})
		w.ec2("A", activation.Enabled)
		of := newNews()
		for _, line := range []string{"feed Debian", "DSA-1 Debian:12 openssl fixed 3.0.2-1 about CVE-2026-1001"} {
			if err := of.read(line); err != nil {
				t.Fatal(err)
			}
		}
		w.publish(of, false)
		w.settle()
		const turns = 12
		for n := range turns {
			// The slow one's clock is not even yet where the other's was.
			w.now = w.now.Add(10 * time.Millisecond)
			slow.now = behind()
			by := []*world{w, &slow}[n%2]
			by.packages["web"] = []inventory.Item{item([]string{"openssl@3.0.1-1", "openssl@3.0.3-1"}[n%2])}
			by.report("web", "A", false)
			by.settle()
		}
		var last time.Time
		w.update(func(ctx context.Context, tx *store.Tx) error {
			list, err := tx.PendingEvents(ctx, "", 100)
			var told []string
			for _, e := range list {
				var f struct{ FindingARN, Status string }
				if err := json.Unmarshal(e.Detail, &f); err != nil {
					return err
				}
				if f.FindingARN == "" {
					continue
				}
				if told = append(told, f.Status); !e.Time.After(last) {
					t.Errorf("an event of %v follows one of %v", e.Time, last)
				}
				last = e.Time
			}
			for i, status := range told {
				if want := []string{"ACTIVE", "CLOSED"}[i%2]; status != want {
					t.Errorf("event %d tells of %s, want %s", i, status, want)
				}
			}
			if len(told) != turns {
				t.Errorf("%d events, want %d", len(told), turns)
			}
			return err
		})
		w.inOrder("A", last, turns)
	})
}

// inOrder checks the only finding of an account: when it changed last, and that
// its history tells as many changes in the order of their times.
func (w *world) inOrder(account string, last time.Time, changes int) {
	w.t.Helper()
	w.update(func(ctx context.Context, tx *store.Tx) error {
		list, _, err := findings.List(ctx, tx, findings.Query{Scope: findings.Place{Account: w.account(account), Region: region}, Single: w.account(account), Region: region, Limit: 10})
		if err != nil || len(list) != 1 || !list[0].UpdatedAt.Equal(last) {
			w.t.Fatalf("%v, %+v; want one finding of %v", err, list, last)
		}
		history, err := findings.History(ctx, tx, w.account(account), region, list[0].ID())
		if err != nil || len(history) != changes {
			w.t.Fatalf("%v, history %+v", err, history)
		}
		for i := 1; i < len(history); i++ {
			if history[i].At <= history[i-1].At || history[i].Before != history[i-1].After {
				w.t.Errorf("history %+v", history)
			}
		}
		return nil
	})
}
