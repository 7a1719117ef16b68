// Package git fetches one commit of a Git repository over smart HTTP, without
// its history, and puts its files on a tree of layers. Nothing of a repository
// is ever run: there is no work tree, no hook, no filter and no submodule.
//
// What a server sends is foreign: it is bounded in bytes, objects and time,
// and what its objects unpack to is added up before any of them is unpacked.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// UserAgent is how requests introduce themselves.
const UserAgent = "muster-git/1"

// Errors that callers tell apart; the wrapping error says more.
var (
	// ErrDenied says that the server refuses the credentials.
	ErrDenied = errors.New("access denied")
	// ErrNotFound says that there is no such repository, branch or commit.
	ErrNotFound = errors.New("not found")
	// ErrEmpty says that the repository has no commit.
	ErrEmpty = errors.New("repository is empty")
	// ErrLimit says that a bound was met.
	ErrLimit = errors.New("repository exceeds a bound")
)

// Limits bound a repository at one commit.
type Limits struct {
	// Pack is the most bytes on the way, Unpacked of all objects, Object of
	// one that has to be held in memory.
	Pack, Unpacked, Object int64
	// Objects is the most of them: files, folders, the commit.
	Objects uint32
}

// DefaultLimits let very large repositories pass.
func DefaultLimits() Limits {
	return Limits{Pack: 1 << 30, Unpacked: 8 << 30, Object: 128 << 20, Objects: 2_000_000}
}

// Remote is a repository at a server.
type Remote struct {
	// URL is the repository's, with the scheme http or https.
	URL string
	// User and Password are those of basic authentication; no header is sent
	// without a password.
	User, Password string
	// Transport makes the requests; required.
	Transport http.RoundTripper
	// Limits are DefaultLimits where they are zero.
	Limits Limits
}

// Ref is a branch and the commit it is at.
type Ref struct{ Name, Commit string }

const branches = "refs/heads/"

// maxRefs bounds the list of branches and tags, in bytes.
const maxRefs = 64 << 20

// maxRedirects is how often a server may send a request elsewhere.
const maxRedirects = 5

func (r *Remote) client() *http.Client {
	return &http.Client{Transport: r.Transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return errors.New("too many redirects")
		}
		if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
			return errors.New("redirected from https to " + req.URL.Scheme)
		}
		if req.Method != http.MethodGet {
			return errors.New("redirected while fetching")
		}
		return nil
	}}
}

func (r *Remote) do(ctx context.Context, method, address string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", UserAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
		req.Header.Set("Accept", "application/x-git-upload-pack-result")
	}
	if r.Password != "" {
		req.SetBasicAuth(r.User, r.Password)
	}
	res, err := r.client().Do(req)
	if err != nil {
		return nil, err
	}
	switch res.StatusCode {
	case http.StatusOK:
		return res, nil
	case http.StatusUnauthorized, http.StatusForbidden:
		err = ErrDenied
	case http.StatusNotFound, http.StatusGone:
		err = ErrNotFound
	default:
		err = errors.New("the server answers " + res.Status)
	}
	return nil, errors.Join(err, res.Body.Close())
}

// advertised asks for what the server has. The address is where to fetch it,
// which redirects may have moved.
func (r *Remote) advertised(ctx context.Context) (_ *packp.AdvRefs, base string, err error) {
	res, err := r.do(ctx, http.MethodGet, strings.TrimSuffix(r.URL, "/")+"/info/refs?service=git-upload-pack", nil)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if t := res.Header.Get("Content-Type"); t != "application/x-git-upload-pack-advertisement" {
		return nil, "", fmt.Errorf("%w: the address answers, but not as a Git repository", ErrNotFound)
	}
	u := *res.Request.URL
	u.RawQuery = ""
	u.Path = strings.TrimSuffix(u.Path, "/info/refs")
	if err := sameHost(r.URL, &u); err != nil {
		return nil, "", err
	}
	refs := packp.NewAdvRefs()
	err = refs.Decode(io.LimitReader(res.Body, maxRefs))
	if errors.Is(err, packp.ErrEmptyAdvRefs) || errors.Is(err, packp.ErrEmptyInput) {
		err = ErrEmpty
	}
	return refs, u.String(), err
}

// sameHost refuses to take credentials to another host than theirs.
func sameHost(asked string, got *url.URL) error {
	u, err := url.Parse(asked)
	if err == nil && u.Host != got.Host {
		err = errors.New("the repository has moved to " + got.Host)
	}
	return err
}

// Head tells where a branch is, "" for the default one.
func (r *Remote) Head(ctx context.Context, branch string) (Ref, error) {
	refs, _, err := r.advertised(ctx)
	if err != nil {
		return Ref{}, err
	}
	return head(refs, branch)
}

func head(refs *packp.AdvRefs, branch string) (Ref, error) {
	if branch == "" {
		for _, v := range refs.Capabilities.Get(capability.SymRef) {
			if name, to, ok := strings.Cut(v, ":"); ok && name == "HEAD" {
				branch = strings.TrimPrefix(to, branches)
			}
		}
	}
	if h, ok := refs.References[branches+branch]; ok && branch != "" {
		return Ref{branch, h.String()}, nil
	}
	if branch == "" && refs.Head != nil {
		return Ref{"HEAD", refs.Head.String()}, nil
	}
	if len(refs.References) == 0 || branch == "" {
		return Ref{}, ErrEmpty
	}
	return Ref{}, fmt.Errorf("branch %s: %w", branch, ErrNotFound)
}

// encode is a request as it goes over the wire.
func encode(req *packp.UploadPackRequest) (io.Reader, error) {
	var b bytes.Buffer
	if err := req.UploadRequest.Encode(&b); err != nil {
		return nil, err
	}
	if err := req.UploadHaves.Encode(&b, false); err != nil {
		return nil, err
	}
	b.WriteString("0009done\n")
	return &b, nil
}
