// Package registry is the desk for container registries: it keeps an account's
// connections to them, hears what they tell about pushes, pulls and deletions,
// asks those that tell nothing, and reads the images that are to be scanned.
//
// A notification or a poll only says where to look. What is recorded is what
// the registry itself answers, by digest; how an image is covered and what is
// found in it is the scan desk's to decide.
package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inventory"
	"muster/internal/registry/eligible"
	"muster/internal/registry/hosted"
	"muster/internal/source/guard"
	"muster/internal/source/registry"
	"muster/internal/store"
	cellar "muster/internal/store/registry"
	"muster/internal/worker"
)

// The desk's jobs beside eligible.JobRead.
const (
	// JobLook looks at a manifest; the payload is a look.
	JobLook = "registry.look"
	// JobPoll looks through a registry; the payload is a connectionRef.
	JobPoll = "registry.poll"
	// JobForget drops the repositories of a deleted connection; the payload is
	// a connectionRef.
	JobForget = "registry.forget"
)

// Images takes what is known of images. The scan desk implements it.
type Images interface {
	// ImageSeen records an image and asks for its scan.
	ImageSeen(ctx context.Context, tx *store.Tx, e *cellar.Entry, now time.Time) error
	// ImageActive records that an image was pulled or is in use.
	ImageActive(ctx context.Context, tx *store.Tx, e *cellar.Entry, now time.Time) error
	// ImageRead records what an image contains.
	ImageRead(ctx context.Context, tx *store.Tx, e *cellar.Entry, inv *inventory.Inventory, hash string, now time.Time) error
	// ImageGone and RepositoryGone record deletions.
	ImageGone(ctx context.Context, tx *store.Tx, k cellar.Key, now time.Time) error
	RepositoryGone(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, name string, now time.Time) error
	// RepositorySeen records a repository.
	RepositorySeen(ctx context.Context, tx *store.Tx, r *cellar.Repository, now time.Time) error
	// Wanted reports whether an image's content is to be read, and ContentOf
	// the hash of content that the account's image of the digest is known to
	// have, "" where none is.
	Wanted(ctx context.Context, tx *store.Tx, e *cellar.Entry, now time.Time) (bool, error)
	ContentOf(ctx context.Context, tx *store.Tx, e *cellar.Entry) (string, error)
}

// Secrets seals and opens passwords. *keyring.Keyring is one.
type Secrets interface {
	Seal(aad string, plain []byte) []byte
	Open(aad string, sealed []byte) ([]byte, error)
}

// Pager seals and opens page tokens. *pagetoken.Sealer is one.
type Pager interface {
	Seal(call *awsmodel.Call, op string, query any, cursor []byte) string
	Open(call *awsmodel.Call, op string, query any, token string) ([]byte, error)
}

// Config are the desk's parts and settings.
type Config struct {
	Store   *store.Store
	Images  Images
	Secrets Secrets
	Pages   Pager
	// Hosted keeps the images that are pushed here; nil where none can be.
	Hosted *hosted.Service
	// Guard says which addresses registries may have.
	Guard *guard.Guard
	// Layers is the folder in which layers are remembered, "" for nowhere;
	// LayersMax its bound in bytes, 0 for the usual one. Temp is the folder for
	// temporary files, "" for the system's.
	Layers    string
	LayersMax int64
	Temp      string
	// Now is the clock of the jobs; nil means time.Now.
	Now func() time.Time
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	config    Config
	store     *store.Store
	transport http.RoundTripper
}

// New returns the desk.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Guard == nil {
		c.Guard = &guard.Guard{}
	}
	return &Service{config: c, store: c.Store, transport: c.Guard.Transport()}
}

func (s *Service) now() time.Time { return s.config.Now().UTC().Truncate(time.Microsecond) }

// AddHandlers adds the desk's operations to those of our own service.
func (s *Service) AddHandlers(h *muster.Handlers) {
	h.CreateRegistryConnection = s.CreateRegistryConnection
	h.ListRegistryConnections = s.ListRegistryConnections
	h.UpdateRegistryConnection = s.UpdateRegistryConnection
	h.DeleteRegistryConnection = s.DeleteRegistryConnection
	h.TestRegistryConnection = s.TestRegistryConnection
	h.ReportClusterImages = s.ReportClusterImages
}

// Jobs are the handlers of the desk's jobs, by kind.
func (s *Service) Jobs() map[string]worker.Handler {
	return map[string]worker.Handler{
		JobLook:          s.look,
		JobPoll:          s.poll,
		JobForget:        s.forget,
		eligible.JobRead: s.read,
	}
}

// connectionRef names a connection in jobs.
type connectionRef struct {
	Account arn.AccountID `json:"account"`
	Region  arn.Region    `json:"region"`
	ID      string        `json:"id"`
}

func refOf(c *cellar.Connection) connectionRef { return connectionRef{c.Account, c.Region, c.ID} }

func (r connectionRef) String() string {
	return string(r.Account) + "/" + string(r.Region) + "/" + r.ID
}

// connection reads a connection anew; ok is false when it was deleted.
func (s *Service) connection(ctx context.Context, r connectionRef) (c cellar.Connection, ok bool, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		c, err = cellar.LookupConnection(ctx, tx, r.Account, r.Region, r.ID)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return c, false, nil
	}
	return c, err == nil, err
}

// binding is what a sealed password belongs to: it opens for no other address.
func binding(c *cellar.Connection) string {
	return "registry connection " + refOf(c).String() + " " + c.URL
}

// client opens a connection.
func (s *Service) client(c *cellar.Connection) (*registry.Client, error) {
	if c.ID == hosted.Connection && s.config.Hosted != nil {
		return registry.New(hosted.Address, "", "", s.config.Hosted.Transport(cellar.Owner{Account: c.Account, Region: c.Region}))
	}
	var password []byte
	if c.Secret != nil {
		var err error
		if password, err = s.config.Secrets.Open(binding(c), c.Secret); err != nil {
			return nil, fmt.Errorf("password of registry connection %s: %w", c.Name, err)
		}
	}
	return registry.New(c.URL, c.User, string(password), s.transport)
}

// maxMessage bounds what is kept of an error.
const maxMessage = 500

// tell puts an error into words for the account: what a registry answered, and
// no more of it than a message.
func tell(err error) string {
	text := err.Error()
	if errors.Is(err, guard.ErrRefused) {
		text = guard.ErrRefused.Error()
	}
	return text[:min(len(text), maxMessage)]
}
