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

	last Accepted // the last report that the server took
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

// report says which inventory the host has. It first names the hash alone:
// the server may know the content, from this host or from an equal one. It
// returns how long the server is content without another report.
func (r *reporter) report(ctx context.Context) (next time.Duration, err error) {
	answer, err := r.send(ctx, nil, nil)
	content := err == nil && answer.NeedInventory
	if content {
		answer, err = r.send(ctx, &r.inv, nil)
	}
	if err == nil && answer.Accepted && answer.NeedEvidence {
		answer, err = r.send(ctx, nil, r.evidence)
	}
	if err != nil {
		return 0, err
	}
	if !answer.Accepted {
		return 0, errors.New("the server neither took the report nor said what it needs")
	}
	r.last = Accepted{Hash: r.hash, Packages: len(r.inv.Items), Content: content, CollectedAt: r.collectedAt}
	if r.agent.cfg.Accepted != nil {
		r.agent.cfg.Accepted(r.last)
	}
	return time.Duration(answer.NextReportSeconds) * time.Second, nil
}

// send tries twice when the first refusal says how to do better.
func (r *reporter) send(ctx context.Context, content *inventory.Inventory, evidence *agentwire.Evidence) (*agentwire.ReportResponse, error) {
	answer, err := r.sendOnce(ctx, content, evidence)
	if r.agent.client.adjust(err, r.agent.state) {
		answer, err = r.sendOnce(ctx, content, evidence)
	}
	return answer, err
}

func (r *reporter) sendOnce(ctx context.Context, content *inventory.Inventory, evidence *agentwire.Evidence) (*agentwire.ReportResponse, error) {
	st := r.agent.state
	sequence, err := st.sequence()
	if err != nil {
		return nil, err
	}
	body, err := agentwire.EncodeReport(&agentwire.Report{
		HostID: st.identity.HostID, Sequence: sequence, CollectedAt: r.collectedAt.Add(r.agent.client.offset).UTC(),
		AgentVersion: r.agent.cfg.Version, InventoryHash: r.hash, Inventory: content,
		EvidenceHash: r.evidenceHash, Evidence: evidence,
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
