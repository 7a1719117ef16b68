// Package console serves the web console: its files, and the exchange of a
// one-time sign-in ticket for temporary credentials. Everything else the
// console does goes through the AWS APIs, signed with those credentials, so it
// has no way round a permission.
package console

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed all:ui/dist
var built embed.FS

// Prefix is where the console lives on the server.
const Prefix = "/console/"

// ErrTicket is returned by Sessions for a ticket that is unknown, used or too old.
var ErrTicket = errors.New("this sign-in link was used already or has expired; ask for a new one")

// Session is what a ticket is exchanged for.
type Session struct {
	AccountID       string    `json:"accountId"`
	Principal       string    `json:"principal"`
	Region          string    `json:"region"`
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	ExpiresAt       time.Time `json:"expiresAt"`
}

// Sessions exchanges a ticket; ErrTicket when it is not good.
type Sessions func(ctx context.Context, ticket string, now time.Time) (Session, error)

// Info is what the console says of the server before anybody has signed in.
type Info struct {
	// Emulator: the server takes everybody for who they say they are.
	Emulator bool `json:"emulator"`
}

// Handler serves everything below Prefix.
type Handler struct {
	// Info is answered at api/info.
	Info Info

	sessions Sessions
	now      func() time.Time
	log      *slog.Logger
	files    map[string]file
}

// file is one asset, compressed when somebody first asks for it.
type file struct {
	contentType string
	plain       []byte
	zipped      func() ([]byte, error)
}

// New reads the embedded files. A program built without the console's files
// says so to whoever opens it.
func New(sessions Sessions, now func() time.Time, log *slog.Logger) (*Handler, error) {
	h := &Handler{sessions: sessions, now: now, log: log, files: map[string]file{}}
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
		h.files[name] = asset(name, body)
		return nil
	})
	return h, err
}

func asset(name string, body []byte) file {
	f := file{contentType: mime.TypeByExtension(path.Ext(name)), plain: body}
	if f.contentType == "" {
		f.contentType = "application/octet-stream"
	}
	f.zipped = sync.OnceValues(func() ([]byte, error) { return compress(body) })
	return f
}

func compress(body []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// contentPolicy allows the console's own files and nothing from elsewhere.
// Styles are set inline by the component library.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

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
	body := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		if zipped, err := f.zipped(); err == nil {
			w.Header().Set("Content-Encoding", "gzip")
			body = zipped
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// maxTicket bounds the body of a sign-in.
const maxTicket = 4 << 10

func (h *Handler) session(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		refuse(w, http.StatusMethodNotAllowed, "only POST")
		return
	}
	var in struct {
		Ticket string `json:"ticket"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxTicket))
	if err != nil || json.Unmarshal(body, &in) != nil || in.Ticket == "" {
		refuse(w, http.StatusBadRequest, "a ticket is needed")
		return
	}
	session, err := h.sessions(r.Context(), in.Ticket, h.now())
	switch {
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
