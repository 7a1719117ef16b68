// Package trace tells a collector how long requests and jobs took and how they
// ended, as OpenTelemetry spans over OTLP/HTTP, where the operator asks for it.
//
// A span carries the program's own words only: the door, the operation, the
// method and status of a request, the kind and attempt of a job. No header,
// path, query, body, account or error text is in it, so no secret can be.
// Nobody waits for the collector: what it does not take in time is dropped.
package trace

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"muster/internal/store"
	"muster/internal/worker"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	// waiting is how many spans wait for the collector before new ones are
	// dropped, atOnce how many one request brings.
	waiting = 4096
	atOnce  = 512
	// patience is how long the collector may take.
	patience = 10 * time.Second
)

// Traces are the spans of one server. A nil one makes none.
type Traces struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// New makes spans for the collector at an address such as
// http://127.0.0.1:4318/v1/traces; for none it returns nil.
func New(address, version string, log *slog.Logger) *Traces {
	if address == "" {
		return nil
	}
	out := &exporter{address: address, version: version, log: log, client: &http.Client{Timeout: patience}}
	provider := sdk.NewTracerProvider(sdk.WithResource(resource.Empty()), sdk.WithSampler(sdk.AlwaysSample()),
		sdk.WithBatcher(out, sdk.WithMaxQueueSize(waiting), sdk.WithMaxExportBatchSize(atOnce), sdk.WithExportTimeout(patience)))
	return &Traces{provider, provider.Tracer("muster")}
}

// Close sends what waits for the collector, for as long as ctx allows.
func (t *Traces) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("traces: %w", err)
	}
	return nil
}

// Requests makes a span of every request of a door. What callers say of traces
// of their own is not believed.
func (t *Traces) Requests(door string, next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := t.tracer.Start(r.Context(), door, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("muster.door", door)))
		defer span.End()
		seen := &answer{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r.WithContext(ctx))
		span.SetAttributes(attribute.Int("http.response.status_code", seen.status))
		if seen.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
	})
}

// answer remembers the status of an answer.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Jobs makes a span of every run of a job.
func (t *Traces) Jobs(handlers map[string]worker.Handler) map[string]worker.Handler {
	if t == nil {
		return handlers
	}
	traced := make(map[string]worker.Handler, len(handlers))
	for kind, do := range handlers {
		traced[kind] = func(ctx context.Context, job store.Job) error {
			ctx, span := t.tracer.Start(ctx, "job "+kind, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attribute.String("muster.job", kind)))
			defer span.End()
			err := do(ctx, job)
			if err != nil {
				span.SetStatus(codes.Error, "")
			}
			return err
		}
	}
	return traced
}

// nanos is a time as OTLP's JSON has it.
func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
