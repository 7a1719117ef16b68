// Package distribution is the door at which images are pushed and pulled: the
// open interface of registries, for the repositories whose images are kept
// here. Who comes in shows the token of GetAuthorizationToken as a password, and
// every request is authorized as the operation of ECR that it amounts to.
package distribution

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/ecr/pass"
	"muster/internal/registry/hosted"
	"muster/internal/store/registry"
)

// Prefix begins the paths of the interface.
const Prefix = "/v2/"

// Bounds: how many requests may carry content at a time, and how long one may
// take.
const (
	bodiesAtOnce = 32
	longest      = 30 * time.Minute
	maxManifest  = 4 << 20
)

// Config are the door's parts.
type Config struct {
	Hosted *hosted.Service
	Passes *pass.Office
	// Operations are those of ECR, by which requests are authorized.
	Operations []awsmodel.Operation
	// Authorize is the one authorization point.
	Authorize func(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error
	// Known reports whether a long-term key still is somebody's.
	Known func(ctx context.Context, accessKeyID string) (bool, error)
	// Attend is told of calls, as that of the AWS door; nil for nobody.
	Attend func(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, parameters func() json.RawMessage) (context.Context, func(error))
	Now    func() time.Time
	Log    *slog.Logger
}

// Door is the http.Handler for paths below Prefix.
type Door struct {
	config     Config
	operations map[string]*awsmodel.Operation
	bodies     chan struct{}
}

// New returns the door.
func New(c Config) *Door {
	d := &Door{config: c, operations: map[string]*awsmodel.Operation{}, bodies: make(chan struct{}, bodiesAtOnce)}
	for i := range c.Operations {
		d.operations[c.Operations[i].Name] = &c.Operations[i]
	}
	return d
}

// problem is an error in the interface's words.
type problem struct {
	status     int
	code, text string
}

func (p *problem) Error() string { return p.code + ": " + p.text }

var (
	errAuth        = &problem{http.StatusUnauthorized, "UNAUTHORIZED", "show the token of `aws ecr get-login-password` as the password of the user AWS"}
	errPath        = &problem{http.StatusNotFound, "UNSUPPORTED", "there is nothing at this path"}
	errMethod      = &problem{http.StatusMethodNotAllowed, "UNSUPPORTED", "this cannot be done here"}
	errBusy        = &problem{http.StatusTooManyRequests, "TOOMANYREQUESTS", "too many uploads and downloads at once; try again"}
	errOtherOwner  = &problem{http.StatusForbidden, "DENIED", "the registry is another account's"}
	errDigestQuery = &problem{http.StatusBadRequest, "DIGEST_INVALID", "the digest is not of the form sha256:…"}
)

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	err := d.serve(w, r)
	if err == nil {
		return
	}
	p := d.problem(r, err)
	if p.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="muster",service="ecr"`)
	}
	if p.status == http.StatusTooManyRequests || p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]string{"code": p.code, "message": p.text}}})
}

// problem puts an error into the interface's words.
func (d *Door) problem(r *http.Request, err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	for _, known := range []struct {
		is     error
		status int
		code   string
	}{
		{hosted.ErrNoRepository, http.StatusNotFound, "NAME_UNKNOWN"}, {hosted.ErrElsewhere, http.StatusBadRequest, "DENIED"},
		{hosted.ErrNoUpload, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN"}, {hosted.ErrDigest, http.StatusBadRequest, "DIGEST_INVALID"},
		{hosted.ErrRange, http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID"}, {hosted.ErrManifest, http.StatusBadRequest, "MANIFEST_INVALID"},
		{hosted.ErrImmutable, http.StatusBadRequest, "TAG_INVALID"}, {hosted.ErrRoom, http.StatusInsufficientStorage, "SIZE_INVALID"},
	} {
		if errors.Is(err, known.is) {
			return &problem{known.status, known.code, err.Error()}
		}
	}
	manifest := r.Method == http.MethodPut
	switch {
	case errors.Is(err, hosted.ErrNoBlob) && manifest:
		return &problem{http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", err.Error()}
	case errors.Is(err, hosted.ErrNoManifest) && manifest:
		return &problem{http.StatusBadRequest, "MANIFEST_UNKNOWN", err.Error()}
	case errors.Is(err, hosted.ErrNoBlob):
		return &problem{http.StatusNotFound, "BLOB_UNKNOWN", err.Error()}
	case errors.Is(err, hosted.ErrNoManifest):
		return &problem{http.StatusNotFound, "MANIFEST_UNKNOWN", err.Error()}
	}
	// What the authorization point says is for the caller.
	if fault, ok := errors.AsType[interface {
		error
		HTTPStatus() int
	}](err); ok {
		if status := fault.HTTPStatus(); status/100 == 4 {
			return &problem{http.StatusForbidden, "DENIED", fault.Error()}
		}
	}
	if r.Context().Err() == nil {
		d.config.Log.Error("a request to the registry failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	return &problem{http.StatusServiceUnavailable, "UNKNOWN", "this could not be done; try again"}
}

// visit is one request of somebody.
type visit struct {
	door *Door
	w    http.ResponseWriter
	r    *http.Request
	call *awsmodel.Call
	at   hosted.Repository
}

func (d *Door) serve(w http.ResponseWriter, r *http.Request) error {
	now := d.config.Now().UTC()
	if text := r.URL.Query().Get("link"); text != "" {
		return d.follow(w, r, text, now)
	}
	p, err := d.admit(r, now)
	if err != nil {
		return err
	}
	if r.URL.Path == Prefix {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
		return nil
	}
	v := &visit{door: d, w: w, r: r, call: &awsmodel.Call{
		Principal: p.Principal, Region: p.Region, RequestID: rand.Text(), Time: now, SourceIP: address(r), UserAgent: r.UserAgent(), Secure: r.TLS != nil, Host: r.Host,
	}}
	return v.serve()
}

// registryHost is the host of a registry as AWS calls it.
var registryHost = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.`)

// admit reads the pass of a request. A host that names a registry says which
// Region is meant.
func (d *Door) admit(r *http.Request, now time.Time) (pass.Pass, error) {
	user, password, ok := r.BasicAuth()
	if !ok || user != pass.User {
		return pass.Pass{}, errAuth
	}
	p, err := d.config.Passes.Admit(password, now)
	if errors.Is(err, pass.ErrInvalid) {
		return p, &problem{http.StatusUnauthorized, "UNAUTHORIZED", err.Error()}
	}
	if err != nil {
		return p, err
	}
	if p.Principal.Session == nil {
		known, err := d.config.Known(r.Context(), p.Principal.AccessKeyID)
		if err != nil {
			return p, err
		}
		if !known {
			return p, errAuth
		}
	}
	if m := registryHost.FindStringSubmatch(r.Host); m != nil {
		if arn.AccountID(m[1]) != p.Principal.Account {
			return p, errOtherOwner
		}
		p.Region = arn.Region(m[2])
	}
	return p, nil
}

// follow answers a link of GetDownloadUrlForLayer.
func (d *Door) follow(w http.ResponseWriter, r *http.Request, text string, now time.Time) error {
	l, err := d.config.Passes.Follow(text, now)
	if err != nil || r.URL.Path != Prefix+l.Repository+"/blobs/"+l.Digest {
		return errAuth
	}
	v := &visit{door: d, w: w, r: r, at: hosted.Repository{Owner: registry.Owner{Account: l.Account, Region: l.Region}, Name: l.Repository}}
	return v.download(r.Context(), l.Digest)
}

// may asks whether the caller may do what an operation of ECR does, and does it.
func (v *visit) may(operation string, in any, do func(ctx context.Context) error) error {
	op, ctx := v.door.operations[operation], v.r.Context()
	if op == nil {
		return fmt.Errorf("there is no operation %s", operation)
	}
	run := func(ctx context.Context) error {
		if err := v.door.config.Authorize(ctx, v.call, op, in); err != nil {
			return err
		}
		return do(ctx)
	}
	if v.door.config.Attend == nil {
		return run(ctx)
	}
	attended, done := v.door.config.Attend(ctx, v.call, op, func() json.RawMessage {
		body, err := json.Marshal(map[string]string{"repositoryName": v.at.Name})
		if err != nil {
			return nil
		}
		return body
	})
	err := run(attended)
	done(err)
	return err
}

// carry does what carries content, in turn and for a longer time.
func (v *visit) carry(do func() error) error {
	wait := time.NewTimer(10 * time.Second)
	defer wait.Stop()
	select {
	case v.door.bodies <- struct{}{}:
	case <-wait.C:
		return errBusy
	case <-v.r.Context().Done():
		return v.r.Context().Err()
	}
	defer func() { <-v.door.bodies }()
	control, until := http.NewResponseController(v.w), time.Now().Add(longest)
	// Not supported by every ResponseWriter; then the server's bounds hold.
	_, _ = control.SetReadDeadline(until), control.SetWriteDeadline(until)
	return do()
}

func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// nameForm is what repositories are called.
var nameForm = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)

// serve finds what a path means.
func (v *visit) serve() error {
	path := strings.TrimPrefix(v.r.URL.Path, Prefix)
	var do func(rest string) error
	name, rest := "", ""
	for _, kind := range []struct {
		between string
		do      func(rest string) error
	}{{"/blobs/uploads/", v.uploads}, {"/blobs/", v.blob}, {"/manifests/", v.manifest}, {"/tags/list", v.tags}} {
		// The last one counts: names of repositories may have these words.
		if i := strings.LastIndex(path, kind.between); i > len(name) {
			do, name, rest = kind.do, path[:i], path[i+len(kind.between):]
		}
	}
	if do == nil {
		var begins bool
		if name, begins = strings.CutSuffix(path, "/blobs/uploads"); !begins {
			return errPath
		}
		do = v.uploads
	}
	if len(name) > 256 || !nameForm.MatchString(name) {
		return &problem{http.StatusBadRequest, "NAME_INVALID", "this is no name of a repository"}
	}
	v.at = hosted.At(v.call.Account(), v.call.Region, name)
	return do(rest)
}
