// Package codeapi is the door at which the places where people keep source
// code tell of pushes and merge requests, and to which they send somebody back
// who has authorized an application. Each integration has a path and a token;
// a stranger is refused before its body is read, unless the body is signed.
package codeapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/code"
	cellar "muster/internal/store/code"
)

// maxBody bounds a notice, in bytes.
const maxBody = 8 << 20

// readWithin bounds how long a body may take.
const readWithin = 30 * time.Second

// Door is the http.Handler for paths below code.Prefix.
type Door struct {
	desk *code.Service
	log  *slog.Logger
}

// New returns the door to the desk. A nil log means silence.
func New(desk *code.Service, log *slog.Logger) *Door {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Door{desk, log}
}

var (
	errNoPath = errors.New("there is nothing at this path")
	errMethod = errors.New("this path takes POST only")
	errSize   = errors.New("the notice is too large or did not arrive")
)

// ServeHTTP takes a notice. 200 means that it will be followed.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if r.URL.Path == code.Prefix+"authorized" {
		authorized(w, r)
		return
	}
	err := d.serve(w, r)
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case errors.Is(err, errNoPath):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, errMethod):
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, err.Error(), http.StatusMethodNotAllowed)
	case errors.Is(err, code.ErrToken):
		http.Error(w, code.ErrToken.Error(), http.StatusUnauthorized)
	case errors.Is(err, code.ErrForm):
		http.Error(w, code.ErrForm.Error(), http.StatusBadRequest)
	case errors.Is(err, errSize):
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
	default:
		if !errors.Is(err, context.Canceled) {
			d.log.Error("notice of a code repository failed", "path", r.URL.Path, "error", err)
		}
		w.Header().Set("Retry-After", "10")
		http.Error(w, "the notice could not be taken; send it again later", http.StatusServiceUnavailable)
	}
}

func (d *Door) serve(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Path == code.Prefix+"github" && d.desk.HearsGitHub() {
		return d.github(w, r)
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, code.Prefix), "/")
	if len(parts) != 3 || !arn.AccountID(parts[0]).Valid() || parts[2] == "" {
		return errNoPath
	}
	if r.Method != http.MethodPost {
		return errMethod
	}
	i, err := d.desk.Open(r.Context(), cellar.At{Account: arn.AccountID(parts[0]), Region: arn.Region(parts[1])}, parts[2], r.Header)
	if err != nil {
		return err
	}
	body, err := read(w, r)
	if err != nil {
		return err
	}
	return d.desk.Accept(r.Context(), i, r.Header, body)
}

// github takes what GitHub tells the operator's App, for all its installations.
func (d *Door) github(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return errMethod
	}
	if r.Header.Get("X-Hub-Signature-256") == "" {
		return code.ErrToken
	}
	body, err := read(w, r)
	if err != nil {
		return err
	}
	return d.desk.AcceptGitHub(r.Context(), r.Header, body)
}

// read reads a notice within its bounds.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	// Not supported by every ResponseWriter; then the server's bound holds.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readWithin))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, errSize
	}
	return body, nil
}

// authorized shows somebody the code that a provider sent them back with. It
// is not used by itself: whoever owns the integration hands it over, so that
// nobody's authorization lands in an account that is not theirs.
func authorized(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	q := r.URL.Query()
	given, installation := q.Get("code"), q.Get("installation_id")
	switch {
	case r.Method != http.MethodGet:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case given == "":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "The provider sent no code: nothing was authorized.\n")
	case installation != "":
		_, _ = io.WriteString(w, "Hand this over with aws inspector2 update-code-security-integration:\n\ngithub code: "+given+"\ninstallationId: "+installation+"\n")
	default:
		_, _ = io.WriteString(w, "Hand this over with aws inspector2 update-code-security-integration:\n\ngitlabSelfManaged authCode: "+given+"\n")
	}
}
