package send

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	"muster/internal/event/form"
	"muster/internal/store"
	"muster/internal/store/sinks"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsSink publishes to a subject of JetStream and believes only what the
// stream acknowledges.
type natsSink struct {
	conn   *nats.Conn
	stream jetstream.JetStream
	sink   *sinks.Sink
}

// acknowledged is how long a stream has to acknowledge an event.
const acknowledged = 20 * time.Second

func openNATS(ctx context.Context, g *Guard, k *sinks.Sink, c Credentials) (Sender, error) {
	to, err := url.Parse(k.URL)
	if err != nil {
		return nil, err
	}
	options := []nats.Option{
		nats.Name("muster " + k.Name), nats.NoReconnect(), nats.Timeout(10 * time.Second),
		nats.SetCustomDialer(guarded{ctx, g.Dialer(to.Scheme == "nats")}),
	}
	if c.User != "" {
		options = append(options, nats.UserInfo(c.User, c.Password))
	}
	if c.Token != "" {
		options = append(options, nats.Token(c.Token))
	}
	conn, err := nats.Connect(k.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	stream, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("JetStream: %w", err)
	}
	return &natsSink{conn, stream, k}, nil
}

// guarded lets the client of NATS dial as the guard allows.
type guarded struct {
	ctx    context.Context
	dialer *net.Dialer
}

// Dial implements nats.CustomDialer.
func (d guarded) Dial(network, address string) (net.Conn, error) {
	return d.dialer.DialContext(d.ctx, network, address)
}

// Send implements Sender. The event's id lets the stream drop what it has
// already got.
func (n *natsSink) Send(ctx context.Context, events []*store.Event) []error {
	return each(events, func(e *store.Event) error {
		body, err := render(n.sink, e)
		if err != nil {
			return err
		}
		m := nats.NewMsg(n.sink.Subject)
		m.Data = body
		m.Header.Set("Muster-Account", e.Account)
		m.Header.Set("Muster-Region", e.Region)
		m.Header.Set("Muster-Detail-Type", e.DetailType)
		ctx, cancel := context.WithTimeout(ctx, acknowledged)
		defer cancel()
		_, err = n.stream.PublishMsg(ctx, m, jetstream.WithMsgID(form.UUID(e.ID)), jetstream.WithRetryAttempts(0))
		return err
	})
}

// Close implements Sender.
func (n *natsSink) Close() { n.conn.Close() }
