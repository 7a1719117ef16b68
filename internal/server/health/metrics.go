package health

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
)

// Metrics are the numbers of one server. Labels take few values only, all of
// them the program's own: doors, classes of answers, kinds of jobs, sources of
// advisories. Accounts, hosts and paths are no labels.
type Metrics struct {
	requests metric.Int64Counter
	seconds  metric.Float64Histogram
	provider *sdk.MeterProvider
	handler  http.Handler
}

// NewMetrics makes the numbers of a server.
func NewMetrics(c *Config) (*Metrics, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	m := &Metrics{provider: sdk.NewMeterProvider(sdk.WithReader(exporter)), handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{})}
	meter := m.provider.Meter("muster")
	if m.requests, err = meter.Int64Counter("muster.requests", metric.WithDescription("Requests answered, by door and class of status.")); err != nil {
		return nil, err
	}
	m.seconds, err = meter.Float64Histogram("muster.request.duration", metric.WithUnit("s"), metric.WithDescription("How long answers took, by door."),
		metric.WithExplicitBucketBoundaries(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10))
	if err != nil {
		return nil, err
	}
	return m, observe(meter, c)
}

// observe has the state read whenever somebody asks for the numbers.
func observe(meter metric.Meter, c *Config) error {
	gauges := map[string]metric.Float64ObservableGauge{}
	var all []metric.Observable
	for _, g := range []struct{ name, unit, what string }{
		{"muster.ready", "", "1 while the database answers."},
		{"muster.advisories.generation", "", "Number of the advisories in service, 0 for none."},
		{"muster.feed.age", "s", "Time since the last look at a source of advisories."},
		{"muster.feed.failing", "", "1 while a source of advisories fails."},
		{"muster.jobs", "", "Jobs by kind and state."},
		{"muster.queue.age", "s", "How long the oldest due job has waited."},
		{"muster.event.age", "s", "Age of the oldest event that a sink has yet to take."},
		{"muster.sinks.dead_letters", "", "Sinks that have dead letters."},
		{"muster.warnings", "", "Warnings that /readyz tells."},
		{"muster.store.connections.in_use", "", "Connections that statements use now."},
	} {
		gauge, err := meter.Float64ObservableGauge(g.name, metric.WithUnit(g.unit), metric.WithDescription(g.what))
		if err != nil {
			return err
		}
		gauges[g.name] = gauge
		all = append(all, gauge)
	}
	_, err := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		put := func(name string, v float64, labels ...attribute.KeyValue) {
			o.ObserveFloat64(gauges[name], v, metric.WithAttributes(labels...))
		}
		c.measure(ctx, put)
		return nil
	}, all...)
	return err
}

func (c *Config) measure(ctx context.Context, put func(string, float64, ...attribute.KeyValue)) {
	put("muster.store.connections.in_use", float64(c.Store.Connections().InUse))
	s, err := c.Look(ctx)
	if err != nil {
		put("muster.ready", 0)
		return
	}
	put("muster.ready", 1)
	put("muster.advisories.generation", float64(s.Generation))
	put("muster.queue.age", s.Waited.Seconds())
	put("muster.event.age", s.EventWaited.Seconds())
	put("muster.sinks.dead_letters", float64(s.DeadLetters))
	put("muster.warnings", float64(len(c.Warnings(&s))))
	for _, f := range s.Sources {
		source := attribute.String("source", f.Name)
		if !f.CheckedAt.IsZero() {
			put("muster.feed.age", c.Now().Sub(f.CheckedAt).Seconds(), source)
		}
		failing := 0.0
		if !f.FailingSince.IsZero() {
			failing = 1
		}
		put("muster.feed.failing", failing, source)
	}
	for _, j := range s.Jobs {
		for state, n := range map[string]int64{"waiting": j.Waiting, "running": j.Running, "parked": j.Parked} {
			put("muster.jobs", float64(n), attribute.String("kind", j.Kind), attribute.String("state", state))
		}
	}
}

// Close ends the numbers.
func (m *Metrics) Close(ctx context.Context) error { return m.provider.Shutdown(ctx) }

// Count counts the requests of a door.
func (m *Metrics) Count(door string, next http.Handler) http.Handler {
	at := attribute.String("door", door)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &answer{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		m.requests.Add(r.Context(), 1, metric.WithAttributes(at, attribute.String("status", strconv.Itoa(seen.status/100)+"xx")))
		m.seconds.Record(r.Context(), time.Since(began).Seconds(), metric.WithAttributes(at))
	})
}

// answer remembers the status of an answer.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the status.
func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Handler answers with the numbers: to everyone, or to callers on this machine
// alone, of which those that a proxy passes on are none.
func (m *Metrics) Handler(everyone bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !everyone && !local(r) {
			http.NotFound(w, r)
			return
		}
		m.handler.ServeHTTP(w, r)
	})
}

func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
