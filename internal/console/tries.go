package console

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// mostTries failures of one address, or for one user, within triesLast close
// the door to it until they are forgotten. mostKept bounds the memory: with
// more than that at once the oldest knowledge is dropped.
const (
	mostTries = 10
	triesLast = time.Minute
	mostKept  = 10_000
)

// tries counts failed sign-ins.
type tries struct {
	mu sync.Mutex // guards of
	of map[string]failures
}

type failures struct {
	n     int
	since time.Time
}

func newTries() *tries { return &tries{of: map[string]failures{}} }

// allowed reports whether none of the names has failed too often.
func (t *tries) allowed(now time.Time, names ...string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		if f := t.of[name]; f.n >= mostTries && now.Sub(f.since) < triesLast {
			return false
		}
	}
	return true
}

// failed adds a failure to each of the names.
func (t *tries) failed(now time.Time, names ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.of)+len(names) > mostKept {
		t.forget(now)
	}
	for _, name := range names {
		f := t.of[name]
		if now.Sub(f.since) >= triesLast {
			f = failures{since: now}
		}
		f.n++
		t.of[name] = f
	}
}

// forget drops what no longer counts, and everything when that is not enough.
func (t *tries) forget(now time.Time) {
	for name, f := range t.of {
		if now.Sub(f.since) >= triesLast {
			delete(t.of, name)
		}
	}
	if len(t.of) > mostKept/2 {
		clear(t.of)
	}
}

// addressOf is the address that counts: an IPv6 host has a whole /64 to itself.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if addr = addr.Unmap(); addr.Is6() {
		if prefix, err := addr.WithZone("").Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}
