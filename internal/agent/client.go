package agent

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"muster/internal/agentwire"
)

// RefusedError is an answer of the server that is not acceptance.
type RefusedError struct {
	// Status is HTTP's; Code is empty when the answer was not muster's, for
	// example a proxy's.
	Status  int
	Code    agentwire.ErrorCode
	Message string

	serverTime   time.Time
	lastSequence int64
	// retryAfter is how long the server asked to wait, 0 when it did not.
	retryAfter time.Duration
}

func (e *RefusedError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("the server answered %d %s", e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// client sends signed requests to one server.
type client struct {
	base string
	http *http.Client
	// offset is added to the clock for signatures, when the server said that
	// the clocks differ.
	offset time.Duration
	// sent counts the bytes of the bodies that were sent.
	sent int
}

// requestTimeout bounds a request with its answer.
const requestTimeout = 2 * time.Minute

// mostRetryAfter is the longest time that an agent lets a server ask it to wait.
const mostRetryAfter = 15 * time.Minute

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 1 << 20

// newClient checks the address: https, or http to this very machine. ca is
// PEM text, "" for the system's authorities.
func newClient(server, ca string, transport http.RoundTripper) (*client, error) {
	base, err := checkServer(server)
	if err != nil {
		return nil, err
	}
	if transport == nil {
		transport, err = newTransport(ca)
		if err != nil {
			return nil, err
		}
	}
	return &client{base: base, http: &http.Client{
		Transport: transport, Timeout: requestTimeout,
		// A signed request is for the server that was configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func newTransport(ca string) (http.RoundTripper, error) {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 15 * time.Second,
		IdleConnTimeout:     30 * time.Second,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if ca != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(ca)) {
			return nil, errors.New("the file of authorities holds no certificate in PEM form")
		}
		t.TLSClientConfig.RootCAs = pool
	}
	return t, nil
}

// checkServer accepts "https://host[:port][/prefix]", and http for loopback
// addresses only: what is installed is nobody else's business on the way.
func checkServer(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", fmt.Errorf("server address: %w", err)
	}
	if u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("server address %q: want https://host[:port]", server)
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	case u.Scheme == "http":
		return "", fmt.Errorf("server address %q: http is allowed to this machine only; use https", server)
	default:
		return "", fmt.Errorf("server address %q: want https://host[:port]", server)
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// now is the time that the server agrees with.
func (c *client) now() time.Time { return time.Now().Add(c.offset) }

// post sends a body, compressed if that is worth it, and decodes the answer.
// A *RefusedError is the server's refusal.
func (c *client) post(ctx context.Context, path string, body []byte, sign signer, answer any) error {
	encoding := ""
	if len(body) > 1024 {
		body, encoding = agentwire.Compress(body), "gzip"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	req.Header.Set(agentwire.VersionHeader, strconv.Itoa(agentwire.Version))
	c.sent += len(body)
	agentwire.Sign(req, path, body, sign.host, sign.sequence, sign.key, c.now())
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return refused(res, data)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// signer is what a signature needs besides the request.
type signer struct {
	host     agentwire.HostID
	sequence int64
	key      ed25519.PrivateKey
}

func refused(res *http.Response, body []byte) error {
	e := &RefusedError{Status: res.StatusCode}
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 {
		e.retryAfter = time.Duration(min(n, int(mostRetryAfter/time.Second))) * time.Second
	}
	var r agentwire.ErrorResponse
	if json.Unmarshal(body, &r) != nil || r.Code == "" {
		return e
	}
	e.Code, e.Message, e.lastSequence = r.Code, r.Message, r.LastSequence
	if r.ServerTime != nil {
		e.serverTime = *r.ServerTime
	}
	return e
}

// adjust learns from a refusal what makes the next attempt succeed. It
// reports whether there is something to try at once.
func (c *client) adjust(err error, s *state) bool {
	e, ok := errors.AsType[*RefusedError](err)
	if !ok {
		return false
	}
	switch {
	case e.Code == agentwire.CodeClockSkew && !e.serverTime.IsZero():
		c.offset = time.Until(e.serverTime)
		return true
	case e.Code == agentwire.CodeSequence && s != nil && e.lastSequence > 0:
		s.continueAfter(e.lastSequence)
		return true
	}
	return false
}
