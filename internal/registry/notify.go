package registry

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/registry/notice"
	"muster/internal/source/registry"
	"muster/internal/store"
	cellar "muster/internal/store/registry"
)

// ErrToken says that a notification does not carry the connection's token.
// Connections that do not exist answer alike.
var ErrToken = errors.New("the notification does not carry the token of a registry connection")

// pulledAgain is how much later a pull has to be to be noted: busy images are
// pulled every second.
const pulledAgain = time.Minute

// Notification is a message at a connection's path.
type Notification struct {
	Account    arn.AccountID
	Region     arn.Region
	Connection string
	Token      string
}

// Open returns the connection that a notification speaks for, or ErrToken.
func (s *Service) Open(ctx context.Context, n Notification) (cellar.Connection, error) {
	c, ok, err := s.connection(ctx, connectionRef{n.Account, n.Region, n.Connection})
	if err != nil {
		return c, err
	}
	sum := sha256.Sum256([]byte(n.Token))
	if !ok || subtle.ConstantTimeCompare(sum[:], c.Token) != 1 {
		return cellar.Connection{}, ErrToken
	}
	return c, nil
}

// Accept takes a notification of a connection from Open. When it returns nil
// what follows from it is durable. A message that cannot be read is
// notice.ErrForm.
func (s *Service) Accept(ctx context.Context, c cellar.Connection, header http.Header, body []byte, now time.Time) error {
	list, err := notice.Parse(header, body)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if now.Sub(c.NotifiedAt) > pulledAgain {
			if err := cellar.Notified(ctx, tx, &c, now); err != nil {
				return err
			}
		}
		var jobs []store.Job
		for _, n := range list {
			if n.At.IsZero() || n.At.After(now) {
				n.At = now
			}
			switch job, ok, err := s.follow(ctx, tx, &c, n, now); {
			case err != nil:
				return fmt.Errorf("%s of %s: %w", n.Action, n.Repository, err)
			case ok:
				jobs = append(jobs, job)
			}
		}
		return tx.EnqueueAll(ctx, distinct(jobs))
	})
}

// distinct leaves the last of the jobs with a key.
func distinct(jobs []store.Job) []store.Job {
	at := map[string]int{}
	var list []store.Job
	for _, j := range jobs {
		if i, ok := at[j.Key]; ok {
			list[i] = j
			continue
		}
		at[j.Key] = len(list)
		list = append(list, j)
	}
	return list
}

// follow is the job that a notice leads to; pulls are noted at once.
func (s *Service) follow(ctx context.Context, tx *store.Tx, c *cellar.Connection, n notice.Notice, now time.Time) (store.Job, bool, error) {
	if !valid(n) {
		return store.Job{}, false, nil
	}
	if n.Action == notice.Pull {
		if own(c, n) || n.Digest == "" {
			return store.Job{}, false, nil
		}
		return store.Job{}, false, s.pulled(ctx, tx, c, n, now)
	}
	l := look{Connection: refOf(c), Repository: n.Repository, Reference: n.Digest, Tag: n.Tag, At: n.At, Push: n.Action == notice.Push}
	if l.Reference == "" {
		l.Reference = n.Tag
	}
	job, err := l.job()
	return job, err == nil, err
}

// own tells muster's own pulls, which say nothing about who needs an image.
func own(c *cellar.Connection, n notice.Notice) bool {
	return c.User != "" && n.Actor == c.User || strings.HasPrefix(n.UserAgent, registry.UserAgent)
}

// pulled notes a pull of an image that is known.
func (s *Service) pulled(ctx context.Context, tx *store.Tx, c *cellar.Connection, n notice.Notice, now time.Time) error {
	e, err := cellar.Lookup(ctx, tx, cellar.Key{Account: c.Account, Region: c.Region, Repository: c.Prefix + n.Repository, Digest: n.Digest})
	if errors.Is(err, store.ErrNotFound) || err == nil && n.At.Sub(e.PulledAt) < pulledAgain {
		return nil
	}
	if err != nil {
		return err
	}
	r, err := cellar.LookupRepository(ctx, tx, e.Account, e.Region, e.Repository)
	if err != nil || r.Connection != c.ID {
		return err
	}
	e.PulledAt = n.At
	if err := cellar.Put(ctx, tx, &e); err != nil || e.Kind != cellar.Image {
		return err
	}
	return s.config.Images.ImageActive(ctx, tx, &e, now)
}

// What a registry may name. Anything else cannot be one of ours.
var (
	repositoryForm = regexp.MustCompile(`^(?:[a-z0-9]+(?:[._-]+[a-z0-9]+)*/)*[a-z0-9]+(?:[._-]+[a-z0-9]+)*$`)
	digestForm     = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	tagForm        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
)

func valid(n notice.Notice) bool {
	return len(n.Repository) <= 256 && repositoryForm.MatchString(n.Repository) &&
		(n.Digest == "" || digestForm.MatchString(n.Digest)) && (n.Tag == "" || tagForm.MatchString(n.Tag))
}

// look is the payload of JobLook.
type look struct {
	Connection connectionRef `json:"connection"`
	// Repository is its name at the registry; Reference a tag or digest.
	Repository string    `json:"repository"`
	Reference  string    `json:"reference"`
	Tag        string    `json:"tag,omitempty"`
	At         time.Time `json:"at"`
	// Push says that somebody pushed it, rather than that we came across it.
	Push bool `json:"push,omitempty"`
}

func (l look) job() (store.Job, error) {
	body, err := json.Marshal(l)
	return store.Job{
		Kind: JobLook, Key: strings.Join([]string{l.Connection.String(), l.Repository, l.Reference, l.Tag}, " "),
		Account: string(l.Connection.Account), Region: string(l.Connection.Region), Payload: body,
	}, err
}
