package agentwire

import (
	"crypto/ed25519"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const testHost HostID = "i-0123456789abcdef0"

var signedAt = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func signedHeader(t *testing.T, body []byte) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, PathReport, nil)
	Sign(r, PathReport, body, testHost, 7, testKey('a'), signedAt)
	return r.Header.Get("Authorization")
}

func TestVerify(t *testing.T) {
	body := []byte(`{"a":1}`)
	header := signedHeader(t, body)
	tests := []struct {
		name         string
		header       func(string) string
		method, path string
		body         []byte
		key          ed25519.PublicKey
		now          time.Time
		want         error
	}{
		{name: "as signed"},
		{name: "late within the skew", now: signedAt.Add(MaxSkew)},
		{name: "early within the skew", now: signedAt.Add(-MaxSkew)},
		{name: "too late", now: signedAt.Add(MaxSkew + time.Second), want: ErrSkew},
		{name: "too early", now: signedAt.Add(-MaxSkew - time.Second), want: ErrSkew},
		{name: "other method", method: "PUT", want: ErrSignature},
		{name: "other path", path: PathEnroll, want: ErrSignature},
		{name: "changed body", body: []byte(`{"a":2}`), want: ErrSignature},
		{name: "other key", key: public(testKey('b')), want: ErrSignature},
		{name: "no key", key: ed25519.PublicKey{}, want: ErrSignature},
		{name: "other host", header: replace("cdef0", "cdef1"), want: ErrSignature},
		{name: "other sequence", header: replace("seq=7", "seq=8"), want: ErrSignature},
		{name: "other time", header: replace("ts=1795", "ts=1796"), want: ErrSignature},
		{name: "other scheme", header: replace(Scheme, "Bearer"), want: ErrMalformed},
		{name: "empty", header: func(string) string { return "" }, want: ErrMalformed},
		{name: "host of another form", header: replace("i-0", "i-g"), want: ErrMalformed},
		{name: "second spelling of a number", header: replace("seq=7", "seq=07"), want: ErrMalformed},
		{name: "negative number", header: replace("seq=7", "seq=-7"), want: ErrMalformed},
		{name: "cut signature", header: func(h string) string { return h[:len(h)-4] }, want: ErrMalformed},
		{name: "field missing", header: replace("seq=7,", ""), want: ErrMalformed},
		{name: "field twice", header: replace("seq=7,", "seq=7,seq=7,"), want: ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := header
			if tt.header != nil {
				h = tt.header(h)
			}
			s, err := ParseSignature(h)
			if err == nil {
				err = s.Verify(or(tt.method, "POST"), or(tt.path, PathReport), orBytes(tt.body, body),
					orKey(tt.key), orTime(tt.now))
			}
			if !errors.Is(err, tt.want) || (tt.want == nil && err != nil) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestParseSignatureGivesWhatWasSigned(t *testing.T) {
	s, err := ParseSignature(signedHeader(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if s.Host != testHost || s.Sequence != 7 || !s.Time.Equal(signedAt) {
		t.Errorf("got %+v", s)
	}
}

func TestReportSpeaksForItsSignerOnly(t *testing.T) {
	s := Signature{Host: testHost, Sequence: 7}
	for _, tt := range []struct {
		report Report
		ok     bool
	}{
		{Report{HostID: testHost, Sequence: 7}, true},
		{Report{HostID: "i-0123456789abcdef1", Sequence: 7}, false},
		{Report{HostID: testHost, Sequence: 8}, false},
	} {
		if err := tt.report.SignedBy(s); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.report, err)
		}
	}
}

// FuzzParseSignature: a header that is accepted is the one way to write it.
func FuzzParseSignature(f *testing.F) {
	r := httptest.NewRequest(http.MethodPost, PathEnroll, nil)
	Sign(r, PathEnroll, nil, NewHost, 0, testKey('a'), signedAt)
	f.Add(r.Header.Get("Authorization"))
	f.Add("Muster-Agent host=i-0123456789abcdef0,ts=1,seq=2,sig=")
	f.Fuzz(func(t *testing.T, header string) {
		if s, err := ParseSignature(header); err == nil && s.String() != header {
			t.Errorf("%q is accepted and written %q", header, s)
		}
	})
}

func replace(old, with string) func(string) string {
	return func(h string) string { return strings.Replace(h, old, with, 1) }
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func orBytes(b, fallback []byte) []byte {
	if b == nil {
		return fallback
	}
	return b
}

func orKey(k ed25519.PublicKey) ed25519.PublicKey {
	if k == nil {
		return public(testKey('a'))
	}
	return k
}

func orTime(t time.Time) time.Time {
	if t.IsZero() {
		return signedAt
	}
	return t
}
