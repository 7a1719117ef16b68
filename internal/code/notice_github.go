package code

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"muster/internal/store"
	cellar "muster/internal/store/code"
)

// githubNotice is what is read of what GitHub tells an App (GitHub's webhook
// events push, pull_request, installation and installation_repositories).
type githubNotice struct {
	Action       string `json:"action"`
	Ref          string `json:"ref"`
	After        string `json:"after"`
	Number       int64  `json:"number"`
	Installation struct {
		ID int64 `json:"id"`
	} `json:"installation"`
	Repository struct {
		ID int64 `json:"id"`
	} `json:"repository"`
	PullRequest struct {
		Base struct {
			Ref string `json:"ref"`
		} `json:"base"`
	} `json:"pull_request"`
}

// notice is the same in GitLab's words, for events about one repository.
func (n *githubNotice) notice(event string) notice {
	said := notice{Ref: n.Ref, After: n.After}
	said.Project.ID = n.Repository.ID
	switch {
	case event == "push":
		said.Kind = "push"
	case event == "pull_request" && (n.Action == "opened" || n.Action == "ready_for_review"):
		said.Kind = "merge_request"
		said.Attributes.Number, said.Attributes.Action, said.Attributes.Target = n.Number, "open", n.PullRequest.Base.Ref
	}
	return said
}

// HearsGitHub reports whether there is an App whose notices can be told from
// those of strangers.
func (s *Service) HearsGitHub() bool { return s.config.App != nil && s.config.App.WebhookSecret != "" }

// AcceptGitHub takes a notice to the operator's GitHub App: GitHub tells it of
// all installations at one address. When it returns nil what follows from it
// is durable. GitHub sends a notice once, so repositories are still asked from
// time to time where they are at.
func (s *Service) AcceptGitHub(ctx context.Context, header http.Header, body []byte) error {
	if !s.HearsGitHub() {
		return ErrToken
	}
	mac := hmac.New(sha256.New, []byte(s.config.App.WebhookSecret))
	mac.Write(body)
	if given, err := hex.DecodeString(signature(header)); err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return ErrToken
	}
	var n githubNotice
	if err := json.Unmarshal(body, &n); err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	if n.Installation.ID <= 0 {
		return nil // a ping, or something about the App itself
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		list, err := cellar.InstalledIntegrations(ctx, tx, strconv.FormatInt(n.Installation.ID, 10))
		for k := range list {
			if err := s.heardGitHub(ctx, tx, &list[k], header.Get("X-GitHub-Event"), &n); err != nil {
				return err
			}
		}
		return err
	})
}

// heardGitHub follows a notice for one of the integrations that use the
// installation.
func (s *Service) heardGitHub(ctx context.Context, tx *store.Tx, i *cellar.Integration, event string, n *githubNotice) error {
	if i.Status == cellar.Disabling {
		return nil
	}
	switch event {
	case "push", "pull_request":
		p, err := cellar.ProjectOf(ctx, tx, i.At, i.ID, strconv.FormatInt(n.Repository.ID, 10))
		if err != nil {
			return ignore(err, store.ErrNotFound) // the next look finds it
		}
		said := n.notice(event)
		return s.heard(ctx, tx, i, &p, &said)
	case "installation", "installation_repositories", "repository":
		return ask(ctx, tx, JobDiscover, i.At, i.ID, s.now())
	}
	return nil
}
