package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"muster/internal/feed"
)

// transfer brings one file here, and goes on where it stopped: within a run,
// and, by the note beside the partial file, after the process ended.
type transfer struct {
	client  *client
	address string
	// part is the partial file; part+".json" is the note about it.
	part  string
	limit int64
	// stall ends an attempt on which no byte came for so long.
	stall time.Duration

	file    *os.File
	hash    hash.Hash
	written int64
	// came counts the bytes of this run.
	came int64
	note note
}

// note identifies the content that a partial file is the beginning of.
type note struct {
	URL          string `json:"url"`
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// received is a complete download, at the partial file's name.
type received struct {
	note
	size   int64
	sha256 string
}

// run downloads the file unless it is the one that known describes
// (feed.ErrNotModified).
func (t *transfer) run(ctx context.Context, known note) (received, error) {
	if err := t.open(); err != nil {
		return received{}, err
	}
	err := t.fill(ctx, known)
	if err = errors.Join(err, t.file.Sync(), t.file.Close()); err != nil {
		if t.written == 0 {
			err = errors.Join(err, discard(t.part))
		}
		return received{}, err
	}
	return received{t.note, t.written, hex.EncodeToString(t.hash.Sum(nil))}, os.Remove(t.part + ".json")
}

// open takes up what an earlier run left, if it is of this address.
func (t *transfer) open() (err error) {
	t.hash = sha256.New()
	if t.file, err = os.OpenFile(t.part, os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return err
	}
	var n note
	b, err := os.ReadFile(t.part + ".json")
	if err != nil || json.Unmarshal(b, &n) != nil || n.URL != t.address || n.condition() == "" {
		return t.restart()
	}
	t.note = n
	if t.written, err = io.Copy(t.hash, t.file); err != nil {
		return errors.Join(err, t.file.Close())
	}
	return nil
}

func (t *transfer) restart() error {
	t.hash.Reset()
	t.written, t.note = 0, note{}
	_, err := t.file.Seek(0, io.SeekStart)
	return errors.Join(err, t.file.Truncate(0))
}

// fill asks for what is missing until nothing is.
func (t *transfer) fill(ctx context.Context, known note) error {
	for attempt := 1; ; attempt++ {
		before := t.written
		err := t.attempt(ctx, known)
		if err == nil || errors.Is(err, feed.ErrNotModified) {
			return err
		}
		if t.written > before {
			attempt = 1 // it moves
		}
		var broken *brokenError
		if !errors.As(err, &broken) || attempt >= attempts || ctx.Err() != nil {
			return err
		}
		if err := t.client.wait(ctx, firstPause<<(attempt-1)); err != nil {
			return err
		}
	}
}

// brokenError is a body that ended early.
type brokenError struct{ error }

func (e *brokenError) Unwrap() error { return e.error }

// attempt makes one request and takes what comes.
func (t *transfer) attempt(ctx context.Context, known note) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := t.client.get(ctx, t.address, t.header(known))
	if errors.Is(err, errRange) {
		return errors.Join(&brokenError{err}, t.restart())
	}
	if err != nil {
		return err
	}
	if err := t.begin(r); err != nil {
		return errors.Join(err, r.Body.Close())
	}
	timer := time.AfterFunc(t.stall, func() { cancel(fmt.Errorf("no byte came for %s", t.stall)) })
	defer timer.Stop()
	body := feed.Bounded(&watched{r.Body, timer, t.stall}, t.limit-t.written)
	n, err := io.Copy(io.MultiWriter(t.file, t.hash), body)
	t.written, t.came = t.written+n, t.came+n
	err = errors.Join(err, r.Body.Close())
	var ours *os.PathError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, feed.ErrTooLarge):
		return fmt.Errorf("%s: %w: the body has more than %d bytes", t.address, feed.ErrTooLarge, t.limit)
	case errors.As(err, &ours):
		return err
	case context.Cause(ctx) != nil:
		return &brokenError{fmt.Errorf("%s: broken off after %d bytes: %w", t.address, t.written, context.Cause(ctx))}
	}
	return &brokenError{fmt.Errorf("%s: broken off after %d bytes: %w", t.address, t.written, err)}
}

// header asks for the rest of what is there, or for something newer than known.
func (t *transfer) header(known note) http.Header {
	h := http.Header{}
	switch {
	case t.written > 0 && t.note.condition() != "":
		h.Set("Range", "bytes="+strconv.FormatInt(t.written, 10)+"-")
		h.Set("If-Range", t.note.condition())
	case known.URL == t.address:
		if known.ETag != "" {
			h.Set("If-None-Match", known.ETag)
		}
		if known.LastModified != "" {
			h.Set("If-Modified-Since", known.LastModified)
		}
	}
	return h
}

// begin decides whether the body is the rest or the whole.
func (t *transfer) begin(r *http.Response) error {
	if r.StatusCode == http.StatusPartialContent {
		want := fmt.Sprintf("bytes %d-", t.written)
		if got := r.Header.Get("Content-Range"); !strings.HasPrefix(got, want) {
			return errors.Join(&brokenError{fmt.Errorf("%s: asked for %s, the server sends %q", t.address, want, got)}, t.restart())
		}
		return nil
	}
	if err := t.restart(); err != nil {
		return err
	}
	t.note = note(feed.ValidatorOf(t.address, r))
	b, err := json.Marshal(t.note)
	if err != nil {
		return err
	}
	return os.WriteFile(t.part+".json", b, 0o644)
}

// condition is what If-Range may name: a strong tag or a date.
func (n note) condition() string {
	if n.ETag != "" && !strings.HasPrefix(n.ETag, "W/") {
		return n.ETag
	}
	return n.LastModified
}

// watched puts off the end of a transfer with every byte that comes.
type watched struct {
	r     io.Reader
	timer *time.Timer
	stall time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.timer.Reset(w.stall)
	}
	return n, err
}
