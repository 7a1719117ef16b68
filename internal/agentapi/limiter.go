package agentapi

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// limiter counts failures by remote address, each address with a bucket that
// empties with time.
type limiter struct {
	burst int
	every time.Duration

	mu sync.Mutex
	// empty says when each bucket that is not empty will be empty.
	empty map[string]time.Time
}

// maxRemotes bounds the memory of a limiter; with more remotes than that at
// once, all strangers share one bucket.
const maxRemotes = 10_000

// everybody is that shared bucket.
const everybody = "everybody"

func newLimiter(burst int, every time.Duration) *limiter {
	return &limiter{burst: burst, every: every, empty: map[string]time.Time{}}
}

// allowed reports whether the remote may try.
func (l *limiter) allowed(remote string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.empty[l.bucket(remote)].Sub(now) <= time.Duration(l.burst-1)*l.every
}

// failed adds one failure to the remote's bucket.
func (l *limiter) failed(remote string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.empty) >= maxRemotes {
		l.forget(now)
	}
	b := l.bucket(remote)
	from := l.empty[b]
	if from.Before(now) {
		from = now
	}
	l.empty[b] = from.Add(l.every)
}

func (l *limiter) bucket(remote string) string {
	if _, known := l.empty[remote]; !known && len(l.empty) >= maxRemotes {
		return everybody
	}
	return remote
}

// forget drops the buckets that have become empty.
func (l *limiter) forget(now time.Time) {
	for remote, empty := range l.empty {
		if !empty.After(now) {
			delete(l.empty, remote)
		}
	}
}

// remoteOf is the address that counts: an IPv6 host has a whole /64 to itself.
func remoteOf(remoteAddr string) string {
	host, _, err := net.SplitHostPort(remoteAddr)
	if err != nil {
		host = remoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return everybody
	}
	if addr = addr.Unmap(); addr.Is4() {
		return addr.String()
	}
	if prefix, err := addr.WithZone("").Prefix(64); err == nil {
		return prefix.String()
	}
	return addr.String()
}
