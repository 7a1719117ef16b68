// Package logins is IAM's room for how people sign in to the console: the
// passwords of users, kept as argon2id hashes under the account's password
// policy, and the devices that show the codes of a second factor (RFC 6238).
package logins

import (
	"context"
	"encoding/json"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/keyring"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// Room answers the operations on passwords and devices.
type Room struct {
	desk    *desk.Desk
	keyring *keyring.Keyring
}

// New returns the room; seeds are sealed by the keyring.
func New(d *desk.Desk, ring *keyring.Keyring) *Room { return &Room{d, ring} }

// Handle adds the room's operations.
func (r *Room) Handle(h *api.Handlers) {
	h.CreateLoginProfile = r.CreateLoginProfile
	h.GetLoginProfile = r.GetLoginProfile
	h.UpdateLoginProfile = r.UpdateLoginProfile
	h.DeleteLoginProfile = r.DeleteLoginProfile
	h.ChangePassword = r.ChangePassword
	h.CreateVirtualMFADevice = r.CreateVirtualMFADevice
	h.EnableMFADevice = r.EnableMFADevice
	h.ResyncMFADevice = r.ResyncMFADevice
	h.DeactivateMFADevice = r.DeactivateMFADevice
	h.DeleteVirtualMFADevice = r.DeleteVirtualMFADevice
	h.ListMFADevices = r.ListMFADevices
	h.ListVirtualMFADevices = r.ListVirtualMFADevices
	h.GetMFADevice = r.GetMFADevice
}

// user finds the user of a name; without one the user who asks.
func user(ctx context.Context, tx *store.Tx, call *awsmodel.Call, name *string) (identity.User, error) {
	if name != nil {
		u, err := identity.UserByName(ctx, tx, call.Account(), *name)
		return u, desk.NoSuch(err, "The user with name %s cannot be found.", *name)
	}
	if call.Principal.Kind != arn.User {
		return identity.User{}, desk.InvalidRequest("Must specify userName when calling with non-User credentials")
	}
	return identity.UserByID(ctx, tx, call.Account(), call.Principal.ID)
}

func profileOf(u identity.User, p identity.Password) *api.LoginProfile {
	return &api.LoginProfile{UserName: u.Name, CreateDate: desk.Seconds(p.CreatedAt), PasswordResetRequired: &p.MustReset}
}

// CreateLoginProfile gives a user a password.
func (r *Room) CreateLoginProfile(ctx context.Context, call *awsmodel.Call, in *api.CreateLoginProfileInput) (*api.CreateLoginProfileOutput, error) {
	if in.Password == nil {
		return nil, desk.InvalidRequest("Password is required")
	}
	hashed := hash(*in.Password)
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.CreateLoginProfileOutput, error) {
		u, err := user(ctx, tx, call, in.UserName)
		if err != nil {
			return nil, err
		}
		_, err = identity.PasswordOf(ctx, tx, u.Account, u.ID)
		if err := desk.MustBeNew(err, "Login Profile for user %s already exists.", u.Name); err != nil {
			return nil, err
		}
		if err := allowed(ctx, tx, u.Account, *in.Password, nil); err != nil {
			return nil, err
		}
		p := identity.Password{Account: u.Account, UserID: u.ID, Hashes: []string{hashed}, MustReset: desk.Value(in.PasswordResetRequired, false), CreatedAt: call.Time, ChangedAt: call.Time}
		return &api.CreateLoginProfileOutput{LoginProfile: profileOf(u, p)}, identity.PutPassword(ctx, tx, p)
	})
}

// password finds a user and its password or says that there is none.
func password(ctx context.Context, tx *store.Tx, call *awsmodel.Call, name *string) (identity.User, identity.Password, error) {
	u, err := user(ctx, tx, call, name)
	if err != nil {
		return u, identity.Password{}, err
	}
	p, err := identity.PasswordOf(ctx, tx, u.Account, u.ID)
	return u, p, desk.NoSuch(err, "Login Profile for User %s cannot be found.", u.Name)
}

// GetLoginProfile tells since when a user has a password.
func (r *Room) GetLoginProfile(ctx context.Context, call *awsmodel.Call, in *api.GetLoginProfileInput) (*api.GetLoginProfileOutput, error) {
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.GetLoginProfileOutput, error) {
		u, p, err := password(ctx, tx, call, in.UserName)
		return &api.GetLoginProfileOutput{LoginProfile: profileOf(u, p)}, err
	})
}

// UpdateLoginProfile gives a user another password, or has the user choose one.
func (r *Room) UpdateLoginProfile(ctx context.Context, call *awsmodel.Call, in *api.UpdateLoginProfileInput) (*api.UpdateLoginProfileOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.UpdateLoginProfileOutput, error) {
		_, p, err := password(ctx, tx, call, &in.UserName)
		if err != nil {
			return nil, err
		}
		p.MustReset = desk.Value(in.PasswordResetRequired, p.MustReset)
		if in.Password != nil {
			if err := replace(ctx, tx, &p, *in.Password, call); err != nil {
				return nil, err
			}
		}
		return &api.UpdateLoginProfileOutput{}, identity.PutPassword(ctx, tx, p)
	})
}

// DeleteLoginProfile takes a user's password.
func (r *Room) DeleteLoginProfile(ctx context.Context, call *awsmodel.Call, in *api.DeleteLoginProfileInput) (*api.DeleteLoginProfileOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.DeleteLoginProfileOutput, error) {
		u, _, err := password(ctx, tx, call, in.UserName)
		if err != nil {
			return nil, err
		}
		return &api.DeleteLoginProfileOutput{}, identity.DeletePassword(ctx, tx, u.Account, u.ID)
	})
}

// ChangePassword is how users change their own password.
func (r *Room) ChangePassword(ctx context.Context, call *awsmodel.Call, in *api.ChangePasswordInput) (*api.ChangePasswordOutput, error) {
	if call.Principal.Kind != arn.User {
		return nil, &api.InvalidUserTypeException{Message: "Only IAM Users can change their own password."}
	}
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.ChangePasswordOutput, error) {
		_, p, err := password(ctx, tx, call, nil)
		if err != nil {
			return nil, err
		}
		if ok, err := isPassword(p.Hashes[0], in.OldPassword); err != nil || !ok {
			return nil, otherwise(err, &awsmodel.Fault{Code: "AccessDenied", Message: "The old password was incorrect.", Status: 403})
		}
		if err := replace(ctx, tx, &p, in.NewPassword, call); err != nil {
			return nil, err
		}
		p.MustReset = false
		return &api.ChangePasswordOutput{}, identity.PutPassword(ctx, tx, p)
	})
}

func otherwise(err, refusal error) error {
	if err != nil {
		return err
	}
	return refusal
}

// kept is how many former passwords are remembered, the most that a policy may
// forbid to use again.
const kept = 24

// replace makes a new password the newest.
func replace(ctx context.Context, tx *store.Tx, p *identity.Password, next string, call *awsmodel.Call) error {
	if err := allowed(ctx, tx, p.Account, next, p.Hashes); err != nil {
		return err
	}
	p.Hashes = append([]string{hash(next)}, p.Hashes...)
	if len(p.Hashes) > kept {
		p.Hashes = p.Hashes[:kept]
	}
	p.ChangedAt = call.Time
	return nil
}

// policyOf is the account's password policy with IAM's defaults.
func policyOf(ctx context.Context, tx *store.Tx, account arn.AccountID) (api.PasswordPolicy, error) {
	var p api.PasswordPolicy
	text, err := identity.PasswordPolicy(ctx, tx, account)
	if err != nil {
		return p, desk.IgnoreMissing(err)
	}
	return p, json.Unmarshal([]byte(text), &p)
}
