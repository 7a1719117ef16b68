package guard_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"muster/internal/source/guard"
)

func TestAllows(t *testing.T) {
	g, err := guard.New([]string{"10.1.0.0/16", "fd00:1::/32", "192.168.1.5"})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"8.8.8.8": true, "2600::1": true, "1.1.1.1": true,
		"127.0.0.1": false, "::1": false, "10.0.0.1": false, "10.1.2.3": true, "172.16.0.1": false, "192.168.1.4": false, "192.168.1.5": true,
		"169.254.169.254": false, "fe80::1": false, "fd00::1": false, "fd00:1::7": true, "::ffff:127.0.0.1": false, "::ffff:10.1.2.3": true,
		"0.0.0.0": false, "::": false, "100.100.100.200": false, "224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false,
		"64:ff9b::a00:1": false, "2002:7f00:1::": false, "fd00:ec2::254": false, "ff02::1": false,
	} {
		if got := g.Allows(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if g.Allows(netip.Addr{}) {
		t.Error("no address is allowed")
	}
	for _, wrong := range []string{"10.0.0.0/33", "example.com", ""} {
		if _, err := guard.New([]string{wrong}); err == nil {
			t.Errorf("%q is taken for a network", wrong)
		}
	}
}

// TestTransport: neither an address, nor a name, nor a redirect leads to what
// is not allowed.
func TestTransport(t *testing.T) {
	hits := 0
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
	defer inside.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "http://"), ":")
	closed := &http.Client{Transport: (&guard.Guard{}).Transport()}
	for _, url := range []string{inside.URL, "http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port} {
		if _, err := closed.Get(url); !errors.Is(err, guard.ErrRefused) {
			t.Errorf("%s: %v", url, err)
		}
	}
	redirecting := httptest.NewServer(http.RedirectHandler("http://127.0.0.2:"+port, http.StatusFound))
	defer redirecting.Close()
	g, err := guard.New([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	open := &http.Client{Transport: g.Transport()}
	if _, err := open.Get(redirecting.URL); !errors.Is(err, guard.ErrRefused) {
		t.Errorf("redirect: %v", err)
	}
	if hits != 0 {
		t.Errorf("%d requests came through", hits)
	}
	resp, err := open.Get(inside.URL)
	if err != nil || resp.Body.Close() != nil || hits != 1 {
		t.Errorf("allowed: %v, %d requests", err, hits)
	}
}
