// Package hosted is the part of the registry desk that keeps images itself:
// repositories to which people push without any registry behind them. Blobs are
// kept in the store in parts, checked against their digests, once per account
// and Region however many repositories have them.
package hosted

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	cellar "muster/internal/store/registry"
	"muster/internal/worker"
)

// Connection stands in repositories for the connection that they have not.
const Connection = "own"

// JobSweep deletes blobs that no image has; the payload is a cellar.Owner.
const JobSweep = "registry.sweep"

// Bounds. ECR has parts of 20 MiB and layers of 52 GiB.
const (
	partSize    = 1 << 20
	atOnce      = 4
	maxUploads  = 100
	maxBlob     = 20 << 30
	usualRoom   = 50 << 30
	maxManifest = 4 << 20
	// uploadsLive is how long an upload may take, spared how long a blob may
	// be in a repository before an image needs it.
	uploadsLive = 24 * time.Hour
	spared      = time.Hour
)

// What can be wrong; others are of the store.
var (
	ErrNoRepository = errors.New("the repository does not exist")
	ErrElsewhere    = errors.New("the images of the repository are in another registry")
	ErrNoUpload     = errors.New("the upload does not exist")
	ErrNoBlob       = errors.New("the blob does not exist")
	ErrNoManifest   = errors.New("the image does not exist")
	ErrDigest       = errors.New("the content does not have the digest")
	ErrRange        = errors.New("the part does not begin where the last one ended")
	ErrManifest     = errors.New("the manifest cannot be read")
	ErrImmutable    = errors.New("the tag is immutable and is another image's")
	ErrRoom         = errors.New("the account may not keep more images")
)

var (
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	tagForm    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
)

// Images takes what is known of images. The scan desk implements it.
type Images interface {
	ImageSeen(ctx context.Context, tx *store.Tx, e *cellar.Entry, now time.Time) error
	ImageActive(ctx context.Context, tx *store.Tx, e *cellar.Entry, now time.Time) error
	ImageGone(ctx context.Context, tx *store.Tx, k cellar.Key, now time.Time) error
}

// Config are the parts and settings.
type Config struct {
	Store  *store.Store
	Images Images
	// Room bounds what an account may keep in a Region, in bytes; 0 is the
	// usual 50 GiB.
	Room int64
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Service keeps images. It is safe for concurrent use.
type Service struct {
	config Config
	store  *store.Store
}

// New returns it.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Room == 0 {
		c.Room = usualRoom
	}
	return &Service{c, c.Store}
}

func (s *Service) now() time.Time { return s.config.Now().UTC().Truncate(time.Microsecond) }

// Jobs are the handlers of the jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{JobSweep: s.sweep}
}

// Repository names a repository of an account.
type Repository struct {
	cellar.Owner
	Name string
}

// At names a repository.
func At(account arn.AccountID, region arn.Region, name string) Repository {
	return Repository{cellar.Owner{Account: account, Region: region}, name}
}

// lookup returns a repository that images can be pushed to.
func (r Repository) lookup(ctx context.Context, tx *store.Tx) (cellar.Repository, error) {
	found, err := cellar.LookupRepository(ctx, tx, r.Account, r.Region, r.Name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return found, ErrNoRepository
	case err == nil && found.Connection != "" && found.Connection != Connection:
		return found, ErrElsewhere
	}
	return found, err
}

// Begin begins an upload and returns its id.
func (s *Service) Begin(ctx context.Context, at Repository) (string, error) {
	sum, err := state(sha256.New())
	if err != nil {
		return "", err
	}
	u := cellar.Upload{Owner: at.Owner, ID: newUUID(), Repository: at.Name, Digest: sum, CreatedAt: s.now()}
	return u.ID, s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := at.lookup(ctx, tx); err != nil {
			return err
		}
		n, err := cellar.CountUploads(ctx, tx, at.Owner)
		if err == nil && n >= maxUploads {
			return fmt.Errorf("%w: %d uploads are not complete", ErrRoom, n)
		}
		if err == nil {
			err = s.room(ctx, tx, at.Owner)
		}
		if err == nil {
			err = cellar.PutUpload(ctx, tx, &u)
		}
		if err == nil {
			err = askForSweep(ctx, tx, at.Owner, u.CreatedAt.Add(uploadsLive+time.Minute))
		}
		return err
	})
}

// newUUID is a random id in the form that ECR's ids of uploads have.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (s *Service) room(ctx context.Context, tx *store.Tx, at cellar.Owner) error {
	n, err := cellar.StoredBytes(ctx, tx, at)
	if err == nil && n >= s.config.Room {
		return fmt.Errorf("%w: %d bytes are kept", ErrRoom, n)
	}
	return err
}

func state(h hash.Hash) ([]byte, error) { return h.(encoding.BinaryMarshaler).MarshalBinary() }

// upload returns an upload to a repository.
func (r Repository) upload(ctx context.Context, tx *store.Tx, id string) (cellar.Upload, error) {
	u, err := cellar.LookupUpload(ctx, tx, r.Owner, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && u.Repository != r.Name {
		return u, ErrNoUpload
	}
	return u, err
}

// Size tells how much of an upload has come, in bytes.
func (s *Service) Size(ctx context.Context, at Repository, id string) (int64, error) {
	u, err := store.Read(ctx, s.store, func(tx *store.Tx) (cellar.Upload, error) { return at.upload(ctx, tx, id) })
	return u.Size, err
}

// Append adds what a reader has to an upload and returns its size then. begin
// is where it has to begin, negative where that is not said. What has come is
// kept when the reader fails.
func (s *Service) Append(ctx context.Context, at Repository, id string, begin int64, from io.Reader) (int64, error) {
	size, err := s.Size(ctx, at, id)
	if err != nil {
		return 0, err
	}
	if begin >= 0 && begin != size {
		return size, ErrRange
	}
	buf := make([]byte, atOnce*partSize)
	for {
		n, failure := io.ReadFull(from, buf)
		if n > 0 {
			if size, err = s.add(ctx, at, id, size, buf[:n]); err != nil {
				return size, err
			}
		}
		switch {
		case errors.Is(failure, io.EOF), errors.Is(failure, io.ErrUnexpectedEOF):
			return size, nil
		case failure != nil:
			return size, failure
		}
	}
}

// add stores bytes that begin where the upload ended.
func (s *Service) add(ctx context.Context, at Repository, id string, begin int64, data []byte) (size int64, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		u, err := at.upload(ctx, tx, id)
		if err != nil {
			return err
		}
		if u.Size != begin {
			return ErrRange // Somebody else writes to it, too.
		}
		if u.Size+int64(len(data)) > maxBlob {
			return fmt.Errorf("%w: a blob has at most %d bytes", ErrRoom, int64(maxBlob))
		}
		if err := s.room(ctx, tx, at.Owner); err != nil {
			return err
		}
		sum := sha256.New()
		if err := sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(u.Digest); err != nil {
			return fmt.Errorf("upload %s: %w", id, err)
		}
		sum.Write(data)
		for rest := data; len(rest) > 0; {
			part := rest[:min(len(rest), partSize)]
			if err := cellar.AddPart(ctx, tx, at.Owner, id, u.Size, part); err != nil {
				return err
			}
			u.Size, rest = u.Size+int64(len(part)), rest[len(part):]
		}
		if u.Digest, err = state(sum); err != nil {
			return err
		}
		size = u.Size
		return cellar.PutUpload(ctx, tx, &u)
	})
	return size, err
}

// Complete makes an upload the blob of a digest.
func (s *Service) Complete(ctx context.Context, at Repository, id, digest string) error {
	if !digestForm.MatchString(digest) {
		return ErrDigest
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		u, err := at.upload(ctx, tx, id)
		if err != nil {
			return err
		}
		sum := sha256.New()
		if err := sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(u.Digest); err != nil {
			return fmt.Errorf("upload %s: %w", id, err)
		}
		if fmt.Sprintf("sha256:%x", sum.Sum(nil)) != digest {
			return ErrDigest
		}
		added, err := cellar.AddBlob(ctx, tx, at.Owner, cellar.Blob{Digest: digest, Upload: id, Size: u.Size}, s.now())
		if err == nil {
			err = cellar.DropUpload(ctx, tx, at.Owner, id, !added)
		}
		if err == nil {
			err = cellar.LinkBlob(ctx, tx, at.Owner, at.Name, digest, s.now())
		}
		if err == nil {
			err = askForSweep(ctx, tx, at.Owner, s.now().Add(uploadsLive))
		}
		return err
	})
}

// Cancel forgets an upload.
func (s *Service) Cancel(ctx context.Context, at Repository, id string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := at.upload(ctx, tx, id); err != nil {
			return err
		}
		return cellar.DropUpload(ctx, tx, at.Owner, id, true)
	})
}

// Mount lets a repository have a blob of another one of the account.
func (s *Service) Mount(ctx context.Context, at Repository, from, digest string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := at.lookup(ctx, tx); err != nil {
			return err
		}
		if _, err := cellar.BlobOf(ctx, tx, at.Owner, from, digest); err != nil {
			return noBlob(err)
		}
		return cellar.LinkBlob(ctx, tx, at.Owner, at.Name, digest, s.now())
	})
}

func noBlob(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoBlob
	}
	return err
}
