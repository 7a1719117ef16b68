package fleet_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"muster/internal/agentwire"
	"muster/internal/awsmodel/muster"
	"muster/internal/fleet"
)

func TestReportIsHandedOn(t *testing.T) {
	each(t, func(w *world) {
		host := w.enrol(ours, "m", "k")
		w.now = w.now.Add(time.Minute)
		r := w.report(host, 7, "1")
		out, err := w.tryReport(host, "k", r)
		if err != nil || !out.Accepted || out.NeedInventory || out.NextReportSeconds != 1800 {
			t.Fatalf("%+v, %v", out, err)
		}
		if len(w.notes.reports) != 1 || w.jobs() != 1 {
			t.Fatalf("%d reports, %d jobs", len(w.notes.reports), w.jobs())
		}
		got := w.notes.reports[0]
		if got.Account != ours || got.Region != "us-east-1" || got.HostID != string(host) || got.Label != "web-1" || got.Hash != r.InventoryHash ||
			got.Inventory == nil || !got.CollectedAt.Equal(r.CollectedAt) || !got.ReceivedAt.Equal(w.now) {
			t.Errorf("handed on %+v", got)
		}
		h := w.hosts(ours)[0]
		if *h.InventoryHash != r.InventoryHash || !h.LastSeenAt.Equal(w.now) {
			t.Errorf("listed %+v", h)
		}
	})
}

func TestHeartbeats(t *testing.T) {
	each(t, func(w *world) {
		host := w.enrol(ours, "m", "k")
		out, err := w.tryReport(host, "k", w.heartbeat(host, 1, "1"))
		if err != nil || out.Accepted || !out.NeedInventory || w.jobs() != 0 {
			t.Fatalf("unknown content: %+v, %v", out, err)
		}
		if h := w.hosts(ours)[0]; h.LastSeenAt != nil {
			t.Errorf("a heartbeat that was not accepted left %+v", h)
		}
		if out, err = w.tryReport(host, "k", w.report(host, 1, "1")); err != nil || !out.Accepted {
			t.Fatalf("content: %+v, %v", out, err)
		}
		if out, err = w.tryReport(host, "k", w.heartbeat(host, 2, "1")); err != nil || !out.Accepted {
			t.Fatalf("known content: %+v, %v", out, err)
		}
		// The content vanished between the question and the transaction.
		w.notes.fail = fleet.ErrUnknownInventory
		if out, err = w.tryReport(host, "k", w.heartbeat(host, 3, "1")); err != nil || !out.NeedInventory {
			t.Fatalf("vanished content: %+v, %v", out, err)
		}
	})
}

func TestReportRefusals(t *testing.T) {
	each(t, func(w *world) {
		host, other := w.enrol(ours, "m1", "k1"), w.enrol(theirs, "m2", "k2")
		if _, err := w.tryReport(host, "k1", w.report(host, 5, "1")); err != nil {
			t.Fatal(err)
		}
		before := w.hosts(ours)[0]
		w.now = w.now.Add(time.Minute)

		_, err := w.tryReport(host, "k2", w.report(host, 6, "2"))
		w.wantRefusal(err, agentwire.CodeBadSignature) // stolen identity
		_, err = w.tryReport("i-00000000000000000", "k1", w.report("i-00000000000000000", 6, "2"))
		w.wantRefusal(err, agentwire.CodeBadSignature) // unknown host
		_, err = w.tryReport(other, "k2", w.report(host, 6, "2"))
		w.wantRefusal(err, agentwire.CodeBadSignature) // for another host
		for _, sequence := range []int64{0, 4, 5} {
			_, err = w.tryReport(host, "k1", w.report(host, sequence, "2"))
			if r := w.wantRefusal(err, agentwire.CodeSequence); r.LastSequence != 5 {
				t.Errorf("last sequence %d", r.LastSequence)
			}
		}
		future := w.report(host, 6, "2")
		future.CollectedAt = w.now.Add(time.Hour)
		_, err = w.tryReport(host, "k1", future)
		w.wantRefusal(err, agentwire.CodeBadRequest)

		signed := w.signed(agentwire.PathReport, host, 6, "k1")
		found, err := w.desk.Find(t.Context(), signed.Signature)
		if err != nil {
			t.Fatal(err)
		}
		w.wantRefusal(w.desk.Authenticate(found, signed, w.now.Add(-agentwire.MaxSkew-time.Second)), agentwire.CodeClockSkew)

		if after := w.hosts(ours)[0]; !after.LastSeenAt.Equal(*before.LastSeenAt) || *after.InventoryHash != *before.InventoryHash {
			t.Errorf("refusals changed %+v to %+v", before, after)
		}
		if len(w.notes.reports) != 1 || w.jobs() != 1 {
			t.Errorf("%d reports, %d jobs", len(w.notes.reports), w.jobs())
		}
	})
}

func TestFailedAcceptLeavesNothing(t *testing.T) {
	each(t, func(w *world) {
		host := w.enrol(ours, "m", "k")
		boom := errors.New("boom")
		w.notes.fail = boom
		if _, err := w.tryReport(host, "k", w.report(host, 1, "1")); !errors.Is(err, boom) {
			t.Errorf("got %v", err)
		}
		if h := w.hosts(ours)[0]; h.LastSeenAt != nil || w.jobs() != 0 {
			t.Errorf("left %+v, %d jobs", h, w.jobs())
		}
		w.notes.fail = nil
		if out, err := w.tryReport(host, "k", w.report(host, 1, "1")); err != nil || !out.Accepted {
			t.Errorf("the same report again: %+v, %v", out, err)
		}
	})
}

// TestChangesBetweenProofAndTransaction: what was true when the request was
// authenticated is checked again where it counts.
func TestChangesBetweenProofAndTransaction(t *testing.T) {
	each(t, func(w *world) {
		host := w.enrol(ours, "m", "k")
		found, err := w.desk.Find(t.Context(), w.signed(agentwire.PathReport, host, 1, "k").Signature)
		if err != nil {
			t.Fatal(err)
		}
		accept := func(sequence int64) error {
			_, err := w.desk.AcceptReport(t.Context(), found, w.report(host, sequence, "1"), w.now)
			return err
		}
		if _, err := w.tryReport(host, "k", w.report(host, 3, "1")); err != nil {
			t.Fatal(err)
		}
		w.wantRefusal(accept(3), agentwire.CodeSequence)
		if _, err := w.desk.RevokeHost(t.Context(), w.call(ours), &muster.RevokeHostInput{HostId: string(host)}); err != nil {
			t.Fatal(err)
		}
		w.wantRefusal(accept(4), agentwire.CodeRevoked)
		w.enrol(ours, "m", "k2")
		w.wantRefusal(accept(5), agentwire.CodeBadSignature)
	})
}

func TestConcurrentCopiesOfAReportCountOnce(t *testing.T) {
	each(t, func(w *world) {
		host := w.enrol(ours, "m", "k")
		found, err := w.desk.Find(t.Context(), w.signed(agentwire.PathReport, host, 1, "k").Signature)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		accepted := 0
		var wg sync.WaitGroup
		r := w.heartbeat(host, 1, "1")
		w.notes.known[r.InventoryHash] = true
		for range 8 {
			wg.Go(func() {
				out, err := w.desk.AcceptReport(t.Context(), found, r, w.now)
				mu.Lock()
				defer mu.Unlock()
				if err == nil && out.Accepted {
					accepted++
				}
			})
		}
		wg.Wait()
		if accepted != 1 {
			t.Errorf("accepted %d times", accepted)
		}
	})
}
