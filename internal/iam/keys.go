package iam

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/iam/managed"
	"muster/internal/iam/recall"
	"muster/internal/keyring"
	"muster/internal/store"
	"muster/internal/store/identity"
	"muster/internal/store/settings"
)

// ErrUnknownKey is Lookup's answer for keys and session tokens that do not
// exist (any more), do not belong together, or were never issued here.
var ErrUnknownKey = errors.New("unknown access key or session token")

// Credential is what verifying and judging a request needs.
type Credential struct {
	// Secret is the secret access key in the clear.
	Secret string
	// Principal is whose key it is; its AccessKeyID is the key.
	Principal arn.Principal
	// ExpiresAt ends a temporary credential; zero means never.
	ExpiresAt time.Time
	// Inactive keys, and keys of accounts that are suspended or closed, are
	// refused like unknown ones.
	Inactive bool
}

// Keys knows the credentials of all accounts and what their bearers carry. It
// is safe for concurrent use. Answers may lag a second behind changes made by
// other processes, and not at all behind those of this process's Service.
type Keys struct {
	store   *store.Store
	keyring *keyring.Keyring
	managed *managed.Set
	now     func() time.Time
	cache   *recall.Cache
	uses    uses
}

// NewKeys returns the keys kept in a store, with secrets sealed by a keyring.
func NewKeys(st *store.Store, kr *keyring.Keyring, set *managed.Set, now func() time.Time) *Keys {
	return &Keys{store: st, keyring: kr, managed: set, now: now, cache: recall.New(now)}
}

// keyringSetting holds the fingerprint of the keyring that seals the secrets.
const keyringSetting = "keyring"

// HasKeyring reports whether a keyring seals the database's secrets already.
func HasKeyring(ctx context.Context, tx *store.Tx) (bool, error) {
	_, err := settings.Get(ctx, tx, keyringSetting)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// BindKeyring makes sure that a database is always opened with the keyring that
// sealed its secrets. The first call remembers it.
func BindKeyring(ctx context.Context, tx *store.Tx, kr *keyring.Keyring, now time.Time) error {
	bound, err := settings.PutFirst(ctx, tx, keyringSetting, kr.Fingerprint(), now)
	if err != nil {
		return fmt.Errorf("bind the key-encryption key: %w", err)
	}
	if bound != kr.Fingerprint() {
		return fmt.Errorf("this database's secrets are %w (fingerprint %s, not %s): give back its key file or MUSTER_KEY",
			keyring.ErrWrongKey, bound, kr.Fingerprint())
	}
	return nil
}

// Forget makes the next answers about an account fresh. Whoever changes an
// account's state calls it once the change is committed.
func (k *Keys) Forget(account arn.AccountID) { k.cache.Forget(account) }

// Lookup returns the credential of an access key. sessionToken is what the
// request carries: the one issued with a temporary key, empty for a long-term
// key. It returns ErrUnknownKey, or another error where it could not find out;
// it does not check ExpiresAt.
func (k *Keys) Lookup(ctx context.Context, accessKeyID, sessionToken string) (Credential, error) {
	account, ok := AccountOfKey(accessKeyID)
	if !ok {
		return Credential{}, ErrUnknownKey
	}
	if strings.HasPrefix(accessKeyID, temporaryPrefix) {
		return k.lookupSession(ctx, account, accessKeyID, sessionToken)
	}
	if sessionToken != "" {
		return Credential{}, ErrUnknownKey
	}
	return k.lookupLongTerm(ctx, account, accessKeyID)
}

// longTermKey is an access key as the cache holds it.
type longTermKey struct {
	secret, owner string
	inactive      bool
}

func (k *Keys) lookupLongTerm(ctx context.Context, account arn.AccountID, id string) (Credential, error) {
	key, err := recall.Get(k.cache, account, id, func() (longTermKey, error) { return k.readKey(ctx, account, id) })
	if err != nil {
		return Credential{}, unknown(err)
	}
	b, err := k.bearer(ctx, account, key.owner)
	if err != nil {
		return Credential{}, unknown(err)
	}
	p := b.principal
	p.AccessKeyID = id
	return Credential{Secret: key.secret, Principal: p, Inactive: key.inactive || !b.usable}, nil
}

func (k *Keys) readKey(ctx context.Context, account arn.AccountID, id string) (longTermKey, error) {
	var key identity.AccessKey
	err := k.store.View(ctx, func(tx *store.Tx) (err error) {
		key, err = identity.KeyByID(ctx, tx, account, id)
		return err
	})
	if err != nil {
		return longTermKey{}, fmt.Errorf("access key %s: %w", id, err)
	}
	secret, err := k.keyring.Open(id, key.Secret)
	if err != nil {
		return longTermKey{}, fmt.Errorf("access key %s: %w", id, err)
	}
	return longTermKey{string(secret), key.Owner, key.Status != identity.KeyActive}, nil
}

// unknown turns "no such row" into ErrUnknownKey.
func unknown(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnknownKey
	}
	return err
}
