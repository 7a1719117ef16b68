package iam

import (
	"context"
	"fmt"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// EnsureServiceLinkedRoles is EnsureServiceLinkedRole for many accounts, each
// named once, with few statements.
func EnsureServiceLinkedRoles(ctx context.Context, tx *store.Tx, accounts []arn.AccountID, servicePrincipal string, now time.Time) error {
	known, ok := serviceRoles(servicePrincipal)
	if !ok {
		return errUnknownService
	}
	if len(accounts) == 0 {
		return nil
	}
	has, err := identity.AccountsWithRole(ctx, tx, accounts, known.name)
	if err != nil {
		return err
	}
	var roles []identity.Role
	for _, account := range accounts {
		if !has[account] {
			roles = append(roles, linkedRole(account, servicePrincipal, known, "", now))
		}
	}
	if err := identity.InsertRoles(ctx, tx, roles, linkedRolePolicy(known)); err != nil {
		return fmt.Errorf("create the service-linked roles of %s in %d accounts: %w", servicePrincipal, len(roles), err)
	}
	return nil
}

// linkedRole is a service's predefined role in an account.
func linkedRole(account arn.AccountID, servicePrincipal string, known serviceRole, description string, now time.Time) identity.Role {
	return identity.Role{
		Account: account, Name: known.name, Path: servicePath + servicePrincipal + "/", ID: desk.NewUniqueID(rolePrefix),
		Trust: trustOf("Service", servicePrincipal), Description: description, MaxSession: defaultSession,
		Service: servicePrincipal, CreatedAt: now,
	}
}

// linkedRolePolicy is the policy of a service's predefined role.
func linkedRolePolicy(known serviceRole) arn.ARN {
	return arn.ARN("arn:aws:iam::aws:policy" + strings.TrimSuffix(servicePath, "/") + "/" + known.policy)
}
