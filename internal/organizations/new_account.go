package organizations

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"muster/internal/arn"
	"muster/internal/iam"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// RootAccount creates an account that stands alone, as signing up with AWS
// would: the operator's way to make the first accounts, from which
// CreateOrganization and CreateAccount go on. An empty id draws one. The error
// is store.ErrConflict when the id or the address is taken.
func RootAccount(ctx context.Context, tx *store.Tx, id arn.AccountID, email, name string, now time.Time) (arn.AccountID, error) {
	if id != "" && !id.Valid() {
		return "", fmt.Errorf("account id %q: must be twelve digits", id)
	}
	if !plainAddress(email) || len(email) > 64 {
		return "", fmt.Errorf("e-mail address %q: must be a plain address of at most 64 characters", email)
	}
	if name == "" || len(name) > 50 {
		return "", fmt.Errorf("account name %q: must have 1 to 50 characters", name)
	}
	if err := free(ctx, tx, id, email); err != nil {
		return "", err
	}
	return newAccount(ctx, tx, directory.Account{ID: id, Email: email, Name: name}, now)
}

// free returns store.ErrConflict when an id or address is taken.
func free(ctx context.Context, tx *store.Tx, id arn.AccountID, email string) error {
	_, err := directory.AccountByEmail(ctx, tx, email)
	if err == nil {
		return fmt.Errorf("account with e-mail address %q: %w", email, store.ErrConflict)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	taken, err := accountExists(ctx, tx, id)
	if err == nil && taken {
		return fmt.Errorf("account %s: %w", id, store.ErrConflict)
	}
	return err
}

// plainAddress reports whether a text is an e-mail address and nothing else.
func plainAddress(email string) bool {
	a, err := mail.ParseAddress(email)
	return err == nil && a.Address == email
}

// newAccount inserts an account, active unless it says otherwise, with what
// every account has in IAM, and returns its id, drawn if there is none yet.
func newAccount(ctx context.Context, tx *store.Tx, a directory.Account, now time.Time) (id arn.AccountID, err error) {
	if a.ID == "" {
		if a.ID, err = unusedAccountID(ctx, tx); err != nil {
			return "", err
		}
	}
	if a.State == "" {
		a.State = directory.Active
	}
	a.CreatedAt = now
	if err := directory.InsertAccount(ctx, tx, a); err != nil {
		return "", err
	}
	return a.ID, iam.ProvisionAccount(ctx, tx, a.ID, now)
}

// unusedAccountID draws until the id is nobody's.
func unusedAccountID(ctx context.Context, tx *store.Tx) (arn.AccountID, error) {
	for {
		id := newAccountID()
		taken, err := accountExists(ctx, tx, id)
		if err == nil && !taken {
			taken, err = directory.GovCloudTaken(ctx, tx, id)
		}
		if err != nil || !taken {
			return id, err
		}
	}
}

func accountExists(ctx context.Context, tx *store.Tx, id arn.AccountID) (bool, error) {
	_, err := directory.LookupAccount(ctx, tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
