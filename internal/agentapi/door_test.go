package agentapi_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"muster/internal/agentapi"
	"muster/internal/agentwire"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/fleet"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/storetest"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// accepts is an Inventories that knows nothing and takes everything.
type accepts struct{ reports []fleet.Report }

func (a *accepts) Known(context.Context, string) (bool, error) { return false, nil }

func (a *accepts) Content(context.Context, string) (inventory.Inventory, error) {
	return inventory.Inventory{}, store.ErrNotFound
}

func (a *accepts) Accept(_ context.Context, tx *store.Tx, r fleet.Report) error {
	tx.AfterCommit(func() { a.reports = append(a.reports, r) })
	return nil
}

// agent is a host that enrolled over HTTP, and what it talks to.
type agent struct {
	*testing.T
	url   string
	desk  *fleet.Service
	taken *accepts
	log   *bytes.Buffer
	code  string
	key   ed25519.PrivateKey
	host  agentwire.HostID
}

func eachAgent(t *testing.T, opts agentapi.Options, fn func(a *agent)) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := &agent{T: t, taken: &accepts{}, log: &bytes.Buffer{}, key: newKey(1)}
		a.desk = fleet.New(s, fleet.Options{Inventories: a.taken})
		opts.Now = func() time.Time { return now }
		opts.Log = slog.New(slog.NewTextHandler(a.log, nil))
		server := httptest.NewServer(agentapi.New(a.desk, opts))
		t.Cleanup(server.Close)
		a.url = server.URL
		a.enroll()
		fn(a)
		if strings.Contains(a.log.String(), a.code) {
			t.Errorf("a code was logged: %s", a.log)
		}
	})
}

func newKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func (a *agent) activate() string {
	a.Helper()
	call := &awsmodel.Call{Principal: arn.Principal{Account: "111111111111"}, Region: "us-east-1", Time: now}
	out, err := a.desk.CreateActivation(a.Context(), call, &muster.CreateActivationInput{})
	if err != nil {
		a.Fatal(err)
	}
	return out.ActivationCode
}

func (a *agent) enrollBody(code string) []byte {
	a.Helper()
	body, err := json.Marshal(agentwire.EnrollRequest{
		ActivationCode: code, PublicKey: a.key.Public().(ed25519.PublicKey), Label: "web-1", AgentVersion: "1",
	})
	if err != nil {
		a.Fatal(err)
	}
	return body
}

func (a *agent) enroll() {
	a.Helper()
	a.code = a.activate()
	status, body := a.do(a.request(agentwire.PathEnroll, a.enrollBody(a.code), agentwire.NewHost, 0, a.key, now))
	var out agentwire.EnrollResponse
	if err := json.Unmarshal(body, &out); err != nil || status != http.StatusOK || out.AccountID != "111111111111" {
		a.Fatalf("enrolment: %d %s", status, body)
	}
	a.host = out.HostID
}

// request is a signed request.
func (a *agent) request(path string, body []byte, host agentwire.HostID, seq int64, key ed25519.PrivateKey, at time.Time) *http.Request {
	a.Helper()
	r, err := http.NewRequestWithContext(a.Context(), http.MethodPost, a.url+path, bytes.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	agentwire.Sign(r, path, body, host, seq, key, at)
	return r
}

// report is the signed request of a good report with the sequence number.
func (a *agent) report(seq int64) *http.Request {
	a.Helper()
	return a.request(agentwire.PathReport, a.reportBody(seq), a.host, seq, a.key, now)
}

func (a *agent) reportBody(seq int64) []byte {
	a.Helper()
	inv := &inventory.Inventory{Items: []inventory.Item{{Component: inventory.Component{
		Ecosystem: "Debian:12", Name: "bash", Version: "5.2-1", Source: "bash", SourceVersion: "5.2-1", Manager: inventory.ManagerOS,
	}}}}
	body, err := agentwire.EncodeReport(&agentwire.Report{
		HostID: a.host, Sequence: seq, CollectedAt: now, InventoryHash: inv.Hash(), Inventory: inv,
	})
	if err != nil {
		a.Fatal(err)
	}
	return body
}

func (a *agent) do(r *http.Request) (status int, body []byte) {
	a.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		a.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		a.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		a.Errorf("content type %q of %s", got, body)
	}
	return resp.StatusCode, body
}

// refused checks that the request is refused with the status and code, and
// returns the answer.
func (a *agent) refused(name string, r *http.Request, status int, code agentwire.ErrorCode) agentwire.ErrorResponse {
	a.Helper()
	got, body := a.do(r)
	var answer agentwire.ErrorResponse
	if err := json.Unmarshal(body, &answer); err != nil || got != status || answer.Code != code || answer.Message == "" {
		a.Errorf("%s: %d %s, want %d %s", name, got, body, status, code)
	}
	return answer
}

func TestReportIsAccepted(t *testing.T) {
	eachAgent(t, agentapi.Options{}, func(a *agent) {
		zipped := agentwire.Compress(a.reportBody(2))
		r := a.request(agentwire.PathReport, zipped, a.host, 2, a.key, now)
		r.Header.Set("Content-Encoding", "gzip")
		for _, r := range []*http.Request{a.report(1), r} {
			status, body := a.do(r)
			var out agentwire.ReportResponse
			if err := json.Unmarshal(body, &out); err != nil || status != http.StatusOK || !out.Accepted || out.NextReportSeconds != 1800 {
				t.Errorf("%d %s", status, body)
			}
		}
		if len(a.taken.reports) != 2 || a.taken.reports[0].HostID != string(a.host) {
			t.Errorf("handed on %+v", a.taken.reports)
		}
	})
}

func TestReportRefusals(t *testing.T) {
	eachAgent(t, agentapi.Options{}, func(a *agent) {
		first, last := a.host, a.report(5)
		if status, body := a.do(last); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		body := a.reportBody(6)
		good := func() *http.Request { return a.report(6) }
		changed := func(change func(r *http.Request)) *http.Request {
			r := good()
			change(r)
			return r
		}
		signed := func(body []byte) *http.Request {
			return a.request(agentwire.PathReport, body, a.host, 6, a.key, now)
		}
		replaced := func(old, with string) *http.Request { return signed(bytes.Replace(body, []byte(old), []byte(with), 1)) }
		const (
			bad, unsigned, skew = agentwire.CodeBadRequest, agentwire.CodeBadSignature, agentwire.CodeClockSkew
			large, sequence     = agentwire.CodeTooLarge, agentwire.CodeSequence
		)
		for name, tt := range map[string]struct {
			r      *http.Request
			status int
			code   agentwire.ErrorCode
		}{
			"no signature":        {changed(func(r *http.Request) { r.Header.Del("Authorization") }), 401, unsigned},
			"another scheme":      {changed(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }), 401, unsigned},
			"unknown host":        {a.request(agentwire.PathReport, body, "i-00000000000000000", 6, a.key, now), 401, unsigned},
			"as if enrolling":     {a.request(agentwire.PathReport, body, agentwire.NewHost, 6, a.key, now), 401, unsigned},
			"another key":         {a.request(agentwire.PathReport, body, a.host, 6, newKey(9), now), 401, unsigned},
			"signature elsewhere": {changed(func(r *http.Request) { r.Header.Set("Authorization", a.report(7).Header.Get("Authorization")) }), 401, unsigned},
			"for another host":    {replaced(string(a.host), "i-00000000000000000"), 401, unsigned},
			"another sequence":    {replaced(`"sequence":6`, `"sequence":60`), 401, unsigned},
			"old":                 {a.request(agentwire.PathReport, body, a.host, 6, a.key, now.Add(-time.Hour)), 401, skew},
			"from the future":     {a.request(agentwire.PathReport, body, a.host, 6, a.key, now.Add(time.Hour)), 401, skew},
			"repeated":            {a.report(5), 409, sequence},
			"out of order":        {a.report(4), 409, sequence},
			"empty":               {signed(nil), 400, bad},
			"cut":                 {signed(body[:len(body)-10]), 400, bad},
			"not JSON":            {signed([]byte("hello")), 400, bad},
			"JSON twice":          {signed(append(bytes.Clone(body), body...)), 400, bad},
			"a list":              {signed([]byte("[]")), 400, bad},
			"deep":                {signed(bytes.Repeat([]byte("["), 1<<20)), 400, bad},
			"wrong hash":          {replaced(`5.2-1`, `5.2-2`), 400, bad},
			"no name":             {replaced(`"name":"bash"`, `"name":""`), 400, bad},
			"said gzip":           {changed(func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }), 400, bad},
			"said brotli":         {changed(func(r *http.Request) { r.Header.Set("Content-Encoding", "br") }), 400, bad},
			"gzip without an end": {a.cutZip(6), 400, bad},
			"a million packages":  {a.million(6), 400, bad},
			"too large":           {a.request(agentwire.PathReport, make([]byte, agentwire.MaxCompressed+1), a.host, 6, a.key, now), 413, large},
			"too large, unsized":  {unsized(a.request(agentwire.PathReport, make([]byte, agentwire.MaxCompressed+1), a.host, 6, a.key, now)), 413, large},
			"a bomb":              {a.bomb(6), 413, large},
			"unknown path":        {a.request("/agent/v1/other", body, a.host, 6, a.key, now), 404, agentwire.CodeNotFound},
			"other method":        {changed(func(r *http.Request) { r.Method = http.MethodPut }), 405, agentwire.CodeMethodNotAllowed},
		} {
			a.refused(name, tt.r, tt.status, tt.code)
		}
		if answer := a.refused("repeated", a.report(5), 409, sequence); answer.LastSequence != 5 {
			t.Errorf("last sequence %d", answer.LastSequence)
		}
		old := a.request(agentwire.PathReport, body, a.host, 6, a.key, now.Add(-time.Hour))
		if answer := a.refused("old", old, 401, skew); answer.ServerTime == nil || !answer.ServerTime.Equal(now) {
			t.Errorf("server time %v", answer.ServerTime)
		}
		if len(a.taken.reports) != 1 || a.host != first {
			t.Errorf("handed on %d reports", len(a.taken.reports))
		}
		if status, body := a.do(good()); status != http.StatusOK {
			t.Errorf("the good one, after all refusals: %d %s", status, body)
		}
		if a.log.Len() != 0 {
			t.Errorf("refusals are no errors of ours, yet logged: %s", a.log)
		}
	})
}

func TestRevokedHostIsRefused(t *testing.T) {
	eachAgent(t, agentapi.Options{}, func(a *agent) {
		call := &awsmodel.Call{Principal: arn.Principal{Account: "111111111111"}, Region: "us-east-1", Time: now}
		if _, err := a.desk.RevokeHost(t.Context(), call, &muster.RevokeHostInput{HostId: string(a.host)}); err != nil {
			t.Fatal(err)
		}
		a.refused("revoked", a.report(1), 403, agentwire.CodeRevoked)
	})
}

func unsized(r *http.Request) *http.Request {
	r.ContentLength = -1
	return r
}

// million is a report of a million packages that fits the bounds in bytes.
func (a *agent) million(seq int64) *http.Request {
	a.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"hostId":%q,"sequence":%d,"collectedAt":"2026-11-20T12:00:00Z","inventoryHash":"%064d","inventory":{"os":{},"packages":[`, a.host, seq, 0)
	for i := range 1_000_000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"p%d","version":"1"}`, i)
	}
	b.WriteString(`]}}`)
	return a.zipped(b.Bytes(), seq)
}

// cutZip is complete as JSON; only gzip can tell that something is missing.
func (a *agent) cutZip(seq int64) *http.Request {
	a.Helper()
	zipped := agentwire.Compress(a.reportBody(seq))
	r := a.request(agentwire.PathReport, zipped[:len(zipped)-4], a.host, seq, a.key, now)
	r.Header.Set("Content-Encoding", "gzip")
	return r
}

// bomb is small on the wire and too large when decompressed.
func (a *agent) bomb(seq int64) *http.Request {
	a.Helper()
	return a.zipped(bytes.Repeat([]byte(" "), agentwire.MaxBody+1), seq)
}

func (a *agent) zipped(body []byte, seq int64) *http.Request {
	a.Helper()
	r := a.request(agentwire.PathReport, agentwire.Compress(body), a.host, seq, a.key, now)
	r.Header.Set("Content-Encoding", "gzip")
	return r
}

func TestEnrolmentRefusals(t *testing.T) {
	eachAgent(t, agentapi.Options{Failures: 1000}, func(a *agent) {
		code := a.activate()
		enroll := func(body []byte) *http.Request {
			return a.request(agentwire.PathEnroll, body, agentwire.NewHost, 0, a.key, now)
		}
		unsigned := enroll(a.enrollBody(code))
		unsigned.Header.Del("Authorization")
		zipped := enroll(agentwire.Compress(bytes.Repeat([]byte(" "), 1<<20)))
		zipped.Header.Set("Content-Encoding", "gzip")
		for name, tt := range map[string]struct {
			r      *http.Request
			status int
			code   agentwire.ErrorCode
		}{
			"unknown code":     {enroll(a.enrollBody("muster-guess")), 403, agentwire.CodeActivation},
			"used code":        {a.request(agentwire.PathEnroll, bytes.Replace(a.enrollBody(a.code), []byte("web-1"), []byte("web-2"), 1), agentwire.NewHost, 0, newKey(2), now), 401, agentwire.CodeBadSignature},
			"no code":          {enroll(a.enrollBody("")), 400, agentwire.CodeBadRequest},
			"not JSON":         {enroll([]byte("{")), 400, agentwire.CodeBadRequest},
			"wrong type":       {enroll([]byte(`{"activationCode":7}`)), 400, agentwire.CodeBadRequest},
			"more after it":    {enroll(append(a.enrollBody(code), '{')), 400, agentwire.CodeBadRequest},
			"empty":            {enroll(nil), 400, agentwire.CodeBadRequest},
			"too large":        {enroll(make([]byte, agentwire.MaxEnrollBody+1)), 413, agentwire.CodeTooLarge},
			"too large inside": {zipped, 413, agentwire.CodeTooLarge},
			"unsigned":         {unsigned, 401, agentwire.CodeBadSignature},
			"late":             {a.request(agentwire.PathEnroll, a.enrollBody(code), agentwire.NewHost, 0, a.key, now.Add(-time.Hour)), 401, agentwire.CodeClockSkew},
			"another's key":    {a.request(agentwire.PathEnroll, a.enrollBody(code), agentwire.NewHost, 0, newKey(2), now), 401, agentwire.CodeBadSignature},
		} {
			a.refused(name, tt.r, tt.status, tt.code)
		}
		if status, body := a.do(enroll(a.enrollBody(code))); status != http.StatusOK {
			t.Errorf("the code after all refusals: %d %s", status, body)
		}
	})
}

func TestFailedEnrolmentsAreBounded(t *testing.T) {
	eachAgent(t, agentapi.Options{Failures: 3}, func(a *agent) {
		guess := func() *http.Request {
			return a.request(agentwire.PathEnroll, a.enrollBody("muster-guess"), agentwire.NewHost, 0, a.key, now)
		}
		for range 3 {
			a.refused("guess", guess(), 403, agentwire.CodeActivation)
		}
		a.refused("one guess more", guess(), 503, agentwire.CodeUnavailable)
		code := a.activate()
		good := a.request(agentwire.PathEnroll, a.enrollBody(code), agentwire.NewHost, 0, a.key, now)
		a.refused("a good code, from there", good, 503, agentwire.CodeUnavailable)
		if status, body := a.do(a.report(1)); status != http.StatusOK {
			t.Errorf("reports are not affected: %d %s", status, body)
		}
	})
}
