package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"muster/internal/arn"
	"muster/internal/config"
	"muster/internal/console"
	"muster/internal/emulate"
	"muster/internal/iam"
	"muster/internal/keyring"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/identity"
	"muster/internal/store/settings"
)

// Operator does what only the operator of an installation may do: it works on
// the store itself, beside a running server or without one, and asks nobody.
type Operator struct {
	store   *store.Store
	keyring *keyring.Keyring
	now     func() time.Time
	// Progress is told how many accounts Verify has looked at; nil means silence.
	Progress func(done, of int)
	// close ends what OpenOperator opened; an Operator of a Server has none.
	close func() error
}

// RootKey is an access key of an account's root user.
type RootKey struct{ ID, Secret string }

// OpenOperator opens the store of a configuration for an operator's command.
func OpenOperator(ctx context.Context, c config.Config) (*Operator, error) {
	if err := emulate.RefuseStore(c.StoreURL()); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, err
	}
	st, ring, err := openState(ctx, c, nil)
	if err != nil {
		return nil, err
	}
	return &Operator{store: st, keyring: ring, now: st.Now, close: st.Close}, nil
}

// Close ends what OpenOperator opened.
func (o *Operator) Close() error {
	if o.close == nil {
		return nil
	}
	return o.close()
}

// CreateAccount signs up a stand-alone account.
func (o *Operator) CreateAccount(ctx context.Context, name, email string) (id arn.AccountID, err error) {
	err = o.store.Update(ctx, func(tx *store.Tx) error {
		id, err = organizations.RootAccount(ctx, tx, "", email, name, o.now())
		return err
	})
	if errors.Is(err, store.ErrConflict) {
		return "", fmt.Errorf("an account with the address %s exists already", email)
	}
	return id, err
}

// EnsureAccount returns the account with the e-mail address, signing it up if
// there is none.
func (o *Operator) EnsureAccount(ctx context.Context, name, email string) (id arn.AccountID, err error) {
	err = o.store.View(ctx, func(tx *store.Tx) error {
		account, err := directory.AccountByEmail(ctx, tx, email)
		id = account.ID
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return o.CreateAccount(ctx, name, email)
	}
	return id, err
}

// IssueRootKey makes an access key of the account's root user. The secret is
// not stored in clear and cannot be shown again.
func (o *Operator) IssueRootKey(ctx context.Context, account arn.AccountID) (key RootKey, err error) {
	err = o.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := directory.LookupAccount(ctx, tx, account); errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("there is no account %s", account)
		} else if err != nil {
			return err
		}
		key.ID, key.Secret, err = iam.CreateRootKey(ctx, tx, o.keyring, account, o.now())
		return err
	})
	return key, err
}

// RetireRootKeys deletes every access key of the account's root user.
func (o *Operator) RetireRootKeys(ctx context.Context, account arn.AccountID) error {
	root := identity.Owner{Account: account}
	return o.store.Update(ctx, func(tx *store.Tx) error {
		keys, err := identity.KeysOf(ctx, tx, root)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if err := identity.DeleteKey(ctx, tx, root, k.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// ticketLife is how long a sign-in link works; sessionLife how long the
// session lasts that it opens.
const (
	ticketLife  = time.Hour
	sessionLife = 12 * time.Hour
)

// ticket is a sign-in link's content, stored under the hash of its secret.
type ticket struct {
	Account arn.AccountID `json:"account"`
	// User is an IAM user's name, or empty for the root user.
	User      string    `json:"user,omitempty"`
	Region    string    `json:"region"`
	ExpiresAt time.Time `json:"expiresAt"`
	// factor: a second factor was shown.
	factor bool
}

func ticketName(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return "console-ticket/" + hex.EncodeToString(sum[:])
}

// SignInTicket makes a one-time ticket that signs a browser in as a user of
// the account, or as its root user where user is empty.
func (o *Operator) SignInTicket(ctx context.Context, account arn.AccountID, user, region string) (string, error) {
	var random [24]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	secret := base64.RawURLEncoding.EncodeToString(random[:])
	body, err := json.Marshal(ticket{Account: account, User: user, Region: region, ExpiresAt: o.now().Add(ticketLife)})
	if err != nil {
		return "", err
	}
	err = o.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := directory.LookupAccount(ctx, tx, account); err != nil {
			return fmt.Errorf("account %s: %w", account, err)
		}
		return settings.Put(ctx, tx, ticketName(secret), string(body), o.now())
	})
	return secret, err
}

// SignInLink is the console's address with a ticket behind "#", which browsers
// send to nobody.
func SignInLink(c config.Config, ticket string) string {
	return c.ConsoleURL() + "#ticket=" + ticket
}

// redeem takes a ticket out of the store, so that it works once.
func redeem(ctx context.Context, st *store.Store, secret string, now time.Time) (t ticket, owner string, err error) {
	err = st.Update(ctx, func(tx *store.Tx) error {
		t, owner = ticket{}, ""
		body, err := settings.Get(ctx, tx, ticketName(secret))
		if errors.Is(err, store.ErrNotFound) {
			return console.ErrTicket
		}
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(body), &t); err != nil {
			return err
		}
		if t.User != "" {
			user, err := identity.UserByName(ctx, tx, t.Account, t.User)
			if err != nil {
				return err
			}
			owner = user.ID
		}
		return settings.Delete(ctx, tx, ticketName(secret))
	})
	if err == nil && now.After(t.ExpiresAt) {
		return t, owner, console.ErrTicket
	}
	return t, owner, err
}

// signIn exchanges a ticket for temporary credentials.
func (s *Server) signIn(ctx context.Context, secret string, now time.Time) (console.Session, error) {
	if s.emulation != nil && arn.AccountID(secret).Valid() {
		return s.signInAnyone(ctx, arn.AccountID(secret), now)
	}
	t, owner, err := redeem(ctx, s.store, secret, now)
	if err != nil {
		return console.Session{}, err
	}
	return s.session(t, owner, now)
}

// signInAnyone signs in as the root user of any account, as an emulator does.
func (s *Server) signInAnyone(ctx context.Context, account arn.AccountID, now time.Time) (console.Session, error) {
	err := s.store.Update(ctx, func(tx *store.Tx) error { return emulate.EnsureAccount(ctx, tx, account, now) })
	if err != nil {
		return console.Session{}, err
	}
	return s.session(ticket{Account: account, Region: s.config.Regions[0]}, "", now)
}

// session issues what a ticket is good for.
func (s *Server) session(t ticket, owner string, now time.Time) (console.Session, error) {
	key, err := s.keys.Issue(iam.Session{Account: t.Account, ExpiresAt: now.Add(sessionLife), Session: arn.Session{Owner: owner, IssuedAt: now, Factor: t.factor}})
	if err != nil {
		return console.Session{}, err
	}
	principal := "root"
	if t.User != "" {
		principal = t.User
	}
	return console.Session{
		AccountID: string(t.Account), Principal: principal, Region: t.Region,
		AccessKeyID: key.AccessKeyID, SecretAccessKey: key.Secret, SessionToken: key.Token, ExpiresAt: key.ExpiresAt,
	}, nil
}
