package server

import (
	"net/http"
	"strings"

	"muster/internal/agentapi"
	"muster/internal/awsapi"
	"muster/internal/code"
	"muster/internal/config"
	"muster/internal/console"
	"muster/internal/registry"
	"muster/internal/registryapi/distribution"
	"muster/internal/server/health"
)

// route sends each request to its door. It compares paths itself, because
// http.ServeMux redirects paths that signatures cover.
func (s *Server) route(aws *awsapi.Door, agents, registries, images, forges, web http.Handler) http.Handler {
	cloud, numbers := s.metrics.Count("aws", aws), s.metrics.Handler(s.config.Metrics == config.MetricsEveryone)
	agents, registries, web = s.metrics.Count("agents", agents), s.metrics.Count("registries", registries), s.metrics.Count("console", web)
	forges, images = s.metrics.Count("code", forges), s.metrics.Count("images", images)
	cloud = s.traces.Requests("aws", cloud)
	agents, registries, web = s.traces.Requests("agents", agents), s.traces.Requests("registries", registries), s.traces.Requests("console", web)
	forges, images = s.traces.Requests("code", forges), s.traces.Requests("images", images)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/_muster/"), strings.HasPrefix(r.URL.Path, "/moto-api/"):
			http.NotFound(w, r) // an emulator's gate answers them
		case aws.Handles(r):
			cloud.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, agentapi.Prefix):
			agents.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, registry.Prefix):
			registries.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, distribution.Prefix):
			images.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, code.Prefix):
			forges.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, console.Prefix):
			web.ServeHTTP(w, r)
		case r.URL.Path == "/healthz":
			health.Alive(w, r)
		case r.URL.Path == "/readyz":
			s.health.Ready(w, r)
		case r.URL.Path == "/metrics":
			numbers.ServeHTTP(w, r)
		case browses(r):
			http.Redirect(w, r, console.Prefix, http.StatusSeeOther)
		default:
			cloud.ServeHTTP(w, r)
		}
	})
}

// browses tells a person's browser at the root from an AWS client.
func browses(r *http.Request) bool {
	return (r.URL.Path == "/" || r.URL.Path == "/console") && r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html")
}
