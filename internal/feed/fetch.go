package feed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"time"
)

// maxListBytes bounds a small text such as ecosystems.txt.
const maxListBytes = 1 << 20

// attempts is how often a download is resumed after it broke.
const attempts = 4

// openLocal reads a file of a folder once, for its hash, unless it is the one
// that last describes.
func openLocal(path string, last Validator) (*File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrAbsent)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	stamp, err := stampOf(f, time.Now())
	if err != nil {
		return nil, err
	}
	if stamp != "" && last.URL == path && last.ETag == stamp {
		return nil, ErrNotModified
	}
	h := sha256.New()
	n, err := io.Copy(h, Bounded(f, MaxFileBytes))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &File{Path: path, Size: n, Hash: hex.EncodeToString(h.Sum(nil)), Validator: Validator{URL: path, ETag: stamp}}, nil
}

// stampOf is what changes when a file of a folder does: its size and dates.
// Empty for a file that was touched just now: it could change again without
// its dates showing it.
func stampOf(f *os.File, now time.Time) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	const settled = 2 * time.Second
	changed := changedAt(info)
	if now.Sub(changed) < settled {
		return "", nil
	}
	return fmt.Sprintf("%d-%d-%d", info.Size(), info.ModTime().UnixNano(), changed.UnixNano()), nil
}

// text fetches a small text.
func (m *Mirror) text(ctx context.Context, address string) (string, error) {
	r, err := m.get(ctx, address, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Body.Close() }()
	b, err := ReadAll(r.Body, maxListBytes)
	return string(b), err
}

// get asks for an address; any answer but success, and those of conditions
// that the header makes, is an error that names address and status.
func (m *Mirror) get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if header != nil {
		req.Header = header
	}
	req.Header.Set("User-Agent", "muster")
	// A transparently unpacked body would not be the file.
	req.Header.Set("Accept-Encoding", "identity")
	r, err := m.client.Do(req)
	if err != nil {
		return nil, err
	}
	switch r.StatusCode {
	case http.StatusOK, http.StatusPartialContent:
		return r, nil
	}
	_ = r.Body.Close()
	switch r.StatusCode {
	case http.StatusNotModified:
		return nil, ErrNotModified
	case http.StatusNotFound, http.StatusGone:
		return nil, fmt.Errorf("%s: %w", address, ErrAbsent)
	}
	return nil, fmt.Errorf("%s: the server answers %s", address, r.Status)
}

// download fetches an address into a temporary file, unless it is the one
// that last describes. A broken transfer goes on where it stopped.
func (m *Mirror) download(ctx context.Context, address string, last Validator) (*File, error) {
	r, err := m.get(ctx, address, conditions(address, last))
	if err != nil {
		return nil, err
	}
	t, err := os.CreateTemp(m.temp, "download-*.tmp")
	if err != nil {
		_ = r.Body.Close()
		return nil, err
	}
	d := &transfer{mirror: m, address: address, file: t, hash: sha256.New(), validator: ValidatorOf(address, r)}
	err = errors.Join(d.run(ctx, r), t.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", address, err), os.Remove(t.Name()))
	}
	return &File{
		Path: t.Name(), Size: d.written, Hash: hex.EncodeToString(d.hash.Sum(nil)),
		Validator: d.validator, temporary: true,
	}, nil
}

// conditions ask only for something newer than last.
func conditions(address string, last Validator) http.Header {
	h := http.Header{}
	if last.URL != address {
		return h
	}
	if last.ETag != "" {
		h.Set("If-None-Match", last.ETag)
	}
	if last.LastModified != "" {
		h.Set("If-Modified-Since", last.LastModified)
	}
	return h
}

// ValidatorOf takes what identifies the content. A date of change that is
// hardly older than the answer does not: the file may change again within the
// same second (RFC 9110, 8.8.2.2).
func ValidatorOf(address string, r *http.Response) Validator {
	v := Validator{address, r.Header.Get("ETag"), r.Header.Get("Last-Modified")}
	changed, err1 := http.ParseTime(v.LastModified)
	answered, err2 := http.ParseTime(r.Header.Get("Date"))
	if err1 != nil || err2 != nil || answered.Sub(changed) < 2*time.Second {
		v.LastModified = ""
	}
	return v
}

// transfer is a download under way.
type transfer struct {
	mirror    *Mirror
	address   string
	file      *os.File
	hash      hash.Hash
	validator Validator
	written   int64
}

// run copies the body, resuming after failures as long as the server still
// offers the same file.
func (d *transfer) run(ctx context.Context, r *http.Response) error {
	for attempt := 1; ; attempt++ {
		err := d.copy(r.Body)
		if err == nil || errors.Is(err, ErrTooLarge) || attempt == attempts {
			return err
		}
		if waitErr := wait(ctx, d.mirror.retry); waitErr != nil {
			return errors.Join(err, waitErr)
		}
		next, getErr := d.resume(ctx)
		if getErr != nil {
			return errors.Join(err, getErr)
		}
		r = next
	}
}

func (d *transfer) copy(body io.ReadCloser) error {
	n, err := io.Copy(io.MultiWriter(d.file, d.hash), Bounded(body, MaxFileBytes-d.written))
	d.written += n
	return errors.Join(err, body.Close())
}

// resume asks for the rest, or begins again where the server has none.
func (d *transfer) resume(ctx context.Context) (*http.Response, error) {
	h := http.Header{}
	if d.validator.ETag != "" {
		h.Set("Range", "bytes="+strconv.FormatInt(d.written, 10)+"-")
		h.Set("If-Range", d.validator.ETag)
	}
	r, err := d.mirror.get(ctx, d.address, h)
	if err != nil || r.StatusCode == http.StatusPartialContent {
		return r, err
	}
	d.written, d.validator = 0, ValidatorOf(d.address, r)
	d.hash.Reset()
	if _, err := d.file.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, r.Body.Close())
	}
	return r, d.file.Truncate(0)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
