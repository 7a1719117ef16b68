// Package account is IAM's room for what an account settles about itself (its
// alias, its password policy), and for the questions about things that cannot
// exist here, such as certificates: tools ask them before they delete a user.
package account

import (
	"context"
	"encoding/json"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// Room answers the operations on an account.
type Room struct{ desk *desk.Desk }

// New returns the room.
func New(d *desk.Desk) *Room { return &Room{d} }

// Handle adds the room's operations.
func (r *Room) Handle(h *api.Handlers) {
	h.CreateAccountAlias = r.CreateAccountAlias
	h.ListAccountAliases = r.ListAccountAliases
	h.DeleteAccountAlias = r.DeleteAccountAlias
	h.GetAccountPasswordPolicy = r.GetAccountPasswordPolicy
	h.UpdateAccountPasswordPolicy = r.UpdateAccountPasswordPolicy
	h.DeleteAccountPasswordPolicy = r.DeleteAccountPasswordPolicy
	r.handleAbsent(h)
}

// CreateAccountAlias gives the account an alias, in place of its former one.
func (r *Room) CreateAccountAlias(ctx context.Context, call *awsmodel.Call, in *api.CreateAccountAliasInput) (*api.CreateAccountAliasOutput, error) {
	if strings.Contains(in.AccountAlias, "--") || arn.AccountID(in.AccountAlias).Valid() {
		return nil, desk.InvalidRequest("The account alias " + in.AccountAlias + " is not valid.")
	}
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.CreateAccountAliasOutput, error) {
		_, err := identity.AccountOfAlias(ctx, tx, in.AccountAlias)
		if err := desk.MustBeNew(err, "The account alias %s already exists.", in.AccountAlias); err != nil {
			return nil, err
		}
		return &api.CreateAccountAliasOutput{}, identity.PutAlias(ctx, tx, call.Account(), in.AccountAlias)
	})
}

// ListAccountAliases lists the alias that the account has, if any.
func (r *Room) ListAccountAliases(ctx context.Context, call *awsmodel.Call, in *api.ListAccountAliasesInput) (*api.ListAccountAliasesOutput, error) {
	p, err := r.desk.NewPage(call, "ListAccountAliases", nil, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return desk.View(ctx, r.desk, func(tx *store.Tx) (*api.ListAccountAliasesOutput, error) {
		all := []string{}
		alias, err := identity.Alias(ctx, tx, call.Account())
		if err == nil {
			all = append(all, alias)
		}
		out := &api.ListAccountAliasesOutput{}
		out.AccountAliases, out.IsTruncated, out.Marker = desk.Slice(&p, all)
		return out, desk.IgnoreMissing(err)
	})
}

// DeleteAccountAlias takes the account's alias.
func (r *Room) DeleteAccountAlias(ctx context.Context, call *awsmodel.Call, in *api.DeleteAccountAliasInput) (*api.DeleteAccountAliasOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.DeleteAccountAliasOutput, error) {
		err := identity.DeleteAlias(ctx, tx, call.Account(), in.AccountAlias)
		return &api.DeleteAccountAliasOutput{}, desk.NoSuch(err, "The account alias with name %s cannot be found.", in.AccountAlias)
	})
}

// minimumLength is how short passwords may be unless the policy says more.
const minimumLength = 6

// UpdateAccountPasswordPolicy replaces the password policy; what is not said
// gets IAM's default. It acts on passwords that are set from then on.
func (r *Room) UpdateAccountPasswordPolicy(ctx context.Context, call *awsmodel.Call, in *api.UpdateAccountPasswordPolicyInput) (*api.UpdateAccountPasswordPolicyOutput, error) {
	off := func(p *bool) *bool { return new(desk.Value(p, false)) }
	text, err := json.Marshal(api.PasswordPolicy{
		MinimumPasswordLength: new(desk.Value(in.MinimumPasswordLength, minimumLength)),
		RequireSymbols:        off(in.RequireSymbols), RequireNumbers: off(in.RequireNumbers),
		RequireUppercaseCharacters: off(in.RequireUppercaseCharacters), RequireLowercaseCharacters: off(in.RequireLowercaseCharacters),
		AllowUsersToChangePassword: off(in.AllowUsersToChangePassword), HardExpiry: in.HardExpiry,
		ExpirePasswords: new(in.MaxPasswordAge != nil), MaxPasswordAge: in.MaxPasswordAge, PasswordReusePrevention: in.PasswordReusePrevention,
	})
	if err != nil {
		return nil, err
	}
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.UpdateAccountPasswordPolicyOutput, error) {
		return &api.UpdateAccountPasswordPolicyOutput{}, identity.PutPasswordPolicy(ctx, tx, call.Account(), string(text))
	})
}

// GetAccountPasswordPolicy returns the password policy.
func (r *Room) GetAccountPasswordPolicy(ctx context.Context, call *awsmodel.Call, _ *api.GetAccountPasswordPolicyInput) (*api.GetAccountPasswordPolicyOutput, error) {
	text, err := desk.View(ctx, r.desk, func(tx *store.Tx) (string, error) {
		return identity.PasswordPolicy(ctx, tx, call.Account())
	})
	if err != nil {
		return nil, desk.NoSuch(err, "The Password Policy with domain name %s cannot be found.", call.Account())
	}
	out := &api.GetAccountPasswordPolicyOutput{PasswordPolicy: &api.PasswordPolicy{}}
	return out, json.Unmarshal([]byte(text), out.PasswordPolicy)
}

// DeleteAccountPasswordPolicy removes the password policy.
func (r *Room) DeleteAccountPasswordPolicy(ctx context.Context, call *awsmodel.Call, _ *api.DeleteAccountPasswordPolicyInput) (*api.DeleteAccountPasswordPolicyOutput, error) {
	return desk.Update(ctx, r.desk, call.Account(), func(tx *store.Tx) (*api.DeleteAccountPasswordPolicyOutput, error) {
		err := identity.DeletePasswordPolicy(ctx, tx, call.Account())
		return &api.DeleteAccountPasswordPolicyOutput{}, desk.NoSuch(err, "The account policy with name PasswordPolicy cannot be found.")
	})
}

// userExists wants a user of a name; no name means the caller.
func (r *Room) userExists(ctx context.Context, call *awsmodel.Call, name *string) error {
	if name == nil {
		if call.Principal.Kind == arn.AssumedRole {
			return desk.InvalidRequest("Must specify userName when calling with non-User credentials")
		}
		return nil
	}
	_, err := desk.View(ctx, r.desk, func(tx *store.Tx) (identity.User, error) {
		return identity.UserByName(ctx, tx, call.Account(), *name)
	})
	return desk.NoSuch(err, "The user with name %s cannot be found.", *name)
}

// missing says of something that cannot exist that it does not.
func (r *Room) missing(ctx context.Context, call *awsmodel.Call, user *string, format string, args ...any) error {
	if err := r.userExists(ctx, call, user); err != nil {
		return err
	}
	return desk.NoSuch(store.ErrNotFound, format, args...)
}
