package awsapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"muster/internal/admit"
	"muster/internal/arn"
	"muster/internal/awsapi/sigv4"
	"muster/internal/awsapi/wire"
	"muster/internal/awsmodel"

	"go.opentelemetry.io/otel/trace"
)

// exchange is one request on its way through the door.
type exchange struct {
	door *Door
	r    *http.Request
	id   string
	now  time.Time

	sig  *sigv4.Signature
	body []byte
	// form holds the parameters of query requests, path those of REST paths.
	form *wire.Form
	path map[string]string

	// protocol and service decide how to answer; service may be nil.
	protocol awsmodel.Protocol
	service  *service
	op       *awsmodel.Operation
	call     *awsmodel.Call
	in, out  any

	reply   reply
	refused *refusal
	// reason is the sealed reason of a refusal by policies.
	reason string
}

func (d *Door) exchange(r *http.Request) *exchange {
	now := d.config.Now().UTC()
	e := &exchange{door: d, r: r, id: uuid(), now: now}
	e.call = &awsmodel.Call{RequestID: e.id, Time: now, SourceIP: clientAddress(r), UserAgent: r.UserAgent(), Secure: r.TLS != nil, Host: r.Host}
	return e
}

// run carries the request to its reply and writes the audit record.
func (e *exchange) run(w http.ResponseWriter) {
	if err := e.answer(w); err != nil {
		e.refuse(err)
		e.reason = reasonOf(err)
	}
	e.audit()
}

func (e *exchange) answer(w http.ResponseWriter) error {
	if e.door.config.Anyone != nil {
		if stranger, err := e.admitAnyone(); err != nil {
			return err
		} else if stranger {
			return e.answerStranger(w)
		}
	}
	parseErr := e.readSignature()
	// Operations that need no signature exist in the query protocol only.
	if parseErr != nil && (!unsigned(parseErr) || e.protocol != awsmodel.Query) {
		return parseErr
	}
	secret, err := e.credential()
	if err != nil {
		return err
	}
	if err := e.readBody(w); err != nil {
		return err
	}
	if err := e.verify(secret); err != nil {
		return err
	}
	if err := e.find(); err != nil {
		return e.prefer(parseErr, err)
	}
	if e.sig == nil && !e.op.Unsigned {
		return parseErr
	}
	if e.op.Invoke == nil {
		return e.notImplemented()
	}
	return e.perform(e.r.Context())
}

// prefer keeps what is wrong with an unsigned request's content from those who
// have not signed it.
func (e *exchange) prefer(signature, content error) error {
	if signature != nil {
		return signature
	}
	return content
}

// perform is the only place from which handlers run.
func (e *exchange) perform(ctx context.Context) error {
	in, err := e.decode()
	if err != nil {
		return err
	}
	e.in = in
	trace.SpanFromContext(ctx).SetName(e.op.Service + " " + e.op.Name)
	leave, err := e.door.calls.Enter(ctx, string(e.call.Account()))
	if errors.Is(err, admit.ErrFull) {
		return &awsmodel.Fault{Code: "Throttling", Message: "Rate exceeded", RetryAfter: 1}
	}
	if err != nil {
		return err
	}
	defer leave()
	if attend := e.door.config.Attend; attend != nil {
		attended, done := attend(ctx, e.call, e.op, func() json.RawMessage { return e.audited(e.op.Input, in) })
		err := e.invoke(attended)
		done(err)
		return err
	}
	return e.invoke(ctx)
}

// invoke runs the operation if the caller may.
func (e *exchange) invoke(ctx context.Context) error {
	if err := e.door.config.Authorize(ctx, e.call, e.op, e.in); err != nil {
		return err
	}
	out, err := e.op.Invoke(ctx, e.call, e.in)
	if err != nil {
		return err
	}
	e.out = out
	return e.encode()
}

// panicked turns a panic into an internal error.
func (e *exchange) panicked(p any) {
	e.out = nil
	e.refuse(&internalError{fmt.Errorf("panic: %v", p), string(debug.Stack())})
	e.audit()
}

func unsigned(err error) bool {
	s, ok := errors.AsType[*sigv4.Error](err)
	return ok && s.Kind == sigv4.Missing
}

// clientAddress is the peer's address without its port.
func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// uuid is a random version 4 UUID, the form of AWS's request ids.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, as crypto/rand documents
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// region is the Region of the call.
func (e *exchange) region() arn.Region {
	if e.sig == nil {
		return e.call.Region
	}
	return arn.Region(e.sig.Region)
}
