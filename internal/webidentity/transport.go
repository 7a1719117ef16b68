package webidentity

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // IAM names certificate authorities so
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// patience is how long a provider may take to answer.
	patience = 10 * time.Second
	// maxAnswer bounds a provider's answers in bytes.
	maxAnswer = 1 << 20
	// fresh is how long an answer is good for whoever asks the same again: who
	// sends tokens with made-up keys does not make the server ask each time.
	fresh = 5 * time.Second
)

// client is an HTTP client for a provider, which follows no redirects.
func (v *Verifier) client(thumbprints []string) *http.Client {
	t := v.transport()
	if len(thumbprints) > 0 {
		t.TLSClientConfig = &tls.Config{
			MinVersion: tls.VersionTLS12,
			// verifyWith does what is skipped, and more.
			InsecureSkipVerify: true, //nolint:gosec
			VerifyConnection:   verifyWith(thumbprints),
		}
	}
	return &http.Client{
		Transport: &bounded{next: t, answers: map[string]answer{}}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// verifyWith verifies a server's certificate as usual, and otherwise against the
// last certificate that it sends where that is one of the thumbprints'.
func verifyWith(thumbprints []string) func(tls.ConnectionState) error {
	return func(c tls.ConnectionState) error {
		if len(c.PeerCertificates) == 0 {
			return errors.New("no certificate")
		}
		o := x509.VerifyOptions{DNSName: c.ServerName, Intermediates: x509.NewCertPool()}
		for _, cert := range c.PeerCertificates[1:] {
			o.Intermediates.AddCert(cert)
		}
		_, err := c.PeerCertificates[0].Verify(o)
		if err == nil {
			return nil
		}
		last := c.PeerCertificates[len(c.PeerCertificates)-1]
		sum := sha1.Sum(last.Raw) //nolint:gosec
		for _, t := range thumbprints {
			if strings.EqualFold(t, hex.EncodeToString(sum[:])) {
				o.Roots = x509.NewCertPool()
				o.Roots.AddCert(last)
				_, err = c.PeerCertificates[0].Verify(o)
				return err
			}
		}
		return err
	}
}

// bounded passes answers on up to a size, and reuses what it was just told.
type bounded struct {
	next http.RoundTripper

	mu      sync.Mutex // guards answers
	answers map[string]answer
}

type answer struct {
	response http.Response
	body     []byte
	at       time.Time
}

// RoundTrip implements http.RoundTripper.
func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	reusable := r.Method == http.MethodGet && r.Header.Get("Authorization") == ""
	if a, ok := b.recall(r); ok && reusable {
		return a.again(r), nil
	}
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	err = errors.Join(err, response.Body.Close())
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("%s answers more than %d bytes", r.URL.Host, maxAnswer)
	}
	if err != nil {
		return nil, err
	}
	a := answer{*response, body, time.Now()}
	if reusable {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.answers) > 16 {
			clear(b.answers)
		}
		b.answers[r.URL.String()] = a
	}
	return a.again(r), nil
}

func (b *bounded) recall(r *http.Request) (answer, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.answers[r.URL.String()]
	return a, ok && time.Since(a.at) < fresh
}

// again is the answer for another reader.
func (a answer) again(r *http.Request) *http.Response {
	response := a.response
	response.Request, response.Header = r, a.response.Header.Clone()
	response.Body = io.NopCloser(bytes.NewReader(a.body))
	return &response
}
