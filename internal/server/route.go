package server

import (
	"net/http"
	"strings"

	"muster/internal/agentapi"
	"muster/internal/awsapi"
	"muster/internal/console"
	"muster/internal/registry"
)

// route sends each request to its door. It compares paths itself, because
// http.ServeMux redirects paths that signatures cover.
func route(aws *awsapi.Door, agents, registries, web http.Handler, health http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/_muster/"), strings.HasPrefix(r.URL.Path, "/moto-api/"):
			http.NotFound(w, r) // an emulator's gate answers them
		case aws.Handles(r):
			aws.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, agentapi.Prefix):
			agents.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, registry.Prefix):
			registries.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, console.Prefix):
			web.ServeHTTP(w, r)
		case r.URL.Path == "/healthz":
			health(w, r)
		case browses(r):
			http.Redirect(w, r, console.Prefix, http.StatusSeeOther)
		default:
			aws.ServeHTTP(w, r)
		}
	})
}

// browses tells a person's browser at the root from an AWS client.
func browses(r *http.Request) bool {
	return (r.URL.Path == "/" || r.URL.Path == "/console") && r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// healthy answers 200 while the database does.
func (s *Server) healthy(w http.ResponseWriter, r *http.Request) {
	if err := s.store.Ping(r.Context()); err != nil {
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	// The peer may have gone; nothing is left to do then.
	_, _ = w.Write([]byte("ok\n"))
}
