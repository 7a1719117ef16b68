package send

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"muster/internal/event/form"
	"muster/internal/store"
	"muster/internal/store/sinks"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// bus sends to an endpoint that takes EventBridge's PutEvents.
type bus struct {
	client *http.Client
	sink   *sinks.Sink
	key    Credentials
}

// What one PutEvents takes.
const (
	entriesAtOnce = 10
	bytesAtOnce   = 256 << 10
)

// entry is one of PutEvents' entries. Times are seconds since 1970.
type entry struct {
	Source       string
	DetailType   string
	Resources    []string
	Detail       string
	Time         float64
	EventBusName string `json:",omitempty"`
}

// Send implements Sender.
func (b *bus) Send(ctx context.Context, events []*store.Event) []error {
	errs := make([]error, len(events))
	var entries []entry
	var at []int
	size := 0
	flush := func() {
		for i, err := range b.put(ctx, entries) {
			errs[at[i]] = err
		}
		entries, at, size = nil, nil, 0
	}
	for i, e := range events {
		n, err := b.entry(e)
		if err != nil {
			errs[i] = err
			continue
		}
		if len(entries) == entriesAtOnce || size+len(n.Detail) > bytesAtOnce {
			flush()
		}
		entries, at, size = append(entries, n), append(at, i), size+len(n.Detail)
	}
	flush()
	return errs
}

func (b *bus) entry(e *store.Event) (entry, error) {
	f, err := form.EntryOf(form.Format(b.sink.Format), e, b.sink.Source)
	if err != nil {
		return entry{}, refusal{err}
	}
	return entry{f.Source, f.DetailType, append([]string{}, f.Resources...), f.Detail, float64(f.Time.UnixMilli()) / 1000, b.sink.Bus}, nil
}

// put sends entries in one request and returns what became of each.
func (b *bus) put(ctx context.Context, entries []entry) []error {
	errs := make([]error, len(entries))
	if len(entries) == 0 {
		return errs
	}
	results, err := b.request(ctx, entries)
	if err == nil && len(results) != len(entries) {
		err = fmt.Errorf("%d events were answered by %d results", len(entries), len(results))
	}
	for i := range errs {
		switch {
		case err != nil:
			errs[i] = err
		case malformed(results[i].ErrorCode):
			errs[i] = refusal{fmt.Errorf("refused as %.100s", results[i].ErrorCode)}
		case results[i].ErrorCode != "":
			errs[i] = fmt.Errorf("refused as %.100s", results[i].ErrorCode)
		}
	}
	return errs
}

// malformed reports whether EventBridge will never take such an event.
func malformed(code string) bool { return code == "MalformedDetail" || code == "InvalidArgument" }

// result is what became of one entry.
type result struct{ ErrorCode string }

func (b *bus) request(ctx context.Context, entries []entry) ([]result, error) {
	body, err := json.Marshal(struct{ Entries []entry }{entries})
	if err != nil {
		return nil, refusal{err}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.sink.URL, bytes.NewReader(body))
	if err != nil {
		return nil, refusal{err}
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSEvents.PutEvents")
	sum := sha256.Sum256(body)
	key := aws.Credentials{AccessKeyID: b.key.AccessKey, SecretAccessKey: b.key.SecretKey}
	if err := v4.NewSigner().SignHTTP(ctx, key, r, hex.EncodeToString(sum[:]), "events", b.sink.Options.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	answer, err := b.client.Do(r)
	if err != nil {
		return nil, bare(err)
	}
	defer func() { _ = answer.Body.Close() }()
	told, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		// Also wrong keys and haste are answered by 400, so no status is final.
		return nil, fmt.Errorf("answered with status %d", answer.StatusCode)
	}
	var out struct{ Entries []result }
	if err := json.Unmarshal(told, &out); err != nil {
		return nil, errors.New("the answer is not that of PutEvents")
	}
	return out.Entries, nil
}

// Close implements Sender.
func (b *bus) Close() { b.client.CloseIdleConnections() }
