package organizations

import (
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/quota"
	"muster/internal/store"
)

// Pager seals the place where a page ended into a token for the client, and
// opens it again for the same caller, operation and query only.
// *pagetoken.Sealer is one.
type Pager interface {
	Seal(call *awsmodel.Call, op string, query any, cursor []byte) string
	Open(call *awsmodel.Call, op string, query any, token string) ([]byte, error)
}

// Limits are the quotas.
type Limits = quota.Limits

// DefaultLimits are AWS's defaults.
func DefaultLimits() Limits { return quota.AWS() }

// Options configure a Service.
type Options struct {
	// Pages seals page tokens; required.
	Pages Pager
	// Observers are told of changes, in order.
	Observers []Observer
	// Limits are the quotas; the zero value means DefaultLimits.
	Limits Limits
	// Transition is how long asynchronous states (an account in creation or
	// closure, a policy type being enabled) last at least.
	Transition time.Duration
	// Faults makes creations fail and states last longer, for testers; nil
	// means never.
	Faults Faults
	// WaitPeriod is how old an account created in an organization must be
	// to leave it; 0 means any age. AWS has four days.
	WaitPeriod time.Duration
	// Now is the clock of jobs; nil means time.Now.
	Now func() time.Time
}

// Faults is how testers make the desk fail. *fault.Service is one.
type Faults interface {
	// CreationFailure is why a requested account is not made, or empty. It
	// is asked any number of times for the same request.
	CreationFailure(request string) api.CreateAccountFailureReason
	// Delay is how much longer than usual a transition of an account lasts:
	// ACCOUNT_CREATION (of a management account's request) or
	// ACCOUNT_CLOSURE.
	Delay(transition string, account arn.AccountID, region arn.Region) time.Duration
}

// lasts is how long an asynchronous state lasts at least.
func (s *Service) lasts(transition string, account arn.AccountID) time.Duration {
	if s.faults == nil {
		return s.transition
	}
	return s.transition + s.faults.Delay(transition, account, "")
}

// Service is the desk. It is safe for concurrent use.
type Service struct {
	faults     Faults
	store      *store.Store
	pages      Pager
	observers  []Observer
	limits     Limits
	transition time.Duration
	waitPeriod time.Duration
	now        func() time.Time
}

// New returns the desk over a store.
func New(st *store.Store, opts Options) *Service {
	if opts.Limits == (Limits{}) {
		opts.Limits = DefaultLimits()
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Service{
		store: st, pages: opts.Pages, observers: opts.Observers, limits: opts.Limits,
		faults: opts.Faults, transition: opts.Transition, waitPeriod: opts.WaitPeriod, now: opts.Now,
	}
}

// Handlers lists the operations that muster implements.
func (s *Service) Handlers() api.Handlers {
	return api.Handlers{
		CreateOrganization:   s.CreateOrganization,
		DescribeOrganization: s.DescribeOrganization,
		DeleteOrganization:   s.DeleteOrganization,

		ListRoots:    s.ListRoots,
		ListParents:  s.ListParents,
		ListChildren: s.ListChildren,
		MoveAccount:  s.MoveAccount,

		CreateOrganizationalUnit:         s.CreateOrganizationalUnit,
		DescribeOrganizationalUnit:       s.DescribeOrganizationalUnit,
		UpdateOrganizationalUnit:         s.UpdateOrganizationalUnit,
		DeleteOrganizationalUnit:         s.DeleteOrganizationalUnit,
		ListOrganizationalUnitsForParent: s.ListOrganizationalUnitsForParent,

		CreateAccount:               s.CreateAccount,
		CreateGovCloudAccount:       s.CreateGovCloudAccount,
		DescribeCreateAccountStatus: s.DescribeCreateAccountStatus,
		ListCreateAccountStatus:     s.ListCreateAccountStatus,

		DescribeAccount:       s.DescribeAccount,
		ListAccounts:          s.ListAccounts,
		ListAccountsForParent: s.ListAccountsForParent,

		RemoveAccountFromOrganization: s.RemoveAccountFromOrganization,
		LeaveOrganization:             s.LeaveOrganization,
		CloseAccount:                  s.CloseAccount,

		EnableAWSServiceAccess:              s.EnableAWSServiceAccess,
		DisableAWSServiceAccess:             s.DisableAWSServiceAccess,
		ListAWSServiceAccessForOrganization: s.ListAWSServiceAccessForOrganization,

		RegisterDelegatedAdministrator:   s.RegisterDelegatedAdministrator,
		DeregisterDelegatedAdministrator: s.DeregisterDelegatedAdministrator,
		ListDelegatedAdministrators:      s.ListDelegatedAdministrators,
		ListDelegatedServicesForAccount:  s.ListDelegatedServicesForAccount,

		TagResource:         s.TagResource,
		UntagResource:       s.UntagResource,
		ListTagsForResource: s.ListTagsForResource,
	}
}
