// Package federation is IAM's room for people whom an account's OpenID Connect
// provider identifies: whose token it is, and which roles may trust it. What the
// token's holder may do is for access to decide.
package federation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/sts"
	"muster/internal/iam/providers"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/identity"
	"muster/internal/webidentity"
)

// Room verifies tokens for accounts. It is safe for concurrent use.
type Room struct {
	store    *store.Store
	verifier *webidentity.Verifier
}

// New returns the room.
func New(st *store.Store, v *webidentity.Verifier) *Room { return &Room{st, v} }

// Verify reads a token of a provider that an account trusts. Refusals are STS's.
func (r *Room) Verify(ctx context.Context, account arn.AccountID, raw string, now time.Time) (webidentity.Token, arn.ARN, error) {
	issuer, err := webidentity.IssuerOf(raw)
	if err != nil {
		return webidentity.Token{}, "", refusal(err, now)
	}
	var provider identity.Provider
	err = r.store.View(ctx, func(tx *store.Tx) (err error) {
		provider, err = identity.ProviderByName(ctx, tx, account, identity.OIDC, webidentity.Name(issuer))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return webidentity.Token{}, "", unknown(issuer)
	}
	if err != nil {
		return webidentity.Token{}, "", err
	}
	trust, err := providers.Trust(provider)
	if err != nil {
		return webidentity.Token{}, "", err
	}
	if trust.Issuer != issuer {
		return webidentity.Token{}, "", unknown(issuer)
	}
	token, err := r.verifier.Verify(ctx, raw, trust, now)
	return token, provider.ARN(), refusal(err, now)
}

func unknown(issuer string) error {
	return &api.InvalidIdentityTokenException{Message: "No OpenIDConnect provider found in your account for " + issuer}
}

// refusal words why a token is not believed as STS does.
func refusal(err error, now time.Time) error {
	expired, ok := errors.AsType[*webidentity.Expired](err)
	switch {
	case err == nil:
		return nil
	case ok:
		return &api.ExpiredTokenException{Message: fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), expired.At.Unix())}
	case errors.Is(err, webidentity.ErrAudience):
		return &api.InvalidIdentityTokenException{Message: "Incorrect token audience"}
	case errors.Is(err, webidentity.ErrFuture):
		return &api.InvalidIdentityTokenException{Message: "Token issued in the future"}
	case errors.Is(err, webidentity.ErrUnreachable):
		return &api.InvalidIdentityTokenException{Message: "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"}
	case errors.Is(err, webidentity.ErrSignature):
		return &api.InvalidIdentityTokenException{Message: "The web identity token that was passed could not be validated"}
	case errors.Is(err, webidentity.ErrMalformed), errors.Is(err, webidentity.ErrIssuer):
		return &api.InvalidIdentityTokenException{Message: "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"}
	}
	return err
}

// Candidate is a role that may trust a provider.
type Candidate struct {
	Role identity.Role
	// Account is the name of the role's account.
	Account string
}

// maxCandidates bounds how many roles somebody may choose from.
const maxCandidates = 1000

// Candidates are the roles that tokens of an issuer might open: those of all
// accounts that may act and have it as a provider, whose trust policies speak of
// identity providers.
func (r *Room) Candidates(ctx context.Context, issuer string) (list []Candidate, err error) {
	err = r.store.View(ctx, func(tx *store.Tx) error {
		list = nil
		accounts, err := identity.AccountsOfProvider(ctx, tx, identity.OIDC, webidentity.Name(issuer))
		if err != nil {
			return err
		}
		for _, id := range accounts {
			account, err := directory.LookupAccount(ctx, tx, id)
			if err != nil {
				return err
			}
			if account.State != directory.Active {
				continue
			}
			roles, err := identity.FederatedRoles(ctx, tx, id, maxCandidates-len(list))
			if err != nil {
				return err
			}
			for _, role := range roles {
				list = append(list, Candidate{role, account.Name})
			}
		}
		return nil
	})
	return list, err
}

// Operation is AssumeRoleWithWebIdentity as access is asked about it.
func Operation() *awsmodel.Operation {
	ops := api.Handlers{}.Operations()
	for i := range ops {
		if ops[i].Name == "AssumeRoleWithWebIdentity" {
			return &ops[i]
		}
	}
	return nil
}
