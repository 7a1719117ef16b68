package load

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"muster/internal/agentwire"
	"muster/internal/inventory"
)

// host does what a muster-agent does on a machine of its own: it names the hash
// of what is installed, sends the difference or the whole when asked, and comes
// back later when refused.
type host struct {
	account  *account
	number   int
	packages int
	// kind and revision are what is installed.
	kind, revision int

	id       agentwire.HostID
	key      ed25519.PrivateKey
	sequence int64
	// taken is the revision that the server took last, -1 for none.
	taken int
}

// agents are the connections of all hosts. An agent reports every half hour, so
// it keeps none.
var agents = &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Second}}

// refusal is an answer that is not 200.
type refusal struct {
	status int
	after  time.Duration
	body   string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d: %s", r.status, r.body) }

func (h *host) enrol(ctx context.Context) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	inv := content(h.kind, 0, 4)
	body, err := json.Marshal(agentwire.EnrollRequest{ActivationCode: h.account.code, PublicKey: public, Label: fmt.Sprintf("host-%05d", h.number),
		OS: agentwire.NewOS(inv.OS), AgentVersion: "load"})
	if err != nil {
		return err
	}
	h.key, h.taken = private, -1
	var out agentwire.EnrollResponse
	err = h.insist(ctx, nil, func() error { return h.send(ctx, agentwire.PathEnroll, body, "", agentwire.NewHost, 0, &out) })
	h.id = out.HostID
	return err
}

// deliver reports until the server has taken it.
func (h *host) deliver(ctx context.Context, took *latencies) error {
	return h.insist(ctx, took, func() error { return h.report(ctx, took) })
}

// insist tries again as agents do: with longer and longer pauses, and not
// before the server wants it.
func (h *host) insist(ctx context.Context, took *latencies, do func() error) error {
	for failures := 1; ; failures++ {
		err := do()
		if err == nil {
			return nil
		}
		pause := min(2*time.Minute, time.Second<<min(failures-1, 7))
		pause = pause/2 + rand.N(pause/2+1)
		if refused, ok := errors.AsType[*refusal](err); ok {
			if refused.status != http.StatusServiceUnavailable || refused.after == 0 {
				return fmt.Errorf("host %s: %w", h.id, err)
			}
			pause = max(pause, refused.after+rand.N(refused.after/4+1))
		}
		if took != nil {
			took.refuse(err)
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}

func (h *host) report(ctx context.Context, took *latencies) error {
	inv := content(h.kind, h.revision, h.packages)
	hash := inv.Hash()
	answer, err := h.post(ctx, took, hash, nil, nil)
	if err == nil && answer.NeedInventory && answer.BaseHash != "" && h.taken >= 0 {
		base := content(h.kind, h.taken, h.packages)
		if base.Hash() == answer.BaseHash {
			answer, err = h.post(ctx, took, hash, nil, agentwire.NewDelta(base, inv, answer.BaseHash))
		}
	}
	if err == nil && answer.NeedInventory {
		answer, err = h.post(ctx, took, hash, inv, nil)
	}
	if err == nil && !answer.Accepted {
		err = &refusal{status: http.StatusOK, body: "neither took the report nor said what it needs"}
	}
	if err == nil {
		h.taken = h.revision
	}
	return err
}

func (h *host) post(ctx context.Context, took *latencies, hash string, inv *inventory.Inventory, delta *agentwire.Delta) (answer agentwire.ReportResponse, err error) {
	h.sequence++
	body, err := agentwire.EncodeReport(&agentwire.Report{HostID: h.id, Sequence: h.sequence, CollectedAt: time.Now().UTC(), AgentVersion: "load",
		InventoryHash: hash, Inventory: inv, Delta: delta})
	if err != nil {
		return answer, err
	}
	encoding := ""
	if len(body) > 1024 {
		body, encoding = agentwire.Compress(body), "gzip"
	}
	began := time.Now()
	err = h.send(ctx, agentwire.PathReport, body, encoding, h.id, h.sequence, &answer)
	if err == nil {
		took.add(time.Since(began))
	}
	return answer, err
}

func (h *host) send(ctx context.Context, path string, body []byte, encoding string, as agentwire.HostID, sequence int64, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.account.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	req.Header.Set(agentwire.VersionHeader, strconv.Itoa(agentwire.Version))
	agentwire.Sign(req, path, body, as, sequence, h.key, time.Now())
	return exchange(agents, req, out)
}

// exchange sends a request and reads the JSON of the answer.
func exchange(client *http.Client, req *http.Request, out any) error {
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		r := &refusal{status: res.StatusCode, body: string(body)}
		if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
			r.after = time.Duration(n) * time.Second
		}
		return r
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(body, out)
}
