package iam

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/internal/arn"
	"muster/internal/keyring"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// DefaultAccessRole is the name of the role that lets an organization's
// management account into accounts created there.
const DefaultAccessRole = "OrganizationAccountAccessRole"

// administratorAccess is AWS's managed policy for everything.
const administratorAccess arn.ARN = "arn:aws:iam::aws:policy/AdministratorAccess"

// ProvisionAccount prepares IAM for a new account. An account begins with its
// root user alone, which is not stored; so all there is to do is to make sure
// that no identity of a former account with the same number wakes up in it.
func ProvisionAccount(ctx context.Context, tx *store.Tx, account arn.AccountID, _ time.Time) error {
	n, err := identity.Count(ctx, tx, account)
	if err != nil {
		return fmt.Errorf("provision account %s: %w", account, err)
	}
	if n != (identity.Summary{}) {
		return fmt.Errorf("provision account %s: it already has identities: %w", account, store.ErrConflict)
	}
	return nil
}

// CreateAccessRole creates the role with administrator rights through which
// the management account reaches an account that it created. An empty name
// means DefaultAccessRole.
func CreateAccessRole(ctx context.Context, tx *store.Tx, account, management arn.AccountID, roleName string, now time.Time) error {
	if roleName == "" {
		roleName = DefaultAccessRole
	}
	role := identity.Role{
		Account: account, Name: roleName, Path: "/", ID: newUniqueID(rolePrefix),
		Trust: trustOf("AWS", string(management.Root())), MaxSession: time.Hour, CreatedAt: now,
	}
	err := identity.InsertRole(ctx, tx, role)
	if err == nil {
		err = identity.Attach(ctx, tx, role.Owner(), administratorAccess)
	}
	if err != nil {
		return fmt.Errorf("create role %s in account %s: %w", roleName, account, err)
	}
	return nil
}

// trustOf is a trust policy for one principal.
func trustOf(kind, principal string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{%q:%q},"Action":"sts:AssumeRole"}]}`, kind, principal)
}

// CreateRootKey gives an account's root user an access key: the operator's way
// into an account that nobody else created. The root user has at most two.
func CreateRootKey(ctx context.Context, tx *store.Tx, kr *keyring.Keyring, account arn.AccountID, now time.Time) (accessKeyID, secret string, err error) {
	key, secret, err := createKey(ctx, tx, kr, identity.Owner{Account: account}, now)
	if err != nil {
		return "", "", fmt.Errorf("create root key of account %s: %w", account, err)
	}
	return key.ID, secret, nil
}

// errTooManyKeys: the user has as many access keys as it may have.
var errTooManyKeys = errors.New("two access keys already exist")

// createKey adds an access key to a user, or to the root user.
func createKey(ctx context.Context, tx *store.Tx, kr *keyring.Keyring, o identity.Owner, now time.Time) (identity.AccessKey, string, error) {
	have, err := identity.KeysOf(ctx, tx, o)
	if err != nil {
		return identity.AccessKey{}, "", err
	}
	if len(have) >= maxAccessKeys {
		return identity.AccessKey{}, "", errTooManyKeys
	}
	id, err := newAccessKeyID(longTermPrefix, o.Account)
	if err != nil {
		return identity.AccessKey{}, "", err
	}
	secret := newSecret()
	key := identity.AccessKey{
		Account: o.Account, ID: id, Owner: o.ID, Secret: kr.Seal(id, []byte(secret)),
		Status: identity.KeyActive, CreatedAt: now,
	}
	return key, secret, identity.InsertKey(ctx, tx, key)
}
