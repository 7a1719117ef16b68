package iam

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// serviceRole is a service's predefined role.
type serviceRole struct{ name, policy string }

// serviceRoles lists the services that have a service-linked role here.
func serviceRoles(servicePrincipal string) (serviceRole, bool) {
	switch servicePrincipal {
	case "inspector2.amazonaws.com":
		return serviceRole{"AWSServiceRoleForAmazonInspector2", "AmazonInspector2ServiceRolePolicy"}, true
	case "agentless.inspector2.amazonaws.com":
		return serviceRole{"AWSServiceRoleForAmazonInspector2Agentless", "AmazonInspector2AgentlessServiceRolePolicy"}, true
	}
	return serviceRole{}, false
}

// servicePath begins the paths of all service-linked roles.
const servicePath = "/aws-service-role/"

// ServiceLinkedRoleARN names a service's role in an account, whether it is there
// or not; ok is false when muster knows no such role.
func ServiceLinkedRoleARN(account arn.AccountID, servicePrincipal string) (role arn.ARN, ok bool) {
	known, ok := serviceRoles(servicePrincipal)
	return arn.New("iam", "", account, "role"+servicePath+servicePrincipal+"/"+known.name), ok
}

// EnsureServiceLinkedRole creates a service's role in an account unless it is
// there. It is an error when muster knows no such role.
func EnsureServiceLinkedRole(ctx context.Context, tx *store.Tx, account arn.AccountID, servicePrincipal string, now time.Time) error {
	has, err := HasServiceLinkedRole(ctx, tx, account, servicePrincipal)
	if err != nil || has {
		return err
	}
	_, err = createServiceLinkedRole(ctx, tx, account, servicePrincipal, "", now)
	if err != nil {
		return fmt.Errorf("create the service-linked role of %s in account %s: %w", servicePrincipal, account, err)
	}
	return nil
}

// HasServiceLinkedRole reports whether an account has a service's role.
func HasServiceLinkedRole(ctx context.Context, tx *store.Tx, account arn.AccountID, servicePrincipal string) (bool, error) {
	known, ok := serviceRoles(servicePrincipal)
	if !ok {
		return false, nil
	}
	_, err := identity.RoleByName(ctx, tx, account, known.name)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// errUnknownService: muster has no service-linked role for the principal.
var errUnknownService = errors.New("no service-linked role is known for the service")

func createServiceLinkedRole(ctx context.Context, tx *store.Tx, account arn.AccountID, servicePrincipal, description string, now time.Time) (identity.Role, error) {
	known, ok := serviceRoles(servicePrincipal)
	if !ok {
		return identity.Role{}, errUnknownService
	}
	role := identity.Role{
		Account: account, Name: known.name, Path: servicePath + servicePrincipal + "/", ID: newUniqueID(rolePrefix),
		Trust: trustOf("Service", servicePrincipal), Description: description, MaxSession: defaultSession,
		Service: servicePrincipal, CreatedAt: now,
	}
	if err := identity.InsertRole(ctx, tx, role); err != nil {
		return identity.Role{}, err
	}
	policy := arn.ARN("arn:aws:iam::aws:policy" + strings.TrimSuffix(servicePath, "/") + "/" + known.policy)
	return role, identity.Attach(ctx, tx, role.Owner(), policy)
}
