// Package console serves the web console: its files, and the exchange of a
// one-time sign-in ticket for temporary credentials. Everything else the
// console does goes through the AWS APIs, signed with those credentials, so it
// has no way round a permission.
package console

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed all:ui/dist
var built embed.FS

// Prefix is where the console lives on the server.
const Prefix = "/console/"

// ErrTicket is returned by Sessions for a ticket that is unknown, used or too old.
var ErrTicket = errors.New("this sign-in link was used already or has expired; ask for a new one")

// Session is what a ticket or a password is exchanged for.
type Session struct {
	AccountID       string    `json:"accountId"`
	Principal       string    `json:"principal"`
	Region          string    `json:"region"`
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	ExpiresAt       time.Time `json:"expiresAt"`
	// Federated is set for people of an identity provider.
	Federated *Federated `json:"federated,omitempty"`
}

// Federated says what a session of an identity provider's stands on.
type Federated struct {
	// Role is the role's ARN.
	Role string `json:"role"`
	// Until is how long further sessions can be had without signing in; zero
	// when that is never.
	Until time.Time `json:"until,omitzero"`
}

// Sessions exchanges a ticket; ErrTicket when it is not good.
type Sessions func(ctx context.Context, ticket string, now time.Time) (Session, error)

// Login is what somebody types to sign in: the account's id or alias, a user's
// name and password, and what else is asked for.
type Login struct {
	Account, User, Password string
	// Code is of the second factor, NewPassword in place of one to be changed.
	Code, NewPassword string
}

// Need refuses a login that is right as far as it goes: What is missing is
// "code" or "password".
type Need struct{ What, Message string }

func (n Need) Error() string { return n.Message }

// Refusal refuses a login in words for who tries.
type Refusal struct{ Message string }

func (r Refusal) Error() string { return r.Message }

// Logins exchanges a login; Need and Refusal when it is not good.
type Logins func(ctx context.Context, l Login, now time.Time) (Session, error)

// Info is what the console says of the server before anybody has signed in.
type Info struct {
	// Emulator: the server takes everybody for who they say they are.
	Emulator bool `json:"emulator"`
	// Regions are the Regions of the installation, to choose from.
	Regions []string `json:"regions"`
	// Provider is the name of the identity provider to sign in with, if any.
	Provider string `json:"provider,omitempty"`
}

// Handler serves everything below Prefix.
type Handler struct {
	// Info is answered at api/info.
	Info Info
	// Logins exchanges logins; nil where nobody signs in with a password.
	Logins Logins
	// OpenID signs people in with an identity provider; nil where there is none.
	OpenID OpenID
	// Secure: browsers reach the console by TLS, here or at a proxy.
	Secure bool

	sessions Sessions
	now      func() time.Time
	log      *slog.Logger
	files    map[string]file
	tries    *tries
}

// file is one asset: as it is, or in the encodings that it was built in.
type file struct {
	contentType string
	// tag changes with the content.
	tag    string
	plain  []byte
	brotli []byte
	gzip   []byte
}

// New reads the embedded files. A program built without the console's files
// says so to whoever opens it.
func New(sessions Sessions, now func() time.Time, log *slog.Logger) (*Handler, error) {
	h := &Handler{sessions: sessions, now: now, log: log, files: map[string]file{}, tries: newTries()}
	root, err := fs.Sub(built, "ui/dist")
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		body, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		h.add(name, body)
		return nil
	})
	return h, err
}

// add takes one built file up. Assets come as .br and .gz of themselves.
func (h *Handler) add(name string, body []byte) {
	plain := strings.TrimSuffix(strings.TrimSuffix(name, ".br"), ".gz")
	f := h.files[plain]
	f.contentType = mime.TypeByExtension(path.Ext(plain))
	switch {
	case path.Ext(plain) == ".woff2":
		// Not every system's table has it.
		f.contentType = "font/woff2"
	case f.contentType == "":
		f.contentType = "application/octet-stream"
	}
	f.tag = fmt.Sprintf("%x", sha256.Sum256(body))[:16]
	switch path.Ext(name) {
	case ".br":
		f.brotli = body
	case ".gz":
		f.gzip = body
	default:
		f.plain = body
	}
	h.files[plain] = f
}

// body is a file in the best encoding that a request accepts, and its name.
func (f file) body(r *http.Request) (encoding string, body []byte, err error) {
	accepted := r.Header.Get("Accept-Encoding")
	switch {
	case f.brotli != nil && strings.Contains(accepted, "br"):
		return "br", f.brotli, nil
	case f.gzip != nil && strings.Contains(accepted, "gzip"):
		return "gzip", f.gzip, nil
	case f.plain != nil:
		return "", f.plain, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(f.gzip))
	if err != nil {
		return "", nil, err
	}
	body, err = io.ReadAll(z)
	return "", body, err
}

// contentPolicy allows the console's own files and nothing from elsewhere, and
// no style or script inside a page.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP answers requests below Prefix.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", contentPolicy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
	name := strings.TrimPrefix(r.URL.Path, Prefix)
	if name == "api/session" {
		h.session(w, r)
		return
	}
	if h.OpenID != nil && r.Method == http.MethodGet {
		switch r.URL.Path {
		case openIDPath:
			h.begin(w, r)
			return
		case OpenIDCallback:
			h.finish(w, r)
			return
		}
	}
	if name == "api/info" {
		w.Header().Set("Cache-Control", "no-store")
		reply(w, http.StatusOK, h.Info)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	h.file(w, r, name)
}

func (h *Handler) file(w http.ResponseWriter, r *http.Request, name string) {
	if name == "" {
		name = "index.html"
	}
	f, ok := h.files[name]
	if !ok {
		if name == "index.html" {
			http.Error(w, "This muster was built without its console: 'make build' includes it.", http.StatusNotFound)
			return
		}
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.contentType)
	w.Header().Set("Vary", "Accept-Encoding")
	w.Header().Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") {
		// Their names carry a hash of their content.
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	encoding, body, err := f.body(r)
	if err != nil {
		http.Error(w, "this file cannot be read", http.StatusInternalServerError)
		return
	}
	if encoding != "" {
		w.Header().Set("Content-Encoding", encoding)
	}
	w.Header().Set("ETag", strconv.Quote(f.tag+encoding))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// maxTicket bounds the body of a sign-in.
const maxTicket = 4 << 10

func (h *Handler) session(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodDelete {
		h.leave(w, r)
		return
	}
	if r.Method != http.MethodPost {
		refuse(w, http.StatusMethodNotAllowed, "only POST and DELETE")
		return
	}
	var in struct {
		Ticket, Account, User, Password, Code, NewPassword, Role string

		Federated bool
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxTicket))
	if err != nil || json.Unmarshal(body, &in) != nil || in.Ticket == "" && in.User == "" && !in.Federated {
		refuse(w, http.StatusBadRequest, "a ticket, or a user name and a password, are needed")
		return
	}
	if in.Federated {
		h.enter(w, r, in.Role)
		return
	}
	if in.Ticket != "" {
		session, err := h.sessions(r.Context(), in.Ticket, h.now())
		h.answer(w, session, err)
		return
	}
	h.login(w, r, Login{in.Account, in.User, in.Password, in.Code, in.NewPassword})
}

// login answers a login, unless too many from the address have failed.
func (h *Handler) login(w http.ResponseWriter, r *http.Request, l Login) {
	if h.Logins == nil {
		refuse(w, http.StatusForbidden, "nobody signs in with a password here")
		return
	}
	now := h.now()
	tries := []string{"from " + addressOf(r), "as " + l.Account + "/" + l.User}
	if !h.tries.allowed(now, tries...) {
		w.Header().Set("Retry-After", "60")
		refuse(w, http.StatusTooManyRequests, "too many failed sign-ins; try again in a minute")
		return
	}
	session, err := h.Logins(r.Context(), l, now)
	if _, wrong := errors.AsType[Refusal](err); wrong {
		h.tries.failed(now, tries...)
	}
	h.answer(w, session, err)
}

func (h *Handler) answer(w http.ResponseWriter, session Session, err error) {
	need, needs := errors.AsType[Need](err)
	refusal, refused := errors.AsType[Refusal](err)
	choice, several := errors.AsType[Choice](err)
	switch {
	case several:
		reply(w, http.StatusForbidden, map[string]any{"message": choice.Error(), "need": "role", "roles": choice.Roles})
	case needs:
		reply(w, http.StatusForbidden, map[string]string{"message": need.Message, "need": need.What})
	case refused:
		refuse(w, http.StatusForbidden, refusal.Message)
	case errors.Is(err, ErrTicket):
		refuse(w, http.StatusForbidden, ErrTicket.Error())
	case err != nil:
		h.log.Error("console sign-in failed", "error", err)
		refuse(w, http.StatusInternalServerError, "sign-in failed; the server's log says why")
	default:
		reply(w, http.StatusOK, session)
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"message": message})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The peer may have gone; nothing is left to do then.
	_ = json.NewEncoder(w).Encode(v)
}
