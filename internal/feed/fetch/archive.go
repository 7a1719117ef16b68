package fetch

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"muster/internal/feed"
	"muster/internal/feed/fetch/web"
)

// maxDocument bounds one document of an archive; maxDocuments their number,
// maxUnpacked their sum.
const (
	maxDocument  = 128 << 20
	maxDocuments = 2_000_000
	maxUnpacked  = 64 << 30
)

// patch is what changed in an archive of documents, by member name. A nil
// document is removed.
type patch map[string][]byte

// applyPatch writes the archive at base, with the patch, to out. Members are
// in the order of their names and carry no dates: the same documents are the
// same bytes. What did not change is copied as it is packed.
func applyPatch(base, out string, p patch) (web.Received, error) {
	var members []*zip.File
	if base != "" {
		z, err := zip.OpenReader(base)
		if err != nil {
			return web.Received{}, fmt.Errorf("%s: %w", base, err)
		}
		defer func() { _ = z.Close() }()
		members = z.File
	}
	return writeZIP(out, func(z *zip.Writer) error { return merge(z, members, p) })
}

func merge(z *zip.Writer, members []*zip.File, p patch) error {
	byName := map[string]*zip.File{}
	for _, m := range members {
		byName[m.Name] = m
	}
	names := keys(byName)
	for name := range p {
		if byName[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		document, changed := p[name]
		var err error
		switch {
		case !changed:
			err = copyMember(z, byName[name])
		case document != nil:
			err = addMember(z, name, document)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func copyMember(z *zip.Writer, m *zip.File) error {
	r, err := m.OpenRaw()
	if err != nil {
		return err
	}
	h := zip.FileHeader{
		Name: m.Name, Method: m.Method, CRC32: m.CRC32, CompressedSize64: m.CompressedSize64, UncompressedSize64: m.UncompressedSize64,
	}
	w, err := z.CreateRaw(&h)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return err
}

func addMember(z *zip.Writer, name string, document []byte) error {
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err != nil {
		return err
	}
	_, err = w.Write(document)
	return err
}

// writeZIP makes an archive and says what it is.
func writeZIP(out string, fill func(*zip.Writer) error) (web.Received, error) {
	f, err := os.Create(out)
	if err != nil {
		return web.Received{}, err
	}
	h := sha256.New()
	count := &counter{}
	z := zip.NewWriter(io.MultiWriter(f, h, count))
	err = fill(z)
	if err == nil {
		err = z.Close()
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return web.Received{}, errors.Join(err, os.Remove(out))
	}
	return web.Received{Size: count.n, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// repack turns an unpacked tar into an archive of its documents: those that
// name accepts, under the names that it gives them. The tar is read once, so
// its members come in the tar's order.
func repack(t io.Reader, out string, name func(member string) (string, bool)) (web.Received, error) {
	return writeZIP(out, func(z *zip.Writer) error {
		r := tar.NewReader(feed.Bounded(t, maxUnpacked))
		seen := map[string]bool{}
		var buf bytes.Buffer
		for {
			h, err := r.Next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			as, ok := name(path.Clean(strings.TrimPrefix(h.Name, "./")))
			if h.Typeflag != tar.TypeReg || !ok || seen[as] {
				continue
			}
			if seen[as] = true; len(seen) > maxDocuments {
				return fmt.Errorf("more than %d documents", maxDocuments)
			}
			buf.Reset()
			if _, err := buf.ReadFrom(feed.Bounded(r, maxDocument)); err != nil {
				return fmt.Errorf("%.200s: %w", h.Name, err)
			}
			if err := addMember(z, as, buf.Bytes()); err != nil {
				return err
			}
		}
	})
}

// placeArchive puts a repacked or patched archive in place.
func (s *session) placeArchive(name, from string, made web.Received, origin web.Note) (bool, error) {
	made.Note = origin
	return s.place(name, from, made, expectation{count: countZIP})
}
