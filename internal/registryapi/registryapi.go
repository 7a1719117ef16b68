// Package registryapi is the door at which container registries tell about
// pushes, pulls and deletions. Each connection has a path and a token; a
// stranger is refused before its body is read.
package registryapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/registry"
	"muster/internal/registry/notice"
)

// maxBody bounds a notification, in bytes.
const maxBody = 4 << 20

// readWithin bounds how long a body may take.
const readWithin = 30 * time.Second

// Door is the http.Handler for paths below registry.Prefix.
type Door struct {
	desk *registry.Service
	now  func() time.Time
	log  *slog.Logger
}

// New returns the door to the desk. A nil clock means time.Now, a nil log
// silence.
func New(desk *registry.Service, now func() time.Time, log *slog.Logger) *Door {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Door{desk, now, log}
}

// ServeHTTP takes a notification. 200 means that it will be followed; others
// should be sent again, but for those that say that they cannot be meant.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	err := d.serve(w, r)
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case errors.Is(err, errNoPath):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, errMethod):
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, err.Error(), http.StatusMethodNotAllowed)
	case errors.Is(err, registry.ErrToken):
		w.Header().Set("WWW-Authenticate", `Bearer realm="muster"`)
		http.Error(w, err.Error(), http.StatusUnauthorized)
	case errors.Is(err, notice.ErrForm):
		http.Error(w, notice.ErrForm.Error(), http.StatusBadRequest)
	case errors.Is(err, errSize):
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
	default:
		if !errors.Is(err, context.Canceled) {
			d.log.Error("notification of a registry failed", "path", r.URL.Path, "error", err)
		}
		w.Header().Set("Retry-After", "10")
		http.Error(w, "the notification could not be taken; send it again later", http.StatusServiceUnavailable)
	}
}

var (
	errNoPath = errors.New("there is nothing at this path")
	errMethod = errors.New("this path takes POST only")
	errSize   = errors.New("the notification is too large or did not arrive")
)

func (d *Door) serve(w http.ResponseWriter, r *http.Request) error {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, registry.Prefix), "/")
	if len(parts) != 3 || !arn.AccountID(parts[0]).Valid() || parts[2] == "" {
		return errNoPath
	}
	if r.Method != http.MethodPost {
		return errMethod
	}
	c, err := d.desk.Open(r.Context(), registry.Notification{
		Account: arn.AccountID(parts[0]), Region: arn.Region(parts[1]), Connection: parts[2], Token: token(r),
	})
	if err != nil {
		return err
	}
	// Not supported by every ResponseWriter; then the server's bound holds.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readWithin))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return errSize
	}
	return d.desk.Accept(r.Context(), c, r.Header, body, d.now().UTC().Truncate(time.Microsecond))
}

// token is what a request carries: as a bearer token, as the password of basic
// authentication, as the whole header, as Harbor is set up to send, or as the
// header of an API destination.
func token(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	header := r.Header.Get("Authorization")
	if kind, rest, ok := strings.Cut(header, " "); ok && strings.EqualFold(kind, "Bearer") {
		return strings.TrimSpace(rest)
	}
	if header != "" {
		return header
	}
	return r.Header.Get("X-Muster-Token")
}
