// Package web brings single files here from publishers: requests that wait and
// are made again, only to hosts that are allowed, and downloads that go on where
// they stopped.
package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"muster/internal/feed"
)

const (
	// attempts is how often one request is made before it has failed.
	attempts = 5
	// firstPause is the pause after the first failure; it doubles.
	firstPause = time.Second
	// longestPause is how long one request may be put off; a server that asks
	// for more ends the run of its source until then.
	longestPause = 2 * time.Minute
	maxRedirects = 5
)

// ErrNotAllowed says that a server led to an address that configuration does
// not allow.
var ErrNotAllowed = errors.New("the address is not allowed")

// BusyError says that a server wants to be left alone until a time.
type BusyError struct {
	status string
	// Until is when it may be asked again.
	Until time.Time
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("the server answers %s and asks to come back after %s", e.status, e.Until.UTC().Format(time.RFC3339))
}

// errRange says that there is nothing at the place where a partial file ends.
var errRange = errors.New("the server has no such range")

// statusError is an answer that is neither content nor a promise of it.
type statusError struct{ status string }

func (e *statusError) Error() string { return "the server answers " + e.status }

// Client makes requests to one publisher and the hosts it may refer to.
type Client struct {
	http  *http.Client
	hosts []string
	// Header goes with every request.
	Header http.Header
	now    func() time.Time
	wait   func(context.Context, time.Duration) error
}

// New makes a client that may ask the hosts only.
func New(transport http.RoundTripper, hosts []string, now func() time.Time, wait func(context.Context, time.Duration) error) *Client {
	c := &Client{hosts: hosts, now: now, wait: wait}
	c.http = &http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
			return fmt.Errorf("%w: redirected from https to %s", ErrNotAllowed, req.URL.Redacted())
		}
		return c.allowed(req.URL)
	}}
	return c
}

// allowed refuses hosts that neither the table nor configuration names.
func (c *Client) allowed(u *url.URL) error {
	if u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%w: %s", ErrNotAllowed, u.Redacted())
	}
	if !slices.Contains(c.hosts, u.Host) {
		return fmt.Errorf("%w: %s is not one of the hosts %v", ErrNotAllowed, u.Host, c.hosts)
	}
	return nil
}

// Get asks until there is an answer that stands: content, "not modified"
// (feed.ErrNotModified) or "not there" (feed.ErrAbsent). Errors name the address.
func (c *Client) Get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		r, err := c.try(ctx, address, header)
		if err == nil {
			return r, nil
		}
		pause, again := c.pause(err, attempt)
		if !again || ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
		if err := c.wait(ctx, pause); err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
	}
}

// pause says how long to wait before the next attempt, if there is one.
func (c *Client) pause(err error, attempt int) (time.Duration, bool) {
	var status *statusError
	switch busy := new(BusyError); {
	case errors.As(err, &busy):
		left := busy.Until.Sub(c.now())
		return max(left, firstPause), left <= longestPause && attempt < attempts
	case errors.Is(err, feed.ErrNotModified), errors.Is(err, feed.ErrAbsent), errors.Is(err, errRange), errors.Is(err, ErrNotAllowed), errors.As(err, &status):
		return 0, false
	}
	if dial := new(net.OpError); errors.As(err, &dial) && dial.Op == "dial" {
		return firstPause, attempt == 1 // nobody there, or no network
	}
	return firstPause << (attempt - 1), attempt < attempts
}

func (c *Client) try(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &statusError{err.Error()}
	}
	if err := c.allowed(req.URL); err != nil {
		return nil, err
	}
	for _, h := range []http.Header{c.Header, header} {
		for name, values := range h {
			req.Header[name] = values
		}
	}
	req.Header.Set("User-Agent", "muster")
	// A transparently unpacked body would not be the file.
	req.Header.Set("Accept-Encoding", "identity")
	r, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if r.StatusCode == http.StatusOK || r.StatusCode == http.StatusPartialContent {
		if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
			return nil, errors.Join(&statusError{"with " + coding + " encoding, which was not asked for"}, r.Body.Close())
		}
		return r, nil
	}
	return nil, errors.Join(c.refusal(r), r.Body.Close())
}

// refusal is the error of an answer without content.
func (c *Client) refusal(r *http.Response) error {
	switch {
	case r.StatusCode == http.StatusNotModified:
		return feed.ErrNotModified
	case r.StatusCode == http.StatusNotFound, r.StatusCode == http.StatusGone:
		return feed.ErrAbsent
	case r.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return errRange
	case r.StatusCode == http.StatusTooManyRequests, r.StatusCode == http.StatusServiceUnavailable:
		if until, ok := retryAfter(r.Header.Get("Retry-After"), c.now()); ok {
			return &BusyError{r.Status, until}
		}
		return errors.New("the server answers " + r.Status)
	case r.StatusCode >= 500:
		return errors.New("the server answers " + r.Status)
	}
	return &statusError{r.Status}
}

// retryAfter reads a Retry-After header: seconds, or a date. What is longer
// than a day counts as a day.
func retryAfter(text string, now time.Time) (time.Time, bool) {
	const day = 24 * time.Hour
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds >= 0 {
		return now.Add(min(day, time.Duration(min(seconds, 1<<20))*time.Second)), true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return time.Time{}, false
	}
	if at.Sub(now) > day {
		at = now.Add(day)
	}
	return at, true
}

// Text fetches a small text, at most limit bytes.
func (c *Client) Text(ctx context.Context, address string, limit int64) ([]byte, error) {
	for attempt := 1; ; attempt++ {
		r, err := c.Get(ctx, address, nil)
		if err != nil {
			return nil, err
		}
		b, err := feed.ReadAll(r.Body, limit)
		err = errors.Join(err, r.Body.Close())
		if err == nil {
			return b, nil
		}
		if errors.Is(err, feed.ErrTooLarge) || attempt == attempts || ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
		if err := c.wait(ctx, firstPause<<(attempt-1)); err != nil {
			return nil, err
		}
	}
}
