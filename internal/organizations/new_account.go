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
	if a, err := mail.ParseAddress(email); err != nil || a.Address != email || len(email) > 64 {
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

// newAccount inserts an active account with what every account has in IAM,
// and returns its id, drawn if there is none yet.
func newAccount(ctx context.Context, tx *store.Tx, a directory.Account, now time.Time) (arn.AccountID, error) {
	for a.ID == "" {
		id := newAccountID()
		taken, err := accountExists(ctx, tx, id)
		if err != nil {
			return "", err
		}
		if !taken {
			a.ID = id
		}
	}
	a.State, a.CreatedAt = directory.Active, now
	if err := directory.InsertAccount(ctx, tx, a); err != nil {
		return "", err
	}
	return a.ID, iam.ProvisionAccount(ctx, tx, a.ID, now)
}

func accountExists(ctx context.Context, tx *store.Tx, id arn.AccountID) (bool, error) {
	_, err := directory.LookupAccount(ctx, tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
