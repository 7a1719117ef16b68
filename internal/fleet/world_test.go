package fleet_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"muster/internal/agentwire"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/fleet"
	"muster/internal/inventory"
	"muster/internal/pagetoken"
	"muster/internal/store"
	"muster/internal/store/storetest"

	cellar "muster/internal/store/fleet"
)

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// world is a desk with a scan desk that takes notes.
type world struct {
	*testing.T
	store *store.Store
	desk  *fleet.Service
	now   time.Time
	notes *notes
}

// notes is an Inventories that enqueues a job for every report, knows the
// hashes it has seen, and fails when told to.
type notes struct {
	mu      sync.Mutex
	known   map[string]bool
	reports []fleet.Report
	fail    error
	revoked []agentwire.HostID
}

func (n *notes) Known(_ context.Context, hash string) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[hash], nil
}

func (n *notes) Content(_ context.Context, hash string) (inventory.Inventory, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.reports {
		if r.Hash == hash && r.Inventory != nil {
			return *r.Inventory, nil
		}
	}
	return inventory.Inventory{}, store.ErrNotFound
}

func (n *notes) Accept(ctx context.Context, tx *store.Tx, r fleet.Report) error {
	if err := tx.Enqueue(ctx, store.Job{Kind: "scan", Key: r.HostID}); err != nil {
		return err
	}
	if n.fail != nil {
		return n.fail
	}
	tx.AfterCommit(func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.reports, n.known[r.Hash] = append(n.reports, r), true
	})
	return nil
}

func each(t *testing.T, fn func(w *world)) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := &world{T: t, store: s, now: start, notes: &notes{known: map[string]bool{}}}
		pages, err := pagetoken.New(pagetoken.NewKey())
		if err != nil {
			t.Fatal(err)
		}
		w.desk = fleet.New(s, fleet.Options{
			Inventories: w.notes, Pages: pages, Regions: []arn.Region{"us-east-1", "eu-west-1"}, KeyAge: 90 * 24 * time.Hour,
			Revoked: func(_ context.Context, tx *store.Tx, h cellar.Host, _ time.Time) error {
				tx.AfterCommit(func() { w.notes.revoked = append(w.notes.revoked, h.ID) })
				return nil
			},
		})
		fn(w)
	})
}

const (
	ours   = arn.AccountID("111111111111")
	theirs = arn.AccountID("222222222222")
)

func (w *world) call(account arn.AccountID) *awsmodel.Call {
	return &awsmodel.Call{
		Principal: arn.Principal{Kind: arn.RootUser, Account: account, ARN: account.Root()},
		Region:    "us-east-1", Time: w.now,
	}
}

func (w *world) activate(account arn.AccountID, in muster.CreateActivationInput) *muster.CreateActivationOutput {
	w.Helper()
	out, err := w.desk.CreateActivation(w.Context(), w.call(account), &in)
	if err != nil {
		w.Fatal(err)
	}
	return out
}

func key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(name string) ed25519.PublicKey { return key(name).Public().(ed25519.PublicKey) }

func machine(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// signed signs a body as an agent does.
func signed(t testing.TB, now time.Time, path string, host agentwire.HostID, seq int64, keyName string) fleet.Signed {
	t.Helper()
	body := []byte("body")
	r, err := http.NewRequest(http.MethodPost, "http://x"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	agentwire.Sign(r, path, body, host, seq, key(keyName), now)
	sig, err := agentwire.ParseSignature(r.Header.Get("Authorization"))
	if err != nil {
		t.Fatal(err)
	}
	return fleet.Signed{Signature: sig, Method: r.Method, Path: path, Body: body}
}

func (w *world) signed(path string, host agentwire.HostID, seq int64, keyName string) fleet.Signed {
	w.Helper()
	return signed(w, w.now, path, host, seq, keyName)
}

func request(code, machineName, keyName string) *agentwire.EnrollRequest {
	in := &agentwire.EnrollRequest{
		ActivationCode: code, PublicKey: public(keyName), Label: "web-1", AgentVersion: "1.0",
		OS: agentwire.OS{ID: "debian", VersionID: "12", Ecosystem: "Debian:12", Platform: "DEBIAN_12", Arch: "X86_64"},
	}
	if machineName != "" {
		in.MachineIDHash = machine(machineName)
	}
	return in
}

// tryEnrol enrols a machine with the key of the name given.
func (w *world) tryEnrol(in *agentwire.EnrollRequest, keyName string) (*agentwire.EnrollResponse, error) {
	w.Helper()
	return w.desk.Enrol(w.Context(), w.signed(agentwire.PathEnroll, agentwire.NewHost, 0, keyName), in, w.now)
}

// enrol activates and enrols.
func (w *world) enrol(account arn.AccountID, machineName, keyName string) agentwire.HostID {
	w.Helper()
	code := w.activate(account, muster.CreateActivationInput{}).ActivationCode
	out, err := w.tryEnrol(request(code, machineName, keyName), keyName)
	if err != nil {
		w.Fatal(err)
	}
	return out.HostID
}

// content is an inventory of one package, and its hash.
func content(version string) (*inventory.Inventory, string) {
	inv := &inventory.Inventory{Items: []inventory.Item{{Component: inventory.Component{
		Ecosystem: "Debian:12", Name: "bash", Version: version, Source: "bash", SourceVersion: version, Manager: inventory.ManagerOS,
	}}}}
	return inv, inv.Hash()
}

// tryReport finds, authenticates and hands in, as the door does.
func (w *world) tryReport(host agentwire.HostID, keyName string, r *agentwire.Report) (*agentwire.ReportResponse, error) {
	w.Helper()
	signed := w.signed(agentwire.PathReport, host, r.Sequence, keyName)
	found, err := w.desk.Find(w.Context(), signed.Signature)
	if err == nil {
		err = w.desk.Authenticate(found, signed, w.now)
	}
	if err != nil {
		return nil, err
	}
	return w.desk.AcceptReport(w.Context(), found, r, w.now)
}

func (w *world) report(host agentwire.HostID, seq int64, version string) *agentwire.Report {
	inv, hash := content(version)
	return &agentwire.Report{HostID: host, Sequence: seq, CollectedAt: w.now.Add(-time.Second), AgentVersion: "1.1", InventoryHash: hash, Inventory: inv}
}

func (w *world) heartbeat(host agentwire.HostID, seq int64, version string) *agentwire.Report {
	r := w.report(host, seq, version)
	r.Inventory = nil
	return r
}

// wantRefusal checks that err is a refusal with the code and returns it.
func (w *world) wantRefusal(err error, code agentwire.ErrorCode) *fleet.Refusal {
	w.Helper()
	refusal, ok := errors.AsType[*fleet.Refusal](err)
	if !ok || refusal.Code != code {
		w.Fatalf("got %v, want refusal %s", err, code)
	}
	return refusal
}

func (w *world) hosts(account arn.AccountID) []muster.Host {
	w.Helper()
	out, err := w.desk.ListHosts(w.Context(), w.call(account), &muster.ListHostsInput{})
	if err != nil {
		w.Fatal(err)
	}
	return out.Hosts
}

// jobs counts the scans that are waiting.
func (w *world) jobs() int {
	w.Helper()
	var n int64
	err := w.store.View(w.Context(), func(tx *store.Tx) error {
		counts, err := tx.JobCounts(w.Context())
		for _, c := range counts {
			n += c.Waiting
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return int(n)
}
