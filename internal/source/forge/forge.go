// Package forge asks the places where people keep source code for their
// projects: GitLab's REST interface, version 4, and GitHub's.
//
// What they answer is foreign: bodies, pages and names are bounded, and links
// to further pages are followed at the same host only.
package forge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// UserAgent is how requests introduce themselves.
const UserAgent = "muster-code/1"

// Errors that callers tell apart; the wrapping error says more.
var (
	// ErrDenied says that the credentials are not, or no longer, good for
	// that.
	ErrDenied = errors.New("access denied")
	// ErrNotFound says that there is nothing of the name.
	ErrNotFound = errors.New("not found")
	// ErrForm says that the answer is not what the interface promises.
	ErrForm = errors.New("unexpected answer")
)

// Project is a repository at a forge.
type Project struct {
	// ID is the forge's own, which outlives names.
	ID string
	// Name has the groups or the owner before it.
	Name string
	// CloneURL is where Git fetches it.
	CloneURL string
	// Branch is the default branch, "" where there is no commit yet.
	Branch string
	// Visibility is private, internal or public.
	Visibility string
}

// Bounds of what is asked.
const (
	maxBody  = 8 << 20
	maxPages = 1000
	perPage  = 100
	maxName  = 300
)

// web makes requests to one forge.
type web struct {
	// base is where the interface begins, without a slash at its end.
	base string
	// authorize puts credentials on a request.
	authorize func(*http.Request)
	transport http.RoundTripper
}

// call makes a request and decodes its answer into out, which may be nil. It
// returns the address of the next page, "" for none.
func (w *web) call(ctx context.Context, method, address string, in, out any) (next string, err error) {
	if !strings.HasPrefix(address, "http:") && !strings.HasPrefix(address, "https:") {
		address = w.base + address
	}
	body, kind, err := encode(in)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", UserAgent)
	req.Header.Set("Accept", "application/json")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if w.authorize != nil {
		w.authorize(req)
	}
	// Nothing here redirects; one that does would take credentials along.
	client := &http.Client{Transport: w.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > maxBody:
		return "", fmt.Errorf("%w: more than %d bytes", ErrForm, maxBody)
	case res.StatusCode/100 != 2:
		return "", refusal(res)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			return "", fmt.Errorf("%w: %s %s: %w", ErrForm, method, req.URL.Path, err)
		}
	}
	return w.next(res), nil
}

// refusal is the error of an answer. Its body is not shown: it may say things
// about a network that whoever asks cannot reach.
func refusal(res *http.Response) error {
	what := fmt.Errorf("%s %s answers %s", res.Request.Method, res.Request.URL.Path, res.Status)
	switch res.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %w", ErrDenied, what)
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%w: %w", ErrNotFound, what)
	}
	return what
}

// next is the address of the page after an answer, at the same host only.
func (w *web) next(res *http.Response) string {
	for part := range strings.SplitSeq(res.Header.Get("Link"), ",") {
		address, rel, ok := strings.Cut(part, ";")
		if !ok || !strings.Contains(rel, `rel="next"`) {
			continue
		}
		u, err := res.Request.URL.Parse(strings.Trim(strings.TrimSpace(address), "<>"))
		if err != nil {
			return ""
		}
		// Behind a proxy forges name themselves otherwise: only the query is
		// believed.
		same := *res.Request.URL
		same.RawQuery = u.RawQuery
		return same.String()
	}
	return ""
}

// encode is what a request carries: a form, or everything else as JSON.
func encode(in any) (body io.Reader, kind string, err error) {
	switch in := in.(type) {
	case nil:
		return nil, "", nil
	case url.Values:
		return strings.NewReader(in.Encode()), "application/x-www-form-urlencoded", nil
	}
	text, err := json.Marshal(in)
	return bytes.NewReader(text), "application/json", err
}

// name bounds what a forge calls something.
func name(text string) string {
	text = strings.ToValidUTF8(text, "?")
	return strings.ToValidUTF8(text[:min(len(text), maxName)], "")
}
