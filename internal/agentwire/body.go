package agentwire

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// ErrTooLarge is wrapped by the errors of ReadBody and OpenBody for a body
// over its bound.
var ErrTooLarge = errors.New("request too large")

// ReadBody reads a request's body as sent, which is what the signature covers.
// limit is MaxCompressed or MaxEnrollBody.
func ReadBody(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%w: body over %d bytes", ErrTooLarge, limit)
	}
	return body, nil
}

// OpenBody decompresses a body by its Content-Encoding ("", "identity" or
// "gzip"). Reading past MaxBody gives an error that wraps ErrTooLarge.
func OpenBody(body []byte, encoding string) (io.Reader, error) {
	switch encoding {
	case "", "identity":
		return &boundedReader{bytes.NewReader(body), MaxBody}, nil
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("body is not gzip: %w", err)
		}
		return &boundedReader{z, MaxBody}, nil
	}
	return nil, fmt.Errorf("content encoding %q: want gzip or none", clip(encoding))
}

// Compress is what OpenBody undoes with encoding "gzip".
func Compress(body []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // the level is valid
	_, _ = z.Write(body)                            // a bytes.Buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// boundedReader fails instead of ending early, unlike io.LimitReader: a cut
// inventory must not look complete.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		if n, err := b.r.Read(one[:]); n == 0 {
			return 0, err
		}
		return 0, fmt.Errorf("%w: over %d bytes when decompressed", ErrTooLarge, int64(MaxBody))
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

// clip keeps a quoted foreign value short.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

func isHex(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}

func printable(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}
