package logins

import (
	"context"
	"errors"
	"sync"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// What SignIn refuses with. ErrWrong says nothing about which part is wrong.
var (
	ErrWrong = errors.New("the account, user name, password or code is wrong")
	ErrCode  = errors.New("a code of the second factor is needed")
	ErrReset = errors.New("a new password must be chosen")
)

// Attempt is what somebody typed to sign in.
type Attempt struct {
	Account arn.AccountID
	User    string
	// Password, then Code where the user has a second factor, then NewPassword
	// where the password must be changed.
	Password, Code, NewPassword string
}

// nobody is what the passwords of users that do not exist are compared with,
// so that the time of an answer does not tell who exists.
var nobody = sync.OnceValue(func() string { return hash("nobody has this password") })

// SignIn returns the user whose password and code these are, and whether there
// was a code.
func (r *Room) SignIn(ctx context.Context, a Attempt, now time.Time) (u identity.User, factor bool, err error) {
	u, p, devices, err := r.look(ctx, a)
	if err != nil {
		return u, false, err
	}
	against := nobody()
	if len(p.Hashes) > 0 {
		against = p.Hashes[0]
	}
	ok, err := isPassword(against, a.Password)
	if err != nil {
		return u, false, err
	}
	if !ok || len(p.Hashes) == 0 {
		return u, false, ErrWrong
	}
	if len(devices) > 0 && a.Code == "" {
		return u, false, ErrCode
	}
	return u, len(devices) > 0, r.accept(ctx, a, u, against, now)
}

// UseFactor takes a code of one of a user's devices, by its serial number;
// ErrWrong if it is none.
func (r *Room) UseFactor(ctx context.Context, account arn.AccountID, user, serial, code string, now time.Time) error {
	return r.desk.Store.Update(ctx, func(tx *store.Tx) error {
		d, err := identity.MFADeviceBySerial(ctx, tx, account, arn.ARN(serial))
		if errors.Is(err, store.ErrNotFound) || err == nil && (user == "" || d.UserID != user) {
			return ErrWrong
		}
		if err != nil {
			return err
		}
		return r.use(ctx, tx, d, code, now)
	})
}

// use takes a code of a device, each once.
func (r *Room) use(ctx context.Context, tx *store.Tx, d identity.MFADevice, code string, now time.Time) error {
	seed, err := r.keyring.Open(string(d.Serial), d.Seed)
	if err != nil {
		return err
	}
	at, ok := matching(seed, code, now, d.LastStep)
	if !ok {
		return ErrWrong
	}
	d.LastStep = at
	return identity.PutMFADevice(ctx, tx, d)
}

// look reads what an attempt is compared with; a user that does not exist has
// no password.
func (r *Room) look(ctx context.Context, a Attempt) (u identity.User, p identity.Password, devices []identity.MFADevice, err error) {
	err = r.desk.Store.View(ctx, func(tx *store.Tx) error {
		u, err = identity.UserByName(ctx, tx, a.Account, a.User)
		if err != nil {
			return err
		}
		if p, err = identity.PasswordOf(ctx, tx, a.Account, u.ID); err != nil {
			return err
		}
		devices, err = identity.MFADevicesOf(ctx, tx, a.Account, u.ID)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return u, identity.Password{}, nil, nil
	}
	return u, p, devices, err
}

// accept uses the code up and changes the password where it must be, in one
// transaction; what was compared must still hold.
func (r *Room) accept(ctx context.Context, a Attempt, u identity.User, compared string, now time.Time) error {
	return r.desk.Store.Update(ctx, func(tx *store.Tx) error {
		p, err := identity.PasswordOf(ctx, tx, a.Account, u.ID)
		if err != nil || p.Hashes[0] != compared {
			return otherwise(err, ErrWrong)
		}
		if err := r.useCode(ctx, tx, u, a.Code, now); err != nil {
			return err
		}
		policy, err := policyOf(ctx, tx, a.Account)
		if err != nil || !p.MustReset && !expired(policy, p, now) {
			return err
		}
		if a.NewPassword == "" {
			return ErrReset
		}
		call := &awsmodel.Call{Principal: arn.Principal{Account: a.Account}, Time: now}
		if same, err := isPassword(compared, a.NewPassword); err != nil || same {
			return otherwise(err, violates("The new password must differ from the old one."))
		}
		if err := replace(ctx, tx, &p, a.NewPassword, call); err != nil {
			return err
		}
		p.MustReset = false
		return identity.PutPassword(ctx, tx, p)
	})
}

// useCode takes one code of any of the user's devices.
func (r *Room) useCode(ctx context.Context, tx *store.Tx, u identity.User, given string, now time.Time) error {
	devices, err := identity.MFADevicesOf(ctx, tx, u.Account, u.ID)
	if err != nil || len(devices) == 0 {
		return err
	}
	for _, d := range devices {
		if err := r.use(ctx, tx, d, given, now); !errors.Is(err, ErrWrong) {
			return err
		}
	}
	return ErrWrong
}
