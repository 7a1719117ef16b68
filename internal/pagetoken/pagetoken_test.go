package pagetoken

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"pgregory.net/rapid"
)

func call(account arn.AccountID, region arn.Region) *awsmodel.Call {
	return &awsmodel.Call{Principal: arn.Principal{Account: account}, Region: region, Time: time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)}
}

type filter struct {
	Severity []string
	After    *time.Time
	Tags     map[string]string
}

func sealer(t testing.TB, seed byte) *Sealer {
	t.Helper()
	s, err := New(bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRoundTrip seals and opens any cursor, and refuses the token for any other
// account, Region, operation, query or key.
func TestRoundTrip(t *testing.T) {
	s, other := sealer(t, 1), sealer(t, 2)
	rapid.Check(t, func(t *rapid.T) {
		cursor := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "cursor")
		text := rapid.StringN(0, 20, 60)
		q := filter{Severity: rapid.SliceOf(text).Draw(t, "severity"), Tags: rapid.MapOf(text, text).Draw(t, "tags")}
		c := call("111111111111", "eu-west-1")
		token := s.Seal(c, "ListFindings", q, cursor)
		got, err := s.Open(c, "ListFindings", q, token)
		if err != nil || !bytes.Equal(got, cursor) {
			t.Fatalf("got %x, %v; want %x", got, err, cursor)
		}
		q2 := q
		q2.Severity = append([]string{"x"}, q.Severity...)
		for name, open := range map[string]func() ([]byte, error){
			"account":   func() ([]byte, error) { return s.Open(call("222222222222", "eu-west-1"), "ListFindings", q, token) },
			"region":    func() ([]byte, error) { return s.Open(call("111111111111", "eu-west-2"), "ListFindings", q, token) },
			"operation": func() ([]byte, error) { return s.Open(c, "ListCoverage", q, token) },
			"query":     func() ([]byte, error) { return s.Open(c, "ListFindings", q2, token) },
			"key":       func() ([]byte, error) { return other.Open(c, "ListFindings", q, token) },
		} {
			if _, err := open(); !errors.Is(err, ErrInvalid) {
				t.Fatalf("another %s was accepted: %v", name, err)
			}
		}
	})
}

// TestEveryBitCounts flips each bit of a token.
func TestEveryBitCounts(t *testing.T) {
	s, c := sealer(t, 1), call("111111111111", "eu-west-1")
	token := s.Seal(c, "ListMembers", nil, []byte("cursor"))
	for i := range token {
		for bit := range 7 {
			b := []byte(token)
			b[i] ^= 1 << bit
			if got, err := s.Open(c, "ListMembers", nil, string(b)); err == nil {
				t.Fatalf("%q opened as %q", b, got)
			}
		}
	}
	for n := range len(token) {
		if _, err := s.Open(c, "ListMembers", nil, token[:n]); err == nil {
			t.Fatalf("the first %d characters were accepted", n)
		}
	}
}

func TestTokensExpire(t *testing.T) {
	s, c := sealer(t, 1), call("111111111111", "eu-west-1")
	token := s.Seal(c, "ListMembers", nil, nil)
	later := *c
	later.Time = c.Time.Add(Life)
	if _, err := s.Open(&later, "ListMembers", nil, token); err != nil {
		t.Errorf("within its life: %v", err)
	}
	later.Time = c.Time.Add(Life + time.Second)
	if _, err := s.Open(&later, "ListMembers", nil, token); !errors.Is(err, ErrInvalid) {
		t.Errorf("after its life: %v", err)
	}
}

func TestTokensAreFresh(t *testing.T) {
	s, c := sealer(t, 1), call("111111111111", "eu-west-1")
	if a, b := s.Seal(c, "X", nil, []byte("p")), s.Seal(c, "X", nil, []byte("p")); a == b {
		t.Error("two tokens are equal: the nonce repeats")
	}
	if _, err := s.Open(c, "X", nil, strings.Repeat("A", MaxLength+1)); !errors.Is(err, ErrInvalid) {
		t.Errorf("an endless token: %v", err)
	}
	if _, err := New([]byte("short")); err == nil {
		t.Error("a short key was accepted")
	}
	if len(NewKey()) != 32 || bytes.Equal(NewKey(), NewKey()) {
		t.Error("keys are not fresh")
	}
}

func FuzzOpen(f *testing.F) {
	s, c := sealer(f, 1), call("111111111111", "eu-west-1")
	f.Add(s.Seal(c, "X", nil, []byte("p")))
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		cursor, err := s.Open(c, "Y", nil, token)
		if err == nil {
			t.Errorf("%q opened as %q for an operation that sealed nothing", token, cursor)
		}
	})
}
