package models

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"muster/test/livetest"
)

// free are the operations that IAM never refuses.
var free = map[string]bool{"sts:GetCallerIdentity": true, "sts:GetSessionToken": true}

// TestNothingGoesRoundTheAccessDesk sends every operation that the server runs
// as a user without any permission: the access desk refuses each of them, for
// lack of just that permission, and nothing has been done.
func TestNothingGoesRoundTheAccessDesk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	asked := 0
	for _, action := range w.actions() {
		if !w.implemented[action] || free[action] {
			continue
		}
		asked++
		service, op := actionOf(action)
		for _, full := range []bool{false, true} {
			in := sampler{m: w.models[service], known: w.known, full: full}.input(op)
			a, err := w.callers["nobody"].Call(t.Context(), service, op, in)
			if err != nil {
				t.Errorf("%s: %v", action, err)
				continue
			}
			if w.models[service].Operations[op].Unsigned {
				// A token decides there, and this one is none.
				if a.Code != "InvalidIdentityToken" && a.Code != "AccessDenied" {
					t.Errorf("%s without a token: %v", action, a)
				}
				continue
			}
			if code := strings.TrimSuffix(a.Code, "Exception"); code != "AccessDenied" && code != "UnauthorizedOperation" || !strings.Contains(a.Message, "is not authorized to perform: "+action) {
				t.Errorf("%s by a user without permissions: %v", action, a)
			}
		}
	}
	t.Logf("%d operations refuse a user without permissions", asked)
}

// TestEverythingWantsASignature sends every operation of every model without a
// signature, with a wrong one and with an unknown key: nobody learns even
// whether the server runs it.
func TestEverythingWantsASignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	good := w.callers["management"].Key
	forger := w.server.Client(livetest.Key{ID: good.ID, Secret: "x" + good.Secret})
	stranger := w.server.Client(livetest.Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: good.Secret})
	for _, action := range w.actions() {
		service, op := actionOf(action)
		m := w.models[service]
		if m.Operations[op].Unsigned {
			continue
		}
		msg, err := m.Message(op, sampler{m: m, known: w.known}.input(op))
		if err != nil {
			t.Fatal(err)
		}
		w.wantRefusal(t, action, "without a signature", "MissingAuthenticationToken", func() (livetest.Answer, error) { return w.unsigned(t, msg) })
		w.wantRefusal(t, action, "with a wrong signature", map[bool]string{true: "SignatureDoesNotMatch", false: "InvalidSignature"}[m.Form()],
			func() (livetest.Answer, error) { return forger.Send(t.Context(), msg) })
		w.wantRefusal(t, action, "with an unknown key", map[bool]string{true: "InvalidClientTokenId", false: "UnrecognizedClient"}[m.Form()],
			func() (livetest.Answer, error) { return stranger.Send(t.Context(), msg) })
	}
}

func (w *world) wantRefusal(t *testing.T, action, how, code string, send func() (livetest.Answer, error)) {
	t.Helper()
	service, _ := actionOf(action)
	status := http.StatusForbidden
	if w.models[service].Metadata.Protocol == "json" {
		status = http.StatusBadRequest
	}
	a, err := send()
	if err != nil || a.Status != status || strings.TrimSuffix(a.Code, "Exception") != code {
		t.Errorf("%s %s: %v %v, want %d %s", action, how, a, err, status, code)
	}
}

// unsigned sends a message as it is.
func (w *world) unsigned(t *testing.T, m livetest.Message) (livetest.Answer, error) {
	req, err := http.NewRequestWithContext(t.Context(), m.Method, w.server.URL()+m.Path, strings.NewReader(m.Body))
	if err != nil {
		return livetest.Answer{}, err
	}
	for name, value := range m.Header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return livetest.Answer{}, err
	}
	return livetest.Read(resp)
}

// TestUnknownMembersAreIgnored: newer clients send members that this model does
// not have yet, which changes nothing.
func TestUnknownMembersAreIgnored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	for _, action := range w.actions() {
		service, op := actionOf(action)
		if !w.implemented[action] || harm(action) > 1 {
			continue
		}
		in := sampler{m: w.models[service], known: w.known}.input(op)
		plain, err := w.callers["management"].Call(t.Context(), service, op, in)
		if err != nil {
			t.Fatal(err)
		}
		in["notYetInvented"] = "x"
		a, err := w.callers["management"].Call(t.Context(), service, op, in)
		if err != nil || fmt.Sprint(a.Status, a.Code) != fmt.Sprint(plain.Status, plain.Code) {
			t.Errorf("%s with an unknown member: %v %v, without: %v", action, a, err, plain)
		}
	}
}

// TestNoDoorOfAnEmulatorIsOpen: what empties an emulator, or lets testers do
// harm to one, is not there on a server.
func TestNoDoorOfAnEmulatorIsOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		for _, path := range []string{"/_muster/reset", "/_muster/", "/moto-api/reset", "/moto-api/data.json", "/_localstack/state/reset", "/_muster/faults", "//_muster/reset", "/%5fmuster/reset"} {
			a, err := w.unsigned(t, livetest.Message{Method: method, Path: path, Body: "{}"})
			if err != nil {
				t.Fatal(err)
			}
			if a.OK() {
				t.Errorf("%s %s: %v", method, path, a)
			}
		}
	}
	w.must("management", "organizations", "DescribeOrganization", nil)
}
