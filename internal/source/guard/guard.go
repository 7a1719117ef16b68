// Package guard keeps requests that tenants cause out of the operator's
// network. It decides by the address that a connection is really made to, so
// neither a name's answer nor a redirect leads around it.
package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrRefused says that an address is not allowed; the wrapping error names it.
var ErrRefused = errors.New("address is not allowed by the server's configuration")

// Guard says which addresses may be reached: the public ones, and those of the
// networks that the operator allows. The zero value allows the public ones.
type Guard struct{ allowed []netip.Prefix }

// New reads networks: 10.0.0.0/8, or single addresses.
func New(networks []string) (*Guard, error) {
	g := &Guard{}
	for _, text := range networks {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			address, other := netip.ParseAddr(text)
			if other != nil {
				return nil, fmt.Errorf("%q is no network such as 10.0.0.0/8: %w", text, err)
			}
			p = netip.PrefixFrom(address, address.BitLen())
		}
		g.allowed = append(g.allowed, p.Masked())
	}
	return g, nil
}

// Of is New for networks that are read already.
func Of(networks ...netip.Prefix) *Guard {
	g := &Guard{}
	for _, p := range networks {
		g.allowed = append(g.allowed, p.Masked())
	}
	return g
}

// special are the networks beyond those that package net/netip knows of, which
// lead nowhere, into an operator's network, or by translation anywhere
// (IANA's registries of special-purpose addresses).
func special() []netip.Prefix {
	var list []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// Named reports whether an address is in a network that the operator allows.
func (g *Guard) Named(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range g.allowed {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Allows reports whether an address may be reached.
func (g *Guard) Allows(a netip.Addr) bool {
	if g.Named(a) {
		return true
	}
	a = a.Unmap().WithZone("")
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range special() {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// control is called with the address of every connection before it is made.
func (g *Guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, ErrRefused)
	}
	if !g.Allows(a.Addr()) {
		return fmt.Errorf("%s: %w", a.Addr(), ErrRefused)
	}
	return nil
}

// Transport makes requests to allowed addresses only. It uses no proxy, which
// would connect elsewhere than the guard sees.
func (g *Guard) Transport() *http.Transport {
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, ControlContext: g.control}
	return &http.Transport{
		DialContext: d.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: 100, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: time.Minute, ExpectContinueTimeout: time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}
