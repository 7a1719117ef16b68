package send_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"muster/internal/event/send"
	"muster/internal/store"
	"muster/internal/store/sinks"
)

func TestGuard(t *testing.T) {
	g := send.NewGuard([]netip.Prefix{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("fd00:1::/32")})
	for address, want := range map[string]struct{ tls, plain bool }{
		"93.184.216.34":        {true, false},
		"2606:2800:220:1::248": {true, false},
		"10.20.3.4":            {true, true},
		"::ffff:10.20.3.4":     {true, true},
		"fd00:1::5":            {true, true},
		"10.21.0.1":            {false, false},
		"127.0.0.1":            {false, false},
		"::1":                  {false, false},
		"::ffff:127.0.0.1":     {false, false},
		"0.0.0.0":              {false, false},
		"169.254.169.254":      {false, false}, // the metadata of a cloud's machine
		"fd00:ec2::254":        {false, false},
		"fe80::1%eth0":         {false, false},
		"192.168.1.1":          {false, false},
		"172.31.255.255":       {false, false},
		"100.64.0.1":           {false, false},
		"224.0.0.1":            {false, false},
		"255.255.255.255":      {false, false},
		"240.0.0.1":            {false, false},
		"64:ff9b::a9fe:a9fe":   {false, false}, // the same, translated
		"2002:7f00:1::":        {false, false},
		"2001:db8::1":          {false, false},
	} {
		a := netip.MustParseAddr(address)
		if err := g.Allow(a, false); (err == nil) != want.tls {
			t.Errorf("%s by TLS: %v", address, err)
		}
		if err := g.Allow(a, true); (err == nil) != want.plain {
			t.Errorf("%s without TLS: %v", address, err)
		}
	}
}

// TestNoForgedRequests: neither an address that is not allowed nor a redirect
// to one is reached.
func TestNoForgedRequests(t *testing.T) {
	reached := false
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(inner.Close)
	e := &store.Event{ID: "00000000000000000000000000000001", Detail: []byte(`{}`)}
	post := func(g *send.Guard, url string) error {
		t.Helper()
		s, err := send.Open(t.Context(), g, &sinks.Sink{Kind: sinks.Webhook, Format: "EVENTBRIDGE", URL: url}, send.Credentials{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		return s.Send(t.Context(), []*store.Event{e})[0]
	}
	if err := post(send.NewGuard(nil), inner.URL); !errors.Is(err, send.ErrAddress) || reached {
		t.Errorf("posted to the server's own machine: %v", err)
	}
	outer := httptest.NewServer(http.RedirectHandler(inner.URL, http.StatusTemporaryRedirect))
	t.Cleanup(outer.Close)
	own := send.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	if err := post(own, outer.URL); err == nil || reached {
		t.Errorf("followed a redirect: %v", err)
	}
	if err := post(own, inner.URL); err != nil || !reached {
		t.Errorf("did not reach what is allowed: %v", err)
	}
}

func TestCheckURL(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://hooks.example.com/x?y=z": true, "http://10.0.0.1/": true, "ftp://example.com": false, "https://user:pw@example.com": false,
		"https:///x": false, "/x": false, "https://example.com#f": false, "nats://example.com": false, "https://:443/": false,
	} {
		if _, err := send.CheckURL(sinks.Webhook, url); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := send.CheckURL(sinks.NATS, "tls://example.com:4222"); err != nil {
		t.Error(err)
	}
}
