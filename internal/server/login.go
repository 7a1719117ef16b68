package server

import (
	"context"
	"errors"
	"time"

	"muster/internal/arn"
	"muster/internal/console"
	"muster/internal/iam/logins"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/identity"

	api "muster/internal/awsmodel/iam"
)

// login exchanges a user's name and password for temporary credentials.
func (s *Server) login(room *logins.Room) console.Logins {
	return func(ctx context.Context, l console.Login, now time.Time) (console.Session, error) {
		account, err := s.accountOf(ctx, l.Account)
		if err != nil {
			return console.Session{}, err
		}
		u, factor, err := room.SignIn(ctx, logins.Attempt{Account: account, User: l.User, Password: l.Password, Code: l.Code, NewPassword: l.NewPassword}, now)
		if err != nil {
			return console.Session{}, refusalOf(err)
		}
		return s.session(ticket{Account: account, User: u.Name, Region: s.config.Regions[0], factor: factor}, u.ID, now)
	}
}

// accountOf finds the account of an id or an alias that may be signed in to;
// empty when there is none, which then has no users.
func (s *Server) accountOf(ctx context.Context, said string) (id arn.AccountID, err error) {
	id = arn.AccountID(said)
	err = s.store.View(ctx, func(tx *store.Tx) error {
		if !id.Valid() {
			if id, err = identity.AccountOfAlias(ctx, tx, said); err != nil {
				return err
			}
		}
		a, err := directory.LookupAccount(ctx, tx, id)
		if err == nil && a.State != directory.Active {
			return store.ErrNotFound
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return id, err
}

// refusalOf says a refusal as the console's door does.
func refusalOf(err error) error {
	if v, ok := errors.AsType[*api.PasswordPolicyViolationException](err); ok {
		return console.Need{What: "password", Message: v.Message}
	}
	switch {
	case errors.Is(err, logins.ErrCode):
		return console.Need{What: "code", Message: err.Error()}
	case errors.Is(err, logins.ErrReset):
		return console.Need{What: "password", Message: err.Error()}
	case errors.Is(err, logins.ErrWrong):
		return console.Refusal{Message: err.Error()}
	}
	return err
}
