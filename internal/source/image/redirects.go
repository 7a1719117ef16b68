package image

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// maxRedirects is how often a registry may send a request elsewhere.
const maxRedirects = 10

// FewRedirects ends requests that are sent around in rings: the clients of
// registries follow redirects without counting them. Nil is the transport that
// they use.
func FewRedirects(through http.RoundTripper) http.RoundTripper {
	return few{cmp.Or(through, remote.DefaultTransport)}
}

type few struct{ through http.RoundTripper }

// RoundTrip implements http.RoundTripper. A request knows the answer that led
// to it, and that answer its request.
func (f few) RoundTrip(r *http.Request) (*http.Response, error) {
	n := 0
	for before := r; before != nil && before.Response != nil; before = before.Response.Request {
		if n++; n > maxRedirects {
			return nil, fmt.Errorf("more than %d redirects", maxRedirects)
		}
	}
	return f.through.RoundTrip(r)
}
