package send

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"muster/internal/event/form"
	"muster/internal/store"
	"muster/internal/store/sinks"
)

// The headers of a webhook. The id is the event's and the same at every
// attempt; the signature covers "id.timestamp.body", so that neither an old
// request nor a changed one passes.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// webhook posts each event as a request of its own.
type webhook struct {
	client *http.Client
	sink   *sinks.Sink
	key    []byte
}

// Signature is the value of HeaderSignature: version 1, HMAC-SHA256.
func Signature(key []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Send implements Sender.
func (w *webhook) Send(ctx context.Context, events []*store.Event) []error {
	return each(events, func(e *store.Event) error {
		body, err := render(w.sink, e)
		if err != nil {
			return err
		}
		return w.post(ctx, form.UUID(e.ID), body)
	})
}

func (w *webhook) post(ctx context.Context, id string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.sink.URL, bytes.NewReader(body))
	if err != nil {
		return refusal{err}
	}
	at := time.Now()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "muster")
	r.Header.Set(HeaderID, id)
	r.Header.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(HeaderSignature, Signature(w.key, id, at, body))
	answer, err := w.client.Do(r)
	if err != nil {
		return bare(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	return judge(answer.StatusCode)
}

// Close implements Sender.
func (w *webhook) Close() { w.client.CloseIdleConnections() }

// judge says what a status means. Only words about this very event are final:
// an address that is wrong today is mended tomorrow.
func judge(status int) error {
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge || status == http.StatusUnprocessableEntity:
		return refusal{fmt.Errorf("answered with status %d", status)}
	}
	return fmt.Errorf("answered with status %d", status)
}

// bare is a client's error without the address, which the reader knows.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// each does something for all events, some at a time.
func each(events []*store.Event, do func(*store.Event) error) []error {
	errs := make([]error, len(events))
	room := make(chan struct{}, parallel)
	var all sync.WaitGroup
	for i, e := range events {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			errs[i] = do(e)
		})
	}
	all.Wait()
	return errs
}
