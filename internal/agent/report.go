package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/agentwire"
	"muster/internal/inventory"
)

// reporter brings the server to know one inventory.
type reporter struct {
	agent *Agent

	inv         inventory.Inventory
	hash        string
	collectedAt time.Time
	// evidence is what the host says about itself, "" before the first look.
	evidence     *agentwire.Evidence
	evidenceHash string

	// base is the inventory that the server last took of this host, nil where
	// that is not known.
	base     *inventory.Inventory
	baseHash string
	// waiting names the report on the disk, "" for none.
	waiting string

	last Accepted // the last report that the server took
	// lookAgain says that with its answer the server wants other folders to be
	// looked at than were.
	lookAgain bool
}

func newReporter(a *Agent) *reporter { return &reporter{agent: a} }

// set takes what a look has found.
func (r *reporter) set(inv inventory.Inventory, at time.Time) (changed bool) {
	hash := inv.Hash()
	changed = hash != r.hash
	r.inv, r.hash, r.collectedAt = inv, hash, at
	return changed
}

// testify takes what a look at the host itself has found.
func (r *reporter) testify(w *witness) {
	e := w.last
	r.evidence, r.evidenceHash = &e, w.hash
}

// report says which inventory the host has. It first names the hash alone: the
// server may know the content, from this host or from an equal one. If not, it
// gets the difference to what it last had, or the whole where it no longer has
// that. It returns how long the server is content without another report.
func (r *reporter) report(ctx context.Context) (next time.Duration, err error) {
	before := r.agent.client.sent
	answer, err := r.send(ctx, part{})
	content, difference := err == nil && answer.NeedInventory, false
	if content && answer.BaseHash != "" && answer.BaseHash == r.baseHash {
		difference = true
		answer, err = r.send(ctx, part{delta: agentwire.NewDelta(r.base, &r.inv, r.baseHash)})
	}
	if err == nil && answer.NeedInventory {
		difference = false
		answer, err = r.send(ctx, part{inventory: &r.inv})
	}
	if err == nil && answer.Accepted && answer.NeedEvidence {
		answer, err = r.send(ctx, part{evidence: r.evidence})
	}
	if err != nil {
		return 0, err
	}
	if !answer.Accepted {
		return 0, errors.New("the server neither took the report nor said what it needs")
	}
	r.last = Accepted{Hash: r.hash, Packages: len(r.inv.Items), Content: content, Difference: difference,
		Bytes: r.agent.client.sent - before, CollectedAt: r.collectedAt}
	r.taken()
	r.lookAgain = r.agent.heed(answer.DeepInspection)
	if r.agent.cfg.Accepted != nil {
		r.agent.cfg.Accepted(r.last)
	}
	if answer.RotateKey || r.agent.keyIsOld() {
		if err := r.agent.rotate(ctx); err != nil {
			r.agent.cfg.Log.Warn("the key is not replaced yet", "error", err)
		}
	}
	return time.Duration(answer.NextReportSeconds) * time.Second, nil
}

// taken remembers what the server now has. Should that fail, the next
// difference is a whole inventory.
func (r *reporter) taken() {
	st := r.agent.state
	if err := st.delivered(); err != nil {
		r.agent.cfg.Log.Warn("delivered report", "error", err)
	}
	r.waiting = ""
	if r.baseHash == r.hash {
		return
	}
	inv := r.inv
	r.base, r.baseHash = &inv, r.hash
	if err := st.putBase(&inv); err != nil {
		r.agent.cfg.Log.Warn("remember what was reported", "error", err)
	}
}

// keep puts what could not be delivered on the disk, in place of what was there
// before: it outlives a restart, and the newest wins.
func (r *reporter) keep() {
	if r.waiting == r.hash+r.evidenceHash {
		return
	}
	if err := r.agent.state.putPending(&r.inv, r.collectedAt, r.evidence, r.evidenceHash); err != nil {
		r.agent.cfg.Log.Warn("keep the report", "error", err)
		return
	}
	r.waiting = r.hash + r.evidenceHash
}

// resume takes up what an earlier process left. It reports whether there is
// something to deliver.
func (r *reporter) resume() bool {
	st := r.agent.state
	if base := st.base(); base != nil {
		r.base, r.baseHash = base, base.Hash()
	}
	p, inv := st.pending()
	if p == nil {
		return false
	}
	r.set(*inv, p.CollectedAt)
	if p.Evidence != nil {
		r.evidence, r.evidenceHash = p.Evidence, p.Evidence.Hash()
	}
	r.waiting = r.hash + r.evidenceHash
	return true
}

// farewell says that the machine is going down.
func (r *reporter) farewell(ctx context.Context) error {
	_, err := r.send(ctx, part{stopping: true})
	return err
}

// part is what a request carries besides the hashes.
type part struct {
	inventory *inventory.Inventory
	delta     *agentwire.Delta
	evidence  *agentwire.Evidence
	stopping  bool
}

// send tries again when a refusal says how to do better, and with the next key
// when the server has taken that without the agent hearing of it.
func (r *reporter) send(ctx context.Context, p part) (*agentwire.ReportResponse, error) {
	answer, err := r.sendOnce(ctx, p)
	if r.agent.client.adjust(err, r.agent.state) {
		answer, err = r.sendOnce(ctx, p)
	}
	before := r.agent.state.key
	if !r.agent.otherKey(err) {
		return answer, err
	}
	if answer, err = r.sendOnce(ctx, p); err != nil {
		r.agent.state.key = before
		return answer, err
	}
	return answer, r.agent.state.promote()
}

func (r *reporter) sendOnce(ctx context.Context, p part) (*agentwire.ReportResponse, error) {
	st := r.agent.state
	sequence, err := st.sequence()
	if err != nil {
		return nil, err
	}
	body, err := agentwire.EncodeReport(&agentwire.Report{
		HostID: st.identity.HostID, Sequence: sequence, CollectedAt: r.collectedAt.Add(r.agent.client.offset).UTC(),
		AgentVersion: r.agent.cfg.Version, InventoryHash: r.hash, Inventory: p.inventory, Delta: p.delta, Stopping: p.stopping,
		EvidenceHash: r.evidenceHash, Evidence: p.evidence,
	})
	if err != nil {
		return nil, err
	}
	answer := &agentwire.ReportResponse{}
	err = r.agent.client.post(ctx, agentwire.PathReport, body, signer{st.identity.HostID, sequence, st.key}, answer)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return answer, nil
}
