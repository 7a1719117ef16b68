package send

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"muster/internal/event/form"
	"muster/internal/store"
	"muster/internal/store/sinks"
)

// parallel is how many requests of one sink are under way at once.
const parallel = 16

// Sender takes events to one sink. It is for one goroutine at a time.
type Sender interface {
	// Send sends events that need no order among each other and returns what
	// became of each, in their order.
	Send(ctx context.Context, events []*store.Event) []error
	// Close ends its connections.
	Close()
}

// refusal is an error that no other attempt can change.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// Refused reports whether an event will never be taken.
func Refused(err error) bool {
	_, ok := errors.AsType[refusal](err)
	return ok
}

// Credentials are what a sink is opened with. Only its kind's are set.
type Credentials struct {
	// Signing is the key of a webhook's signatures.
	Signing []byte `json:"signing,omitempty"`
	// User and Password, or Token, are for NATS.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	Token    string `json:"token,omitempty"`
	// AccessKey and SecretKey sign requests to EventBridge.
	AccessKey string `json:"accessKey,omitempty"`
	SecretKey string `json:"secretKey,omitempty"`
}

// Open connects to a sink; close it at the end.
func Open(ctx context.Context, g *Guard, k *sinks.Sink, c Credentials) (Sender, error) {
	to, err := CheckURL(k.Kind, k.URL)
	if err != nil {
		return nil, err
	}
	switch k.Kind {
	case sinks.Webhook:
		return &webhook{g.client(to.Scheme == "http"), k, c.Signing}, nil
	case sinks.NATS:
		return openNATS(ctx, g, k, c)
	case sinks.EventBridge:
		return &bus{g.client(to.Scheme == "http"), k, c}, nil
	}
	return nil, fmt.Errorf("a sink of kind %s is not known", k.Kind)
}

// CheckURL reads the address of a sink of a kind.
func CheckURL(k sinks.Kind, text string) (*url.URL, error) {
	to, err := url.Parse(text)
	if err != nil || to.Host == "" || to.Hostname() == "" {
		return nil, errors.New("the URL has no host")
	}
	schemes := map[sinks.Kind][2]string{sinks.Webhook: {"https", "http"}, sinks.EventBridge: {"https", "http"}, sinks.NATS: {"tls", "nats"}}[k]
	switch {
	case to.Scheme != schemes[0] && to.Scheme != schemes[1]:
		return nil, fmt.Errorf("the URL of such a sink begins with %s:// or %s://", schemes[0], schemes[1])
	case to.User != nil:
		return nil, errors.New("the URL must not carry a user or password: give them as credentials")
	case to.Fragment != "":
		return nil, errors.New("the URL must not have a fragment")
	}
	return to, nil
}

// render writes an event as the sink wants it; what cannot be written is
// refused for good.
func render(k *sinks.Sink, e *store.Event) ([]byte, error) {
	body, err := form.Render(form.Format(k.Format), e)
	if err != nil {
		return nil, refusal{err}
	}
	return body, nil
}
