// Package image gives container images: from archives as docker and podman
// save them, from OCI layouts (archives or folders), from registries. An image
// is a list of layers, each to be unpacked once, from bottom to top.
//
// What comes from outside is bounded, and nothing in it can name a file of
// this machine.
package image

import (
	"bufio"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Bounds of an image.
const (
	maxLayers   = 1000
	maxDocument = 32 << 20
)

// ErrFormat says that bytes are not an image; the wrapping error says why.
var ErrFormat = errors.New("not an image")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// Image is an image that is open for reading.
type Image struct {
	// Digest identifies the image's configuration, "" for a plain archive of
	// files.
	Digest string
	// OS and Architecture are in Go's words: linux, amd64.
	OS, Architecture string
	// Layers from bottom to top.
	Layers []Layer
	// Notes say what of the image cannot be looked at.
	Notes []string
	close func() error
	// unpacked is of all layers together, each time that they are read.
	unpacked budget
}

// Close gives the image's files back.
func (i *Image) Close() error {
	if i.close == nil {
		return nil
	}
	return i.close()
}

// Layer is one layer.
type Layer struct {
	// DiffID is the digest of the unpacked layer as the image states it.
	DiffID string
	// Open returns the unpacked layer. What is not packed can be read at any
	// place for as long as the image is open, and is not held against DiffID:
	// Verify does. Anything else fails at its end when it is something else.
	// Nil for a layer that the image keeps elsewhere.
	Open func() (io.ReadCloser, error)
}

// Known reports whether the layer says what it is, so that it can be
// recognised and verified.
func (l Layer) Known() bool { _, _, err := digestOf(l.DiffID); return err == nil }

// Verify reads an unpacked layer and holds it against its digest. A layer
// that does not say what it is is not read.
func (l Layer) Verify(r io.Reader) error {
	h, _, err := digestOf(l.DiffID)
	if err != nil {
		return nil
	}
	if _, err := io.CopyBuffer(h, r, make([]byte, 256<<10)); err != nil {
		return err
	}
	return l.compare(h)
}

func (l Layer) compare(h hash.Hash) error {
	if _, want, _ := digestOf(l.DiffID); want != hex.EncodeToString(h.Sum(nil)) {
		return refuse("a layer is not what its digest says: its content has %x, the configuration says %s", h.Sum(nil), l.DiffID)
	}
	return nil
}

// digestOf takes a digest apart: what computes it, and its value.
func digestOf(text string) (hash.Hash, string, error) {
	algorithm, value, _ := strings.Cut(text, ":")
	var h hash.Hash
	switch algorithm {
	case "sha256":
		h = sha256.New()
	case "sha512":
		h = sha512.New()
	}
	if h == nil || len(value) != 2*h.Size() || strings.Trim(value, "0123456789abcdef") != "" {
		return nil, "", refuse("%.80q is no digest that can be verified", text)
	}
	return h, value, nil
}

// verifying holds a stream against a layer's digest when it ends, and reads
// ahead while it does.
func (l Layer) verifying(r io.ReadCloser) io.ReadCloser {
	if _, direct := r.(io.ReaderAt); direct || !l.Known() {
		return r
	}
	h, _, _ := digestOf(l.DiffID)
	return readAhead(&verifier{ReadCloser: r, layer: l, hash: h})
}

type verifier struct {
	io.ReadCloser
	layer Layer
	hash  hash.Hash
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	_, _ = v.hash.Write(p[:n]) // never fails
	if errors.Is(err, io.EOF) {
		if wrong := v.layer.compare(v.hash); wrong != nil {
			return n, wrong
		}
	}
	return n, err
}

// Platform chooses among the images of an index.
type Platform struct{ OS, Architecture, Variant string }

// ParsePlatform reads "linux/arm64" or "linux/arm/v7".
func ParsePlatform(text string) (Platform, error) {
	parts := strings.Split(text, "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
		return Platform{}, fmt.Errorf("platform %q is not of the form linux/amd64", text)
	}
	p := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// String is the platform as people write it.
func (p Platform) String() string {
	return strings.TrimSuffix(p.OS+"/"+p.Architecture+"/"+p.Variant, "/")
}

// fits reports whether an image of an index is of the platform.
func (p Platform) fits(other Platform) bool {
	return p.OS == other.OS && p.Architecture == other.Architecture && (p.Variant == "" || p.Variant == other.Variant)
}

// readCloser joins a reader with what must be closed after it.
type readCloser struct {
	io.Reader
	close func() error
}

func (r readCloser) Close() error { return r.close() }

// unpack recognises gzip and zstd; anything else is returned as it is, open
// for reading at any place where it was before.
func unpack(r io.ReadCloser, b *budget) (io.ReadCloser, error) {
	at, seeks := r.(io.ReadSeeker)
	in := bufio.NewReaderSize(b.packed(r), 64<<10)
	start, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, r.Close())
	}
	switch {
	case len(start) >= 2 && start[0] == 0x1f && start[1] == 0x8b:
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		return readCloser{b.limit(z), func() error { return errors.Join(z.Close(), r.Close()) }}, nil
	case string(start) == "\x28\xb5\x2f\xfd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		return readCloser{b.limit(z), func() error { z.Close(); return r.Close() }}, nil
	}
	if seeks {
		_, err := at.Seek(0, io.SeekStart)
		return r, err
	}
	return readCloser{b.limit(in), r.Close}, nil
}
