// Package bundle carries a feeds folder to places without a network: one file,
// signed, that says of everything in it where it came from and on what terms.
//
// A bundle is a tar (ustar). Its first member, bundle.json, is the Manifest;
// its second, bundle.sig, the signature over it; then come the files, in the
// order of the manifest, which has their hashes. So who has verified the first
// two members knows what every later byte has to be. The same content makes
// the same bytes.
package bundle

import (
	"archive/tar"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"muster/internal/feed/layout"
)

// Version is the version of the form; a reader refuses others.
const Version = 1

// format marks a manifest as one of a bundle.
const format = "muster feeds bundle"

// Names of the first members.
const (
	manifestName  = "bundle.json"
	signatureName = "bundle.sig"
)

// Bounds of a bundle.
const (
	maxManifest  = 32 << 20
	maxSignature = 4 << 10
	maxFiles     = 100_000
	maxFile      = 1<<33 - 1 // the most that ustar can say
	blockSize    = 512
)

// What is wrong with a bundle.
var (
	ErrNotBundle = errors.New("not a bundle of feeds")
	ErrVersion   = errors.New("bundle of another version")
	ErrTruncated = errors.New("bundle is incomplete")
	ErrUnsigned  = errors.New("bundle is not signed")
	ErrUntrusted = errors.New("bundle is signed by a key that is not trusted")
	ErrSignature = errors.New("bundle's signature is wrong")
	ErrDamaged   = errors.New("bundle is damaged")
)

// Manifest says what is in a bundle.
type Manifest struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// Created is when the newest file was fetched; zero if that is not known.
	Created time.Time `json:"created,omitzero"`
	// Base is the ID of the bundle that this one continues, "" for a whole one.
	Base  string `json:"base,omitempty"`
	Files []File `json:"files"`
}

// File is one file of the folder that a bundle makes.
type File struct {
	layout.File
	// FromBase: the file is unchanged since Base and not in this bundle.
	FromBase bool `json:"from_base,omitempty"`
}

// Bundle is an opened bundle whose manifest was verified.
type Bundle struct {
	Manifest Manifest
	// ID is the hexadecimal SHA-256 of the manifest.
	ID string
	// Signer is the id of the key that signed it, "" if nobody did.
	Signer string

	path   string
	file   *os.File
	offset map[string]int64
}

// Is reports whether a file begins like a bundle.
func Is(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	h, err := tar.NewReader(io.LimitReader(f, blockSize)).Next()
	return err == nil && h.Name == manifestName
}

// Open reads and verifies a bundle's manifest, and that all of the bundle is
// there. The contents are verified as they are read. Close it after use.
func Open(path string, trust Trust) (*Bundle, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b := &Bundle{path: path, file: f}
	if err := b.open(trust); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return b, nil
}

// Close closes the file.
func (b *Bundle) Close() error { return b.file.Close() }

func (b *Bundle) open(trust Trust) error {
	r := tar.NewReader(b.file)
	manifest, err := member(r, manifestName, maxManifest)
	if err != nil {
		return err
	}
	signature, err := member(r, signatureName, maxSignature)
	if err != nil {
		return err
	}
	if err := peek(manifest); err != nil {
		return err
	}
	if b.Signer, err = trust.verify(manifest, signature); err != nil {
		return err
	}
	sum := sha256.Sum256(manifest)
	b.ID = hex.EncodeToString(sum[:])
	if err := json.Unmarshal(manifest, &b.Manifest); err != nil {
		return fmt.Errorf("%w: %w", ErrNotBundle, err)
	}
	if err := b.Manifest.check(); err != nil {
		return err
	}
	return b.locate(int64(len(manifest)), int64(len(signature)))
}

// member reads the next member, which has to have the name.
func member(r *tar.Reader, name string, limit int64) ([]byte, error) {
	h, err := r.Next()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF && name != manifestName:
		return nil, fmt.Errorf("%w: it ends before %s", ErrTruncated, name)
	case err != nil:
		return nil, ErrNotBundle
	case h.Name != name || h.Typeflag != tar.TypeReg:
		return nil, fmt.Errorf("%w: where %s should be is %.80q", ErrNotBundle, name, h.Name)
	case h.Size > limit:
		return nil, fmt.Errorf("%w: %s has %d bytes, more than %d", ErrNotBundle, name, h.Size, limit)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrTruncated, name, err)
	}
	return b, nil
}

// peek tells a bundle of another version from one that is not signed well.
func peek(manifest []byte) error {
	var head struct {
		Format  string
		Version int
	}
	if json.Unmarshal(manifest, &head) != nil || head.Format != format {
		return ErrNotBundle
	}
	if head.Version != Version {
		return fmt.Errorf("%w: %d; this program reads version %d", ErrVersion, head.Version, Version)
	}
	return nil
}

// check refuses what no Write makes.
func (m *Manifest) check() error {
	if len(m.Files) > maxFiles {
		return fmt.Errorf("%w: %d files, more than %d", ErrNotBundle, len(m.Files), maxFiles)
	}
	last := ""
	for _, f := range m.Files {
		s, ok := layout.Of(f.Path)
		sum, err := hex.DecodeString(f.SHA256)
		switch {
		case !ok || s.Name != f.Source || f.Path <= last:
			return fmt.Errorf("%w: the file %.100q", ErrNotBundle, f.Path)
		case f.Size < 0 || f.Size > maxFile || err != nil || len(sum) != sha256.Size:
			return fmt.Errorf("%w: size or hash of %s", ErrNotBundle, f.Path)
		case f.FromBase && m.Base == "":
			return fmt.Errorf("%w: %s is from a base that is not named", ErrNotBundle, f.Path)
		}
		last = f.Path
	}
	return nil
}

// locate computes where each file lies, and compares the whole length.
func (b *Bundle) locate(manifest, signature int64) error {
	b.offset = map[string]int64{}
	at := blockSize + padded(manifest) + blockSize + padded(signature)
	for _, f := range b.Manifest.Files {
		if !f.FromBase {
			b.offset[f.Path] = at + blockSize
			at += blockSize + padded(f.Size)
		}
	}
	at += 2 * blockSize
	info, err := b.file.Stat()
	if err != nil {
		return err
	}
	switch {
	case info.Size() < at:
		return fmt.Errorf("%w: it has %d of %d bytes", ErrTruncated, info.Size(), at)
	case info.Size() > at:
		return fmt.Errorf("%w: it has %d bytes, %d more than it says", ErrDamaged, info.Size(), info.Size()-at)
	}
	return nil
}

func padded(n int64) int64 { return (n + blockSize - 1) / blockSize * blockSize }

// Find returns a file of the manifest.
func (b *Bundle) Find(path string) (File, bool) {
	for _, f := range b.Manifest.Files {
		if f.Path == path {
			return f, true
		}
	}
	return File{}, false
}

// Extract writes a file's content and verifies it. What was written before an
// error counts for nothing.
func (b *Bundle) Extract(ctx context.Context, f File, w io.Writer) error {
	at, ok := b.offset[f.Path]
	if !ok {
		return fmt.Errorf("%s: %s is not in this bundle, but in %s", b.path, f.Path, b.Manifest.Base)
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), &cancelled{ctx, io.NewSectionReader(b.file, at, f.Size)})
	if err != nil {
		return err
	}
	if sum := hex.EncodeToString(h.Sum(nil)); n != f.Size || sum != f.SHA256 {
		return fmt.Errorf("%s: %w: %s has the SHA-256 %s, not %s", b.path, ErrDamaged, f.Path, sum, f.SHA256)
	}
	return nil
}

// cancelled ends a copy with its context.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// Options tune Write.
type Options struct {
	// Key signs; nil makes a bundle without signature.
	Key ed25519.PrivateKey
	// Base is the bundle that this one continues: files that are the same
	// there are left out.
	Base *Bundle
	// Sources restricts the bundle to these; none means all.
	Sources []string
}
