// Package awsapi is the door through which AWS clients come: it verifies
// signatures, finds the operation, decodes and validates its input, asks for
// authorization, calls the desk and writes its answer or error in the service's
// protocol. It decides nothing itself.
//
// The order is fixed: signature, operation, input, authorization, desk, audit.
// No desk runs without Config.Authorize having allowed it.
package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"muster/internal/admit"
	"muster/internal/arn"
	"muster/internal/awsapi/sigv4"
	"muster/internal/awsapi/wire"
	"muster/internal/awsmodel"
)

// Config is what a Door needs.
type Config struct {
	// Services are the services with their implemented operations.
	Services []awsmodel.Service
	// Keys finds credentials.
	Keys Keys
	// Anyone, if set, says for whom a request acts that no key issued here
	// has signed, by the access key that it names or "": an emulator's door
	// takes everybody. Nil means that such requests are refused.
	Anyone func(ctx context.Context, accessKeyID string) (arn.Principal, error)
	// Authorize decides whether the caller may run the operation with this
	// input; its error is the answer. It is asked before every handler.
	Authorize func(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error
	// TryLater, if set, tells the failures that pass by themselves, such as a
	// database that does not answer: callers are told to try again soon.
	TryLater func(error) bool
	// Calls bound how many calls are handled at a time and how many wait for
	// that; the zero value means 128, 1024 and ten seconds.
	Calls admit.Limits
	// Patience bounds how long a call may take; zero means one minute.
	Patience time.Duration
	// Attend, if set, is told of every call before it is authorized: handlers run
	// in the context that it returns, and done learns how the call ended.
	// parameters returns the request as JSON with sensitive values hidden, nil
	// where it is too long.
	Attend func(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, parameters func() json.RawMessage) (attended context.Context, done func(error))
	// Audit receives one record per call, refused ones included, before the
	// answer is sent. Nil means no audit.
	Audit func(Record)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger receives what operators must know; nil discards.
	Logger *slog.Logger
	// MaxBody bounds request bodies in bytes; zero means 10 MiB.
	MaxBody int64
	// Limits bound what a request may build; zero means the default.
	Limits wire.Limits
}

const (
	defaultMaxBody = 10 << 20
	// signingKeys is how many derived keys are remembered: a day's work of
	// some thousand callers.
	signingKeys = 8192
)

// Door serves all AWS protocols on one address. It is an http.Handler, to be
// mounted before any mux: muxes redirect paths that signatures cover.
type Door struct {
	config   Config
	verifier *sigv4.Verifier
	calls    *admit.Gate
	// services by signing name, by prefix of X-Amz-Target, and by the Version
	// parameter of the query protocol.
	services, targets, versions map[string]*service
	// rest are the rest-json services in the order of the configuration.
	rest []*service
}

// New checks the configuration and builds the Door.
func New(c Config) (*Door, error) {
	if c.Keys == nil || c.Authorize == nil {
		return nil, errors.New("awsapi: Keys and Authorize are required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.TryLater == nil {
		c.TryLater = func(error) bool { return false }
	}
	if c.Calls == (admit.Limits{}) {
		c.Calls = admit.Limits{Inside: 128, Waiting: 1024, Patience: 10 * time.Second}
	}
	if c.Patience == 0 {
		c.Patience = time.Minute
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.Limits == (wire.Limits{}) {
		c.Limits = wire.DefaultLimits()
	}
	d := &Door{
		config: c, verifier: sigv4.NewVerifier(signingKeys), calls: admit.New(c.Calls),
		services: map[string]*service{}, targets: map[string]*service{}, versions: map[string]*service{},
	}
	for _, s := range c.Services {
		if err := d.add(newService(s, c.Limits)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *Door) add(s *service) error {
	m := s.model
	if d.services[m.SigningName] != nil {
		return fmt.Errorf("awsapi: two services sign as %s", m.SigningName)
	}
	d.services[m.SigningName] = s
	switch m.Protocol {
	case awsmodel.JSON11:
		d.targets[m.TargetPrefix] = s
	case awsmodel.Query, awsmodel.EC2:
		d.versions[m.Version] = s
	case awsmodel.RESTJSON:
		d.rest = append(d.rest, s)
	default:
		return fmt.Errorf("awsapi: service %s has the unknown protocol %q", m.Name, m.Protocol)
	}
	return nil
}

// ServeHTTP answers one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), d.config.Patience)
	defer cancel()
	e := d.exchange(r.WithContext(ctx))
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			e.panicked(p)
			e.write(w)
		}
	}()
	e.run(w)
	e.write(w)
}
