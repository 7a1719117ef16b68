package code

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster/internal/source/forge"
	"muster/internal/source/git"
	"muster/internal/store"
	cellar "muster/internal/store/code"
)

// secret is what is sealed of an integration.
type secret struct {
	// User and Token are those that somebody gave.
	User  string `json:"user,omitempty"`
	Token string `json:"token,omitempty"`
	// App is the application that was registered for it, Authorize the page
	// at which it is authorized, until it is.
	App       *forge.Application `json:"app,omitempty"`
	Authorize string             `json:"authorize,omitempty"`
	// Given are the application's tokens.
	Given *forge.Tokens `json:"given,omitempty"`
	// Installation is the number of the GitHub App's installation.
	Installation string `json:"installation,omitempty"`
	// Notice is the token that notices carry.
	Notice string `json:"notice"`
}

// binding is what a sealed secret belongs to: it opens for no other address.
func binding(i *cellar.Integration) string {
	return "code integration " + ref{i.At, i.ID}.String() + " " + i.URL
}

// seal puts a secret into its integration.
func (s *Service) seal(i *cellar.Integration, kept secret) error {
	body, err := json.Marshal(kept)
	i.Secret, i.Installation = s.config.Secrets.Seal(binding(i), body), kept.Installation
	return err
}

func (s *Service) open(i *cellar.Integration) (kept secret, err error) {
	body, err := s.config.Secrets.Open(binding(i), i.Secret)
	if err != nil {
		return kept, fmt.Errorf("credentials of code integration %s: %w", i.Name, err)
	}
	return kept, json.Unmarshal(body, &kept)
}

// newNotice makes the token that notices of an integration carry.
func newNotice(i *cellar.Integration) string {
	token := rand.Text()
	sum := sha256.Sum256([]byte(token))
	i.Token = sum[:]
	return token
}

// provider is a forge for one integration.
type provider interface {
	Check(ctx context.Context) error
	Projects(ctx context.Context, do func([]forge.Project) error) error
	Head(ctx context.Context, p forge.Project) (string, error)
	Comment(ctx context.Context, p forge.Project, number int64, text string) error
	ReviewRef(number int64) string
	Credentials(ctx context.Context) (user, password string, err error)
}

// provider opens an integration with a forge.
func (s *Service) provider(ctx context.Context, i *cellar.Integration) (provider, error) {
	kept, err := s.open(i)
	if err != nil {
		return nil, err
	}
	if i.Kind == cellar.GitHub {
		if s.config.App == nil {
			return nil, fmt.Errorf("%w: this server has no GitHub App any more", forge.ErrDenied)
		}
		return forge.NewGitHub(*s.config.App, kept.Installation, s.now, s.transport), nil
	}
	token := kept.Token
	if kept.App != nil {
		if token, err = s.given(ctx, i, kept); err != nil {
			return nil, err
		}
	}
	return forge.NewGitLab(i.URL, token, s.transport), nil
}

// refreshBefore is how long before its end a token is replaced.
const refreshBefore = 5 * time.Minute

// given is the token that an integration's application was given, a new one
// where the old one is about to end. A token to refresh with is good once, so
// whoever finds it used looks what somebody else got for it.
func (s *Service) given(ctx context.Context, i *cellar.Integration, kept secret) (string, error) {
	if kept.Given == nil {
		return "", fmt.Errorf("%w: nobody has authorized the application", forge.ErrDenied)
	}
	if g := kept.Given; g.Expires.IsZero() || s.now().Before(g.Expires.Add(-refreshBefore)) {
		return g.Access, nil
	}
	fresh, err := forge.NewGitLab(i.URL, "", s.transport).Refresh(ctx, *kept.App, s.redirect(), kept.Given.Refresh, s.now())
	if err != nil {
		return s.others(ctx, i, err)
	}
	kept.Given = &fresh
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		current, err := cellar.LookupIntegration(ctx, tx, i.At, i.ID)
		if err != nil {
			return err
		}
		if err := s.seal(&current, kept); err != nil {
			return err
		}
		i.Secret = current.Secret
		return cellar.UpdateIntegration(ctx, tx, current)
	})
	return fresh.Access, err
}

// others is the token that somebody else refreshed meanwhile, or the error.
func (s *Service) others(ctx context.Context, i *cellar.Integration, cause error) (string, error) {
	current, err := store.Read(ctx, s.store, func(tx *store.Tx) (cellar.Integration, error) { return cellar.LookupIntegration(ctx, tx, i.At, i.ID) })
	if err != nil {
		return "", err
	}
	kept, err := s.open(&current)
	if err != nil {
		return "", err
	}
	if kept.Given != nil && s.now().Before(kept.Given.Expires.Add(-refreshBefore)) {
		i.Secret = current.Secret
		return kept.Given.Access, nil
	}
	return "", fmt.Errorf("refresh: %w", cause)
}

// remote is the repository of a project.
func (s *Service) remote(ctx context.Context, i *cellar.Integration, p *cellar.Project) (*git.Remote, error) {
	r := &git.Remote{URL: p.CloneURL, Transport: s.transport}
	if i.Kind == cellar.Git {
		kept, err := s.open(i)
		r.User, r.Password = kept.User, kept.Token
		if r.User == "" {
			r.User = forge.GitLabUser // forges take any, Git wants one
		}
		return r, err
	}
	at, err := s.provider(ctx, i)
	if err != nil {
		return nil, err
	}
	r.User, r.Password, err = at.Credentials(ctx)
	return r, err
}

// denied reports whether the credentials are the trouble.
func denied(err error) bool { return errors.Is(err, forge.ErrDenied) || errors.Is(err, git.ErrDenied) }

// split reads the resource of an ARN: codesecurity-integration/ID, or
// owner/OWNER/codesecurity-configuration/ID.
func split(resource, kind string) (owner, id string, ok bool) {
	if rest, cut := strings.CutPrefix(resource, "owner/"); cut {
		if owner, resource, cut = strings.Cut(rest, "/"); !cut {
			return "", "", false
		}
	}
	id, ok = strings.CutPrefix(resource, kind+"/")
	return owner, id, ok && id != "" && !strings.Contains(id, "/")
}
