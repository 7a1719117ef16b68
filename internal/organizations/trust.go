package organizations

import (
	"context"
	"errors"
	"time"

	"muster/internal/arn"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// Delegation is the registration of an account as a service's delegated
// administrator.
type Delegation = directory.Delegation

// Who registered a delegated administrator.
const (
	// Explicit: RegisterDelegatedAdministrator was called.
	Explicit = directory.Explicit
	// ByInspector: Inspector registered it on its own first designation.
	ByInspector = directory.ByInspector
)

// TrustedAccessEnabled reports whether a service has trusted access to an
// organization.
func TrustedAccessEnabled(ctx context.Context, tx *store.Tx, org OrganizationID, principal string) (bool, error) {
	_, err := directory.LookupTrustedService(ctx, tx, org, principal)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// EnableTrustedAccess gives a service trusted access to the organization of m,
// and reports whether it had none. It refuses with Organizations' exceptions
// an organization without all features and an unknown principal; whether the
// caller may do this is the caller's business.
func EnableTrustedAccess(ctx context.Context, tx *store.Tx, m Membership, principal string, now time.Time) (changed bool, err error) {
	if err := trustable(m, principal); err != nil {
		return false, err
	}
	return directory.InsertTrustedService(ctx, tx, m.Org, directory.TrustedService{Principal: principal, EnabledAt: now})
}

// DisableTrustedAccess takes a service's trusted access away and reports
// whether it had any. Registrations of delegated administrators stay.
func DisableTrustedAccess(ctx context.Context, tx *store.Tx, m Membership, principal string) (changed bool, err error) {
	if err := trustable(m, principal); err != nil {
		return false, err
	}
	if policy, ok := policyTypeOf[principal]; ok {
		_, err := directory.LookupPolicyType(ctx, tx, m.Org, string(policy))
		if err == nil {
			return false, policyTypeEnabledForThisService()
		}
		if !errors.Is(err, store.ErrNotFound) {
			return false, err
		}
	}
	return directory.DeleteTrustedService(ctx, tx, m.Org, principal)
}

// trustable checks what every call about a service's access checks.
func trustable(m Membership, principal string) error {
	if !m.AllFeatures() {
		return refusal.NotAllFeatures()
	}
	if !recognized(principal) {
		return unrecognizedServicePrincipal()
	}
	return nil
}

// DelegatedAdministrator returns the registered administrator of a service
// that permits one only, such as Inspector; store.ErrNotFound when there is
// none. A registration has no effect while trusted access is off.
func DelegatedAdministrator(ctx context.Context, tx *store.Tx, org OrganizationID, principal string) (Delegation, error) {
	list, err := directory.DelegationsTo(ctx, tx, org, principal)
	if err != nil {
		return Delegation{}, err
	}
	if len(list) == 0 {
		return Delegation{}, store.ErrNotFound
	}
	return list[0], nil
}

// RegisterDelegatedAdministrator registers an account of the organization of m
// for a service. It refuses with Organizations' exceptions all that section
// 2.7 of the specification names.
func RegisterDelegatedAdministrator(ctx context.Context, tx *store.Tx, m Membership, account arn.AccountID, principal string, origin directory.Origin, now time.Time) error {
	if err := trustable(m, principal); err != nil {
		return err
	}
	if err := registrable(ctx, tx, m, account); err != nil {
		return err
	}
	trusted, err := TrustedAccessEnabled(ctx, tx, m.Org, principal)
	if err != nil {
		return err
	}
	if !trusted {
		return serviceAccessNotEnabled()
	}
	list, err := directory.DelegationsTo(ctx, tx, m.Org, principal)
	if err != nil {
		return err
	}
	for _, d := range list {
		if d.Account == account {
			return accountAlreadyRegistered()
		}
	}
	if len(list) >= maxAdministrators(principal) {
		return tooManyAdministrators()
	}
	return directory.InsertDelegation(ctx, tx, m.Org,
		Delegation{Principal: principal, Account: account, Origin: origin, EnabledAt: now})
}

// registrable checks the account that is to become an administrator.
func registrable(ctx context.Context, tx *store.Tx, m Membership, account arn.AccountID) error {
	a, err := directory.LookupMember(ctx, tx, m.Org, account)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refusal.AccountNotFound()
	case err != nil:
		return err
	case account == m.Management:
		return cannotRegisterManagement()
	case a.State != directory.Active:
		return cannotRegisterSuspended()
	}
	return nil
}

// DeregisterDelegatedAdministrator ends a registration, whatever its origin.
func DeregisterDelegatedAdministrator(ctx context.Context, tx *store.Tx, m Membership, account arn.AccountID, principal string) error {
	if err := trustable(m, principal); err != nil {
		return err
	}
	if _, err := directory.LookupMember(ctx, tx, m.Org, account); err != nil {
		return refusal.Missing(err, refusal.AccountNotFound())
	}
	return refusal.Missing(directory.DeleteDelegation(ctx, tx, m.Org, principal, account), accountNotRegistered())
}
