package hosted

import (
	"context"
	"errors"
	"fmt"
	"io"

	"muster/internal/store"
	cellar "muster/internal/store/registry"
)

// Blob is a blob that can be read.
type Blob struct {
	Digest string
	Size   int64
	upload string
	owner  cellar.Owner
	store  *store.Store
}

// Blob returns a blob of a repository, or ErrNoBlob.
func (s *Service) Blob(ctx context.Context, at Repository, digest string) (*Blob, error) {
	b, err := store.Read(ctx, s.store, func(tx *store.Tx) (cellar.Blob, error) {
		if _, err := at.lookup(ctx, tx); err != nil {
			return cellar.Blob{}, err
		}
		return cellar.BlobOf(ctx, tx, at.Owner, at.Name, digest)
	})
	if err != nil {
		return nil, noBlob(err)
	}
	return &Blob{b.Digest, b.Size, b.Upload, at.Owner, s.store}, nil
}

// Open returns a reader of the blob, which can seek.
func (b *Blob) Open(ctx context.Context) io.ReadSeeker { return &reader{ctx: ctx, blob: b} }

type reader struct {
	ctx  context.Context
	blob *Blob
	at   int64
	rest []byte
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.at >= r.blob.Size {
			return 0, io.EOF
		}
		err := r.blob.store.View(r.ctx, func(tx *store.Tx) error {
			begin, data, err := cellar.PartAt(r.ctx, tx, r.blob.owner, r.blob.upload, r.at)
			if errors.Is(err, store.ErrNotFound) || err == nil && begin+int64(len(data)) <= r.at {
				return fmt.Errorf("%w any more", ErrNoBlob)
			}
			if err == nil {
				r.rest = data[r.at-begin:]
			}
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest, r.at = r.rest[n:], r.at+int64(n)
	return n, nil
}

// Seek implements io.Seeker.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.blob.Size
	}
	if offset < 0 {
		return 0, errors.New("a place before the beginning")
	}
	r.at, r.rest = offset, nil
	return offset, nil
}
