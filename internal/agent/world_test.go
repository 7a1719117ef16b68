package agent

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"muster/internal/agentwire"
	"muster/internal/inventory"
)

const testHost agentwire.HostID = "i-0123456789abcdef0"

// testServer is the far end: it checks signatures and sequence numbers as the
// real one does, and can be told to fail. It is an http.RoundTripper too, so
// that tests with a fake clock need no socket.
type testServer struct {
	mu       sync.Mutex
	key      ed25519.PublicKey
	sequence int64
	now      func() time.Time
	known    map[string]bool
	// evidence is the hash of what the host has said about itself, which
	// servers before wantEvidence do not ask for.
	evidence     string
	wantEvidence bool
	// contents are the inventories by hash, last that of the host; rotate makes
	// it demand another key, and lose the answer to the first one.
	contents map[string]inventory.Inventory
	last     string
	rotate   bool
	lose     bool
	bytes    int
	next     int
	code     string
	// deep is what it wants of deep inspection; nil is an old server's silence.
	deep *agentwire.DeepInspection
	// fail, if set, decides the fate of the next request: a status and a
	// refusal, or a broken connection (status 0).
	fail func() (status int, refusal agentwire.ErrorResponse, fails bool)

	enrolments int
	requests   int
	reports    chan *agentwire.Report // accepted ones
}

func newTestServer() *testServer {
	return &testServer{now: time.Now, known: map[string]bool{}, contents: map[string]inventory.Inventory{}, next: 1800, code: "code", reports: make(chan *agentwire.Report, 1000)}
}

func (s *testServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	if broken := s.serve(w, r); broken {
		return nil, errors.New("connection refused")
	}
	return w.Result(), nil
}

func (s *testServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if broken := s.serve(w, r); broken {
		panic(http.ErrAbortHandler)
	}
}

func (s *testServer) serve(w http.ResponseWriter, r *http.Request) (broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.fail != nil {
		if status, refusal, fails := s.fail(); fails {
			if status != 0 {
				answer(w, status, refusal)
			}
			return status == 0
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return true
	}
	sig, err := agentwire.ParseSignature(r.Header.Get("Authorization"))
	if err != nil {
		answer(w, 401, agentwire.ErrorResponse{Code: agentwire.CodeBadSignature, Message: err.Error()})
		return false
	}
	plain, err := agentwire.OpenBody(body, r.Header.Get("Content-Encoding"))
	if err != nil {
		answer(w, 400, agentwire.ErrorResponse{Code: agentwire.CodeBadRequest, Message: err.Error()})
		return false
	}
	if r.URL.Path == agentwire.PathEnroll {
		s.enroll(w, r, sig, body, plain)
		return false
	}
	s.bytes += len(body)
	if r.URL.Path == agentwire.PathKey {
		return s.replace(w, r, sig, body)
	}
	s.report(w, r, sig, body, plain)
	return false
}

// hostKey is the key that the server takes now.
func (s *testServer) hostKey() ed25519.PublicKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key
}

func (s *testServer) replace(w http.ResponseWriter, r *http.Request, sig agentwire.Signature, body []byte) (broken bool) {
	if !s.verified(w, r, sig, body, s.key) {
		return false
	}
	var in agentwire.KeyRequest
	if err := json.Unmarshal(body, &in); err != nil || in.Verify(testHost, sig.Sequence) != nil {
		answer(w, 400, agentwire.ErrorResponse{Code: agentwire.CodeBadRequest, Message: "bad"})
		return false
	}
	s.key, s.sequence, s.rotate = in.PublicKey, sig.Sequence, false
	if s.lose {
		s.lose = false
		return true
	}
	answer(w, 200, agentwire.KeyResponse{})
	return false
}

func (s *testServer) enroll(w http.ResponseWriter, r *http.Request, sig agentwire.Signature, body []byte, plain io.Reader) {
	var in agentwire.EnrollRequest
	if err := json.NewDecoder(plain).Decode(&in); err != nil || in.Validate() != nil || sig.Host != agentwire.NewHost {
		answer(w, 400, agentwire.ErrorResponse{Code: agentwire.CodeBadRequest, Message: "bad"})
		return
	}
	if !s.verified(w, r, sig, body, in.PublicKey) {
		return
	}
	if in.ActivationCode != s.code {
		answer(w, 403, agentwire.ErrorResponse{Code: agentwire.CodeActivation, Message: "unknown code"})
		return
	}
	s.enrolments++
	s.key, s.sequence = in.PublicKey, 0
	answer(w, 200, agentwire.EnrollResponse{HostID: testHost, AccountID: "111122223333", Region: "eu-central-1", ServerTime: s.now(), ReportIntervalSeconds: s.next})
}

func (s *testServer) verified(w http.ResponseWriter, r *http.Request, sig agentwire.Signature, body []byte, key ed25519.PublicKey) bool {
	err := sig.Verify(r.Method, r.URL.Path, body, key, s.now())
	if errors.Is(err, agentwire.ErrSkew) {
		now := s.now()
		answer(w, 401, agentwire.ErrorResponse{Code: agentwire.CodeClockSkew, Message: err.Error(), ServerTime: &now})
		return false
	}
	if err != nil {
		answer(w, 401, agentwire.ErrorResponse{Code: agentwire.CodeBadSignature, Message: err.Error()})
	}
	return err == nil
}

func (s *testServer) report(w http.ResponseWriter, r *http.Request, sig agentwire.Signature, body []byte, plain io.Reader) {
	if !s.verified(w, r, sig, body, s.key) {
		return
	}
	if sig.Sequence <= s.sequence {
		answer(w, 409, agentwire.ErrorResponse{Code: agentwire.CodeSequence, Message: "replayed", LastSequence: s.sequence})
		return
	}
	rep, err := agentwire.DecodeReport(plain, inventory.DefaultLimits())
	if err == nil {
		err = rep.SignedBy(sig)
	}
	if err != nil {
		answer(w, 400, agentwire.ErrorResponse{Code: agentwire.CodeBadRequest, Message: err.Error()})
		return
	}
	s.sequence = sig.Sequence
	if base, known := s.contents[s.last]; rep.Delta != nil && known && rep.Delta.Base == s.last {
		if made, err := rep.Delta.Apply(&base); err == nil && made.Hash() == rep.InventoryHash {
			rep.Inventory = &made
		}
	}
	if rep.Inventory == nil && !s.known[rep.InventoryHash] {
		a := agentwire.ReportResponse{NeedInventory: true, NextReportSeconds: s.next}
		if rep.Delta == nil {
			a.BaseHash = s.last
		}
		answer(w, 200, a)
		return
	}
	if rep.Inventory != nil {
		s.contents[rep.InventoryHash] = *rep.Inventory
	}
	s.last = rep.InventoryHash
	s.known[rep.InventoryHash] = true
	if rep.Evidence != nil {
		s.evidence = rep.EvidenceHash
	}
	s.reports <- rep
	lacking := rep.EvidenceHash != s.evidence && s.wantEvidence
	answer(w, 200, agentwire.ReportResponse{Accepted: true, NeedEvidence: lacking, RotateKey: s.rotate, NextReportSeconds: s.next, DeepInspection: s.deep})
}

func answer(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// refuseWith makes the next n requests fail, then none.
func (s *testServer) refuseWith(n, status int, refusal agentwire.ErrorResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = func() (int, agentwire.ErrorResponse, bool) {
		n--
		return status, refusal, n >= 0
	}
}

// machine is a temporary root with a dpkg database and a state folder.
type machine struct {
	root, state string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{t.TempDir(), filepath.Join(t.TempDir(), "state")}
	m.write(t, "etc/os-release", "ID=debian\nVERSION_ID=12\n")
	m.install(t, "bash", "5.2.15-2")
	return m
}

func (m machine) write(t *testing.T, name, text string) {
	t.Helper()
	full := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	// As package managers do it: the new file takes the old one's place.
	if err := os.WriteFile(full+".tmp", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(full+".tmp", full); err != nil {
		t.Fatal(err)
	}
}

// install makes the dpkg database hold exactly these name, version pairs.
func (m machine) install(t *testing.T, pairs ...string) {
	t.Helper()
	var b bytes.Buffer
	for i := 0; i < len(pairs); i += 2 {
		b.WriteString("Package: " + pairs[i] + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: " + pairs[i+1] + "\n\n")
	}
	m.write(t, "var/lib/dpkg/status", b.String())
}

func (m machine) enroll(t *testing.T, s *testServer) Identity {
	t.Helper()
	id, err := Enroll(t.Context(), m.enrollment(s))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (m machine) enrollment(s *testServer) Enrollment {
	return Enrollment{Server: "https://muster.example.com", Activation: "code", StateDir: m.state, Root: m.root, Version: "v1", Transport: s}
}

// agent is the enrolled agent of the machine; it is closed with the test.
func (m machine) agent(t *testing.T, s *testServer) *Agent {
	t.Helper()
	a, err := New(Config{StateDir: m.state, Root: m.root, Version: "v1", Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// start runs the agent until the test ends and gives what Run returned.
func start(t *testing.T, a *Agent) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	return sync.OnceValue(func() error {
		cancel()
		return <-done
	})
}
