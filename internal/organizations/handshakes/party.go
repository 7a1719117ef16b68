package handshakes

import (
	"context"
	"errors"
	"net/mail"
	"strings"

	"muster/internal/arn"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/handshakes"
)

// maxEmail is the length of the longest address an account can have.
const maxEmail = 64

// recipient is whom a handshake is meant for: the account or the address that
// the sender named, and the account behind it, if there is one yet. An
// invitation does not tell whether there is.
type recipient struct {
	account arn.AccountID
	email   string
	known   bool
	// knownAs is the account behind; meaningful where known.
	knownAs directory.Account
}

// readRecipient reads the target of an invitation.
func readRecipient(ctx context.Context, tx *store.Tx, target *api.HandshakeParty) (recipient, error) {
	var r recipient
	var err error
	switch target.Type {
	case api.HandshakePartyTypeAccount:
		if r.account = arn.AccountID(target.Id); !r.account.Valid() {
			return r, wrongParty()
		}
		r.knownAs, err = directory.LookupAccount(ctx, tx, r.account)
	case api.HandshakePartyTypeEmail:
		r.email = target.Id
		a, parseErr := mail.ParseAddress(r.email)
		if parseErr != nil || a.Address != r.email || len(r.email) > maxEmail || !strings.Contains(r.email, "@") {
			return r, invalidAddress()
		}
		r.knownAs, err = directory.AccountByEmail(ctx, tx, r.email)
	default:
		return r, wrongParty()
	}
	if errors.Is(err, store.ErrNotFound) {
		return r, nil
	}
	r.known = err == nil
	return r, err
}

// names are all the names by which a handshake for this recipient may go.
func (r recipient) names() (arn.AccountID, string) {
	if r.known {
		return r.knownAs.ID, r.knownAs.Email
	}
	return r.account, r.email
}

// isRecipient reports whether a handshake is addressed to an account.
func isRecipient(h handshakes.Handshake, a directory.Account) bool {
	return h.Account == a.ID || h.Email != "" && directory.EmailKey(h.Email) == directory.EmailKey(a.Email)
}
