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
	"slices"
	"syscall"
	"time"
)

// ErrAddress says that an address must not be reached.
var ErrAddress = errors.New("the server may not connect to this address")

// Guard decides which addresses may be reached: public ones by TLS, and those
// of the operator's own networks that the configuration names, by TLS or
// without.
type Guard struct{ own []netip.Prefix }

// NewGuard returns a guard that knows the operator's networks.
func NewGuard(own []netip.Prefix) *Guard { return &Guard{slices.Clone(own)} }

// special are networks that are public by their form and lead elsewhere:
// shared and test ranges, and addresses of IPv6 that carry one of IPv4.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

// Allow refuses an address that must not be reached; plain says that nothing
// encrypts what is said.
func (g *Guard) Allow(a netip.Addr, plain bool) error {
	a = a.Unmap().WithZone("")
	within := func(p netip.Prefix) bool { return p.Contains(a) }
	switch {
	case slices.ContainsFunc(g.own, within):
		return nil
	case !a.IsGlobalUnicast() || a.IsPrivate() || slices.ContainsFunc(special, within):
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
