// Package send takes events to where they are wanted: by signed webhook, to
// NATS, or to an endpoint that speaks EventBridge's PutEvents.
//
// Tenants say where their events go, so nothing here trusts an address: names
// are resolved first and what they resolve to is judged, redirects are not
// followed, and answers are not shown to anybody.
package send

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"muster/internal/source/guard"
)

// ErrAddress says that an address must not be reached.
var ErrAddress = errors.New("the server may not connect to this address")

// Guard decides which addresses may be reached: public ones by TLS, and those
// of the operator's own networks that the configuration names, by TLS or
// without.
type Guard struct{ guard *guard.Guard }

// NewGuard returns a guard that knows the operator's networks.
func NewGuard(own []netip.Prefix) *Guard { return &Guard{guard.Of(own...)} }

// Allow refuses an address that must not be reached; plain says that nothing
// encrypts what is said.
func (g *Guard) Allow(a netip.Addr, plain bool) error {
	switch {
	case g.guard.Named(a):
		return nil
	case !g.guard.Allows(a):
		return fmt.Errorf("%w: it is no public one", ErrAddress)
	case plain:
		return fmt.Errorf("%w without TLS", ErrAddress)
	}
	return nil
}

// Dialer connects to what the guard allows. The judgement is passed on the
// address that the connection is made to, whatever its name resolved to before.
func (g *Guard) Dialer(plain bool) *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrAddress, err)
		}
		return g.Allow(to.Addr(), plain)
	}}
}

// client speaks HTTP with what the guard allows.
func (g *Guard) client(plain bool) *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			DialContext: g.Dialer(plain).DialContext, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 20 * time.Second,
			MaxIdleConnsPerHost: parallel, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
