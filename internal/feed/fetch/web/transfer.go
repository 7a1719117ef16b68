package web

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

// Transfer brings one file here, and goes on where it stopped: within a run,
// and, by the note beside the partial file, after the process ended.
type Transfer struct {
	Client  *Client
	Address string
	// Part is the partial file; Part+".json" is the note about it.
	Part string
	// Limit bounds the file, in bytes.
	Limit int64
	// Stall ends an attempt on which no byte came for so long.
	Stall time.Duration
	// Came counts the bytes of this run.
	Came int64

	file    *os.File
	hash    hash.Hash
	written int64
	note    Note
}

// Note identifies the content that a partial file is the beginning of.
type Note struct {
	URL          string `json:"url"`
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// Received is a complete download, at the partial file's name.
type Received struct {
	Note
	Size int64
	// SHA256 is hexadecimal.
	SHA256 string
}

// Run downloads the file unless it is the one that known describes
// (feed.ErrNotModified).
func (t *Transfer) Run(ctx context.Context, known Note) (Received, error) {
	if err := t.open(); err != nil {
		return Received{}, err
	}
	err := t.fill(ctx, known)
	if err = errors.Join(err, t.file.Sync(), t.file.Close()); err != nil {
		if t.written == 0 {
			err = errors.Join(err, Discard(t.Part))
		}
		return Received{}, err
	}
	return Received{t.note, t.written, hex.EncodeToString(t.hash.Sum(nil))}, os.Remove(t.Part + ".json")
}

// open takes up what an earlier run left, if it is of this address.
func (t *Transfer) open() (err error) {
	t.hash = sha256.New()
	if t.file, err = os.OpenFile(t.Part, os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return err
	}
	var n Note
	b, err := os.ReadFile(t.Part + ".json")
	if err != nil || json.Unmarshal(b, &n) != nil || n.URL != t.Address || n.condition() == "" {
		return t.restart()
	}
	t.note = n
	if t.written, err = io.Copy(t.hash, t.file); err != nil {
		return errors.Join(err, t.file.Close())
	}
	return nil
}

func (t *Transfer) restart() error {
	t.hash.Reset()
	t.written, t.note = 0, Note{}
	_, err := t.file.Seek(0, io.SeekStart)
	return errors.Join(err, t.file.Truncate(0))
}

// fill asks for what is missing until nothing is.
func (t *Transfer) fill(ctx context.Context, known Note) error {
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
		if err := t.Client.wait(ctx, firstPause<<(attempt-1)); err != nil {
			return err
		}
	}
}

// brokenError is a body that ended early.
type brokenError struct{ error }

func (e *brokenError) Unwrap() error { return e.error }

// attempt makes one request and takes what comes.
func (t *Transfer) attempt(ctx context.Context, known Note) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r, err := t.Client.Get(ctx, t.Address, t.header(known))
	if errors.Is(err, errRange) {
		return errors.Join(&brokenError{err}, t.restart())
	}
	if err != nil {
		return err
	}
	if err := t.begin(r); err != nil {
		return errors.Join(err, r.Body.Close())
	}
	timer := time.AfterFunc(t.Stall, func() { cancel(fmt.Errorf("no byte came for %s", t.Stall)) })
	defer timer.Stop()
	body := feed.Bounded(&watched{r.Body, timer, t.Stall}, t.Limit-t.written)
	n, err := io.Copy(io.MultiWriter(t.file, t.hash), body)
	t.written, t.Came = t.written+n, t.Came+n
	err = errors.Join(err, r.Body.Close())
	var ours *os.PathError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, feed.ErrTooLarge):
		return fmt.Errorf("%s: %w: the body has more than %d bytes", t.Address, feed.ErrTooLarge, t.Limit)
	case errors.As(err, &ours):
		return err
	case context.Cause(ctx) != nil:
		return &brokenError{fmt.Errorf("%s: broken off after %d bytes: %w", t.Address, t.written, context.Cause(ctx))}
	}
	return &brokenError{fmt.Errorf("%s: broken off after %d bytes: %w", t.Address, t.written, err)}
}

// header asks for the rest of what is there, or for something newer than known.
func (t *Transfer) header(known Note) http.Header {
	h := http.Header{}
	switch {
	case t.written > 0 && t.note.condition() != "":
		h.Set("Range", "bytes="+strconv.FormatInt(t.written, 10)+"-")
		h.Set("If-Range", t.note.condition())
	case known.URL == t.Address:
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
func (t *Transfer) begin(r *http.Response) error {
	if r.StatusCode == http.StatusPartialContent {
		want := fmt.Sprintf("bytes %d-", t.written)
		if got := r.Header.Get("Content-Range"); !strings.HasPrefix(got, want) {
			return errors.Join(&brokenError{fmt.Errorf("%s: asked for %s, the server sends %q", t.Address, want, got)}, t.restart())
		}
		return nil
	}
	if err := t.restart(); err != nil {
		return err
	}
	t.note = Note(feed.ValidatorOf(t.Address, r))
	b, err := json.Marshal(t.note)
	if err != nil {
		return err
	}
	return os.WriteFile(t.Part+".json", b, 0o644)
}

// condition is what If-Range may name: a strong tag or a date.
func (n Note) condition() string {
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

// Discard removes a partial file and its note.
func Discard(part string) error {
	err := os.Remove(part + ".json")
	if errors.Is(err, os.ErrNotExist) {
		err = nil // an answer without content leaves none
	}
	return errors.Join(err, os.Remove(part))
}
