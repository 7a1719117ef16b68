package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// The JSON form of OTLP (opentelemetry-proto, trace/v1), as far as our spans go.
type (
	request struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   attributes   `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	attributes struct {
		Attributes []pair `json:"attributes"`
	}
	scopeSpans struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []span `json:"spans"`
	}
	span struct {
		TraceID      string `json:"traceId"`
		SpanID       string `json:"spanId"`
		ParentSpanID string `json:"parentSpanId,omitempty"`
		Name         string `json:"name"`
		// Kind is 2 for servers, 5 for consumers.
		Kind       int    `json:"kind"`
		Start      string `json:"startTimeUnixNano"`
		End        string `json:"endTimeUnixNano"`
		Attributes []pair `json:"attributes,omitempty"`
		Status     struct {
			// Code is 2 for errors.
			Code int `json:"code,omitempty"`
		} `json:"status"`
	}
	pair struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		String *string `json:"stringValue,omitempty"`
		// Int is a text, as the JSON of protocol buffers has 64 bits.
		Int *string `json:"intValue,omitempty"`
	}
)

// exporter sends spans to a collector.
type exporter struct {
	address, version string
	client           *http.Client
	log              *slog.Logger
	// failing is set while the collector takes nothing, so that the log says
	// so once.
	failing atomic.Bool
}

// ExportSpans sends spans. A failure is logged, not told: the spans are lost.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.send(ctx, spans)
	switch {
	case err != nil && !e.failing.Swap(true):
		e.log.Warn("the collector of traces takes none", "error", err)
	case err == nil && e.failing.Swap(false):
		e.log.Info("the collector of traces is back")
	}
	return nil
}

// Shutdown has nothing to close.
func (e *exporter) Shutdown(context.Context) error { return nil }

func (e *exporter) send(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	body, err := json.Marshal(e.words(spans))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := e.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	// Read, so that the connection can be used again.
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16)); err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("answered with status %d", answer.StatusCode)
	}
	return nil
}

// words are spans in OTLP's words.
func (e *exporter) words(spans []sdk.ReadOnlySpan) request {
	list := make([]span, len(spans))
	for i, s := range spans {
		o := &list[i]
		o.TraceID, o.SpanID, o.Name, o.Kind = s.SpanContext().TraceID().String(), s.SpanContext().SpanID().String(), s.Name(), int(s.SpanKind())
		o.Start, o.End, o.Attributes = nanos(s.StartTime()), nanos(s.EndTime()), pairs(s.Attributes())
		if p := s.Parent(); p.IsValid() {
			o.ParentSpanID = p.SpanID().String()
		}
		if s.Status().Code == codes.Error {
			o.Status.Code = 2
		}
	}
	of := scopeSpans{Spans: list}
	of.Scope.Name = "muster"
	about := attributes{pairs([]attribute.KeyValue{attribute.String("service.name", "muster"), attribute.String("service.version", e.version)})}
	return request{[]resourceSpans{{about, []scopeSpans{of}}}}
}

func pairs(list []attribute.KeyValue) []pair {
	out := make([]pair, len(list))
	for i, a := range list {
		text := a.Value.String()
		out[i].Key = string(a.Key)
		if a.Value.Type() == attribute.INT64 {
			out[i].Value.Int = &text
		} else {
			out[i].Value.String = &text
		}
	}
	return out
}
