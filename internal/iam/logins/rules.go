package logins

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"muster/internal/arn"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// symbols are what IAM's policy counts as non-alphanumeric.
const symbols = "!@#$%^&*()_+-=[]{}|'"

// Without a policy of the account, IAM wants eight characters of three kinds.
const (
	usualLength = 8
	usualKinds  = 3
)

// kinds are which of the four kinds of characters a password has.
func kinds(password string) (upper, lower, digit, symbol bool) {
	for _, c := range password {
		switch {
		case c >= 'A' && c <= 'Z':
			upper = true
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= '0' && c <= '9':
			digit = true
		case strings.ContainsRune(symbols, c):
			symbol = true
		}
	}
	return upper, lower, digit, symbol
}

// allowed refuses a password that the account's policy does not take; former
// are the hashes before it, newest first.
func allowed(ctx context.Context, tx *store.Tx, account arn.AccountID, password string, former []string) error {
	p, err := policyOf(ctx, tx, account)
	if err != nil {
		return err
	}
	if why := objection(p, password); why != "" {
		return violates(why)
	}
	reuse := int(desk.Value(p.PasswordReusePrevention, 0))
	for _, h := range former[:min(reuse, len(former))] {
		same, err := isPassword(h, password)
		if err != nil {
			return err
		}
		if same {
			return violates("Password cannot be reused.")
		}
	}
	return nil
}

func violates(why string) error { return &api.PasswordPolicyViolationException{Message: why} }

// objection is what a policy has against a password, or empty.
func objection(p api.PasswordPolicy, password string) string {
	upper, lower, digit, symbol := kinds(password)
	if p.MinimumPasswordLength == nil { // no policy
		n := 0
		for _, has := range []bool{upper, lower, digit, symbol} {
			if has {
				n++
			}
		}
		if utf8.RuneCountInString(password) < usualLength || n < usualKinds {
			return "Password should have a minimum length of 8 and at least three of: uppercase letters, lowercase letters, numbers, symbols."
		}
		return ""
	}
	least := int(*p.MinimumPasswordLength)
	for _, c := range []struct {
		wanted, ok bool
		message    string
	}{
		{true, utf8.RuneCountInString(password) >= least, fmt.Sprintf("Password should have a minimum length of %d", least)},
		{desk.Value(p.RequireUppercaseCharacters, false), upper, "Password should have at least one uppercase letter"},
		{desk.Value(p.RequireLowercaseCharacters, false), lower, "Password should have at least one lowercase letter"},
		{desk.Value(p.RequireNumbers, false), digit, "Password should have at least one number"},
		{desk.Value(p.RequireSymbols, false), symbol, "Password should have at least one symbol"},
	} {
		if c.wanted && !c.ok {
			return c.message
		}
	}
	return ""
}

// expired reports whether a password is older than the policy lets it become.
func expired(p api.PasswordPolicy, password identity.Password, now time.Time) bool {
	days := desk.Value(p.MaxPasswordAge, 0)
	return days > 0 && now.Sub(password.ChangedAt) > time.Duration(days)*24*time.Hour
}
