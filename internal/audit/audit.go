// Package audit keeps what callers change: who, from where, what, and how it
// ended. A row is written in the transaction of the change itself; what failed
// has a row of its own. Beside it stands the audit log, a file with every call
// in CloudTrail's form; this is the part that can be asked.
package audit

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/store"
	"muster/internal/store/audit"
	"muster/internal/store/filters"
	"muster/internal/worker"
)

// JobRetention forgets what is older than it is kept. It comes back by itself.
const JobRetention = "audit.retention"

const (
	// every is how often old events are looked for, atOnce how many one
	// transaction deletes.
	every  = time.Hour
	atOnce = 5000
	// mostParameters and mostResources bound a row.
	mostParameters = 8 << 10
	mostResources  = 20
	// patience is how long a row may take that no change waits for.
	patience = 10 * time.Second
)

// Config are the desk's parts.
type Config struct {
	Store *store.Store
	// Pages seals page tokens; required.
	Pages inspector.Pager
	// Keep is how long events are kept; 0 means 90 days.
	Keep time.Duration
	// Now is the clock of the job; nil means time.Now.
	Now func() time.Time
	// Log receives what could not be written; nil means silence.
	Log *slog.Logger
}

// Service is the desk. It is safe for concurrent use.
type Service struct{ config Config }

// New returns the desk.
func New(c Config) *Service {
	if c.Keep == 0 {
		c.Keep = 90 * 24 * time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{c}
}

// AddOwnHandlers adds the desk's operation to those of our own service.
func (s *Service) AddOwnHandlers(h *muster.Handlers) { h.ListAuditEvents = s.ListAuditEvents }

// Jobs are the handlers of the desk's jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{JobRetention: s.retain}
}

// Start makes sure that retention is under way. Asking twice is the same as
// asking once.
func (s *Service) Start(ctx context.Context) error {
	return s.config.Store.Update(ctx, func(tx *store.Tx) error { return ask(ctx, tx, s.config.Now()) })
}

func ask(ctx context.Context, tx *store.Tx, when time.Time) error {
	return tx.Enqueue(ctx, store.Job{Kind: JobRetention, Key: "all", RunAt: when})
}

func (s *Service) retain(ctx context.Context, _ store.Job) error {
	if !s.config.Store.ClockTrusted() {
		return s.config.Store.Update(ctx, func(tx *store.Tx) error { return ask(ctx, tx, s.config.Now().Add(every)) })
	}
	for {
		var n int64
		err := s.config.Store.Update(ctx, func(tx *store.Tx) error {
			before := s.config.Now().Add(-s.config.Keep)
			events, err := audit.Drop(ctx, tx, before, atOnce)
			if err != nil {
				return err
			}
			entries, err := filters.DropHistory(ctx, tx, before, atOnce)
			if n = events + entries; err != nil || n > 0 {
				return err
			}
			return ask(ctx, tx, s.config.Now().Add(every))
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// telling are operations that report what is, rather than change what somebody
// decided; they come by the minute and would bury the rest.
func telling() []string {
	return []string{"ReportClusterImages", "PutUploadPart", "RecordFunctionInvocation", "SendCisSessionHealth", "SendCisSessionTelemetry"}
}

// Attend begins to watch a call that may change something. Updates in the
// context that it returns write the call's row, too; done is told how the call
// ended. parameters returns the request as JSON, with secrets hidden.
func (s *Service) Attend(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, parameters func() json.RawMessage) (context.Context, func(error)) {
	if op.ReadOnly || op.Service == "sts" || call.Principal.IsZero() || slices.Contains(telling(), op.Name) {
		return ctx, func(error) {}
	}
	e := &audit.Event{
		Account: call.Account(), Time: call.Time, Region: call.Region, Principal: call.Principal.ARN, PrincipalType: string(call.Principal.Kind),
		Service: op.Service, Operation: op.Name, SourceIP: call.SourceIP, UserAgent: cut(call.UserAgent, 512), Request: call.RequestID,
	}
	if body := parameters(); len(body) <= mostParameters {
		e.Parameters, e.Resources = string(body), resources(body)
	}
	written := false
	watched := store.Alongside(ctx, func(ctx context.Context, tx *store.Tx) error {
		tx.AfterCommit(func() { written = true })
		return audit.Put(ctx, tx, e)
	})
	return watched, func(err error) {
		if err == nil && written || passing(err) {
			return
		}
		e.ErrorCode, e.Error = explain(err)
		s.put(ctx, e)
	}
}

// put writes a row that no change waits for.
func (s *Service) put(ctx context.Context, e *audit.Event) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := s.config.Store.Update(ctx, func(tx *store.Tx) error { return audit.Put(ctx, tx, e) }); err != nil {
		s.config.Log.Error("audit event not written", "request", e.Request, "operation", e.Operation, "error", err)
	}
}

// explain is what a caller was told of an error.
func explain(err error) (code, text string) {
	if err == nil {
		return "", ""
	}
	if f, ok := errors.AsType[*awsmodel.Fault](err); ok {
		return f.Code, cut(f.Message, 1024)
	}
	if e, ok := errors.AsType[awsmodel.Error](err); ok {
		if v := reflect.Indirect(reflect.ValueOf(e)); v.Kind() == reflect.Struct {
			if m := v.FieldByName("Message"); m.IsValid() && m.Kind() == reflect.String {
				text = m.String()
			}
		}
		return e.ErrorCode(), cut(text, 1024)
	}
	return "InternalError", "" // What went wrong inside is for the operator's log.
}

// passing reports whether a caller was only asked to come back later.
func passing(err error) bool {
	code, _ := explain(err)
	return strings.HasPrefix(code, "Throttling") || strings.HasPrefix(code, "TooManyRequests")
}

// resources are the names in a request: members called by, or ending in, Arn,
// Id or Name.
func resources(parameters json.RawMessage) []string {
	var members map[string]json.RawMessage
	if len(parameters) == 0 || json.Unmarshal(parameters, &members) != nil {
		return nil
	}
	var list []string
	for name, body := range members {
		if names(name) {
			list = append(list, texts(body)...)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return list[:min(len(list), mostResources)]
}

func names(member string) bool {
	member = strings.ToLower(strings.TrimSuffix(member, "s"))
	for _, end := range []string{"arn", "id", "name"} {
		if strings.HasSuffix(member, end) {
			return true
		}
	}
	return false
}

// texts are a text, or the texts of a list.
func texts(body json.RawMessage) []string {
	var one string
	if json.Unmarshal(body, &one) == nil {
		return []string{cut(one, 2048)}
	}
	var list []string
	if json.Unmarshal(body, &list) != nil {
		return nil
	}
	return list
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}
