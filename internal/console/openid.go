package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// OpenID signs people in with an identity provider (OpenID Connect).
type OpenID interface {
	// Begin is where to send a browser, and what it has to bring back to
	// Finish, which nobody else may learn.
	Begin(ctx context.Context, now time.Time) (address, start string, err error)
	// Finish takes what the provider sent the browser back with, and returns a
	// secret that stands for the person until a time.
	Finish(ctx context.Context, start string, answer url.Values, now time.Time) (grant string, until time.Time, err error)
	// Enter opens a session under a role, or the only one there is if role is
	// empty; Choice where there are several, Refusal where there is none.
	Enter(ctx context.Context, grant, role string, now time.Time) (Session, error)
	// Leave forgets the person.
	Leave(ctx context.Context, grant string) error
}

// ErrDeclined is returned by Finish for people whom the provider did not sign
// in, or who did not begin here.
var ErrDeclined = errors.New("the identity provider did not sign this browser in")

// Choice says that somebody has to choose one of several roles.
type Choice struct{ Roles []Role }

func (c Choice) Error() string { return "choose a role" }

// Role is one that somebody may enter.
type Role struct {
	ARN         string `json:"arn"`
	Name        string `json:"name"`
	Account     string `json:"account"`
	AccountName string `json:"accountName"`
}

// What the browser keeps between the steps, out of any script's reach: the
// first while it is at the provider, which is another site, the second only for
// requests of the console's own pages.
const (
	startCookie = "muster_start"
	grantCookie = "muster_grant"
	openIDPath  = Prefix + "api/openid"
	startLife   = 10 * time.Minute
)

// OpenIDCallback is the path that the provider sends browsers back to.
const OpenIDCallback = openIDPath + "/callback"

// cookie is a cookie of the console, gone at once if it has no value.
func (h *Handler) cookie(r *http.Request, name, value, path string, site http.SameSite, life time.Duration) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: path, HttpOnly: true, SameSite: site, Secure: r.TLS != nil || h.Secure, MaxAge: int(life.Seconds())}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// begin sends a browser to the provider.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	address, start, err := h.OpenID.Begin(r.Context(), h.now())
	if err != nil {
		h.log.Error("the identity provider cannot be asked", "error", err)
		http.Redirect(w, r, Prefix+"#sign-in=unreachable", http.StatusSeeOther)
		return
	}
	http.SetCookie(w, h.cookie(r, startCookie, start, openIDPath, http.SameSiteLaxMode, startLife))
	http.Redirect(w, r, address, http.StatusSeeOther)
}

// finish takes a browser back from the provider.
func (h *Handler) finish(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	start, err := r.Cookie(startCookie)
	if err != nil {
		http.Redirect(w, r, Prefix+"#sign-in=declined", http.StatusSeeOther)
		return
	}
	http.SetCookie(w, h.cookie(r, startCookie, "", openIDPath, http.SameSiteLaxMode, 0))
	now := h.now()
	grant, until, err := h.OpenID.Finish(r.Context(), start.Value, r.URL.Query(), now)
	switch {
	case errors.Is(err, ErrDeclined):
		h.log.Warn("a sign-in with the identity provider was refused", "error", err, "from", addressOf(r))
		http.Redirect(w, r, Prefix+"#sign-in=declined", http.StatusSeeOther)
	case err != nil:
		h.log.Error("a sign-in with the identity provider failed", "error", err)
		http.Redirect(w, r, Prefix+"#sign-in=unreachable", http.StatusSeeOther)
	default:
		http.SetCookie(w, h.cookie(r, grantCookie, grant, Prefix+"api/session", http.SameSiteStrictMode, until.Sub(now)))
		http.Redirect(w, r, Prefix+"#sign-in=role", http.StatusSeeOther)
	}
}

// enter opens a session for whom the provider has identified.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request, role string) {
	grant, err := r.Cookie(grantCookie)
	if h.OpenID == nil || err != nil {
		refuse(w, http.StatusForbidden, "sign in with the identity provider again")
		return
	}
	session, err := h.OpenID.Enter(r.Context(), grant.Value, role, h.now())
	h.answer(w, session, err)
}

// leave forgets whom the provider has identified.
func (h *Handler) leave(w http.ResponseWriter, r *http.Request) {
	grant, err := r.Cookie(grantCookie)
	if h.OpenID == nil || err != nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err := h.OpenID.Leave(r.Context(), grant.Value); err != nil {
		h.log.Error("console sign-out failed", "error", err)
		refuse(w, http.StatusInternalServerError, "sign-out failed; the server's log says why")
		return
	}
	http.SetCookie(w, h.cookie(r, grantCookie, "", Prefix+"api/session", http.SameSiteStrictMode, 0))
	w.WriteHeader(http.StatusNoContent)
}
