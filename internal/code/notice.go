package code

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"muster/internal/store"
	cellar "muster/internal/store/code"
)

// Errors of notices.
var (
	// ErrToken says that a notice does not carry the token of an integration.
	ErrToken = errors.New("there is no such integration, or the token is not its")
	// ErrForm says that a notice cannot be read.
	ErrForm = errors.New("the notice cannot be read")
)

// Open finds the integration that a notice is for. The token is checked before
// the body is read where the notice carries it (GitLab, or as a bearer token);
// a notice that is signed instead is checked by Accept.
func (s *Service) Open(ctx context.Context, at cellar.At, id string, header http.Header) (cellar.Integration, error) {
	i, ok, err := s.lookup(ctx, ref{at, id})
	if err != nil {
		return i, err
	}
	token := header.Get("X-Gitlab-Token")
	if bearer, found := strings.CutPrefix(header.Get("Authorization"), "Bearer "); found {
		token = bearer
	}
	signed := token == "" && signature(header) != ""
	sum := sha256.Sum256([]byte(token))
	if !ok || !signed && subtle.ConstantTimeCompare(sum[:], i.Token) != 1 {
		return cellar.Integration{}, ErrToken
	}
	return i, nil
}

// signature is that of GitHub, Gitea and Forgejo: HMAC-SHA256 of the body.
func signature(header http.Header) string {
	text, _ := strings.CutPrefix(header.Get("X-Hub-Signature-256"), "sha256=")
	return text
}

// notice is what is read of notices of all kinds.
type notice struct {
	// Kind is GitLab's word for what happened.
	Kind  string `json:"object_kind"`
	Ref   string `json:"ref"`
	After string `json:"after"`
	// Project is GitLab's.
	Project struct {
		ID int64 `json:"id"`
	} `json:"project"`
	Attributes struct {
		Number int64  `json:"iid"`
		Action string `json:"action"`
		Target string `json:"target_branch"`
	} `json:"object_attributes"`
}

// noCommit is what is told where a branch was deleted.
const noCommit = "0000000000000000000000000000000000000000"

// Accept takes a notice of an integration from Open. When it returns nil what
// follows from it is durable. A notice only says where to look.
func (s *Service) Accept(ctx context.Context, i cellar.Integration, header http.Header, body []byte) error {
	if header.Get("X-Gitlab-Token") == "" && signature(header) != "" {
		kept, err := s.open(&i)
		if err != nil {
			return err
		}
		mac := hmac.New(sha256.New, []byte(kept.Notice))
		mac.Write(body)
		if given, err := hex.DecodeString(signature(header)); err != nil || !hmac.Equal(given, mac.Sum(nil)) {
			return ErrToken
		}
	}
	var n notice
	if err := json.Unmarshal(body, &n); err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	if !i.Kind.Forge() {
		// Whoever tells of a repository of its own knows its branches.
		return s.store.Update(ctx, func(tx *store.Tx) error { return ask(ctx, tx, JobDiscover, i.At, i.ID, s.now()) })
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		p, err := cellar.ProjectOf(ctx, tx, i.At, i.ID, strconv.FormatInt(n.Project.ID, 10))
		if err != nil {
			return ignore(err, store.ErrNotFound) // the next look finds it
		}
		return s.heard(ctx, tx, &i, &p, &n)
	})
}

// heard follows a notice about a project.
func (s *Service) heard(ctx context.Context, tx *store.Tx, i *cellar.Integration, p *cellar.Project, n *notice) error {
	switch n.Kind {
	case "push":
		if n.Ref != "refs/heads/"+p.Branch || n.After == noCommit || !isCommit(n.After) {
			return nil
		}
		return s.pushed(ctx, tx, i, p, n.After)
	case "merge_request":
		a := &n.Attributes
		if a.Action != "open" || a.Target != p.Branch || a.Number <= 0 || !p.Plan.On(pullRequest) {
			return nil
		}
		return askToReview(ctx, tx, p, a.Number, s.now())
	}
	return nil
}

// isCommit tells the ids of commits, SHA-1 and SHA-256.
func isCommit(id string) bool {
	return (len(id) == 40 || len(id) == 64) && strings.Trim(id, "0123456789abcdef") == ""
}
