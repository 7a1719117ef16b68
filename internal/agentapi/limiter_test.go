package agentapi

import (
	"fmt"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	l := newLimiter(3, 10*time.Second)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 3 {
		if !l.allowed("a", now) {
			t.Fatalf("refused after %d failures", i)
		}
		l.failed("a", now)
	}
	if l.allowed("a", now) || !l.allowed("b", now) {
		t.Error("want a refused and b not")
	}
	if l.allowed("a", now.Add(9*time.Second)) || !l.allowed("a", now.Add(10*time.Second)) {
		t.Error("want one more try after 10 seconds, no sooner")
	}
	l.failed("a", now.Add(10*time.Second))
	if l.allowed("a", now.Add(11*time.Second)) || !l.allowed("a", now.Add(time.Hour)) {
		t.Error("want a refused again, and forgiven in an hour")
	}
}

func TestLimiterMemoryIsBounded(t *testing.T) {
	l := newLimiter(2, time.Second)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range maxRemotes + 500 {
		l.failed(fmt.Sprint(i), now)
	}
	if n := len(l.empty); n > maxRemotes+1 {
		t.Errorf("%d buckets", n)
	}
	if l.allowed("a stranger", now) {
		t.Error("strangers have a bucket each")
	}
	now = now.Add(time.Hour)
	l.failed("a stranger", now)
	if n := len(l.empty); n != 1 || !l.allowed("another", now) {
		t.Errorf("after an hour %d buckets", n)
	}
}

func TestRemoteOf(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7:1234": "192.0.2.7", "[::ffff:192.0.2.7]:1": "192.0.2.7", "192.0.2.7": "192.0.2.7",
		"[2001:db8:1:2:3::4]:5": "2001:db8:1:2::/64", "[fe80::1%eth0]:5": "fe80::/64", "@": everybody, "": everybody,
	} {
		if got := remoteOf(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
