package organizations

import (
	"context"
	"errors"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/organizations/principal"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/handshakes"
	"muster/internal/store/policies"
)

// rootName is the name that every root has.
const rootName = "Root"

// CreateOrganization makes the calling account the management account of a new
// organization with one root.
func (s *Service) CreateOrganization(ctx context.Context, call *awsmodel.Call, in *api.CreateOrganizationInput) (*api.CreateOrganizationOutput, error) {
	features := directory.AllFeatures
	if in.FeatureSet == api.OrganizationFeatureSetConsolidatedBilling {
		features = directory.ConsolidatedBilling
	}
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.CreateOrganizationOutput, error) {
		_, err := Of(ctx, tx, call.Account())
		if err == nil {
			return nil, alreadyInOrganization()
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if err := signedUp(ctx, tx, call.Account()); err != nil {
			return nil, err
		}
		o := directory.Organization{
			ID: newOrganizationID(), Management: call.Account(), FeatureSet: features, CreatedAt: call.Time,
		}
		if err := s.found(ctx, tx, &o); err != nil {
			return nil, err
		}
		out, err := organizationOutput(ctx, tx, o)
		return &api.CreateOrganizationOutput{Organization: out}, err
	})
}

// signedUp refuses an account whose sign-up is unfinished.
func signedUp(ctx context.Context, tx *store.Tx, account arn.AccountID) error {
	a, err := directory.LookupAccount(ctx, tx, account)
	if err == nil && a.State == directory.PendingActivation {
		err = signUpUnfinished()
	}
	return err
}

// found writes a new organization with its root, policy types and first
// account. The management account counts as invited, as in AWS.
func (s *Service) found(ctx context.Context, tx *store.Tx, o *directory.Organization) error {
	root, err := unusedRootID(ctx, tx)
	if err != nil {
		return err
	}
	o.Root = root
	if err := directory.InsertOrganization(ctx, tx, *o); err != nil {
		return err
	}
	if o.FeatureSet == directory.AllFeatures {
		scp := directory.PolicyType{Type: string(api.PolicyTypeServiceControlPolicy), Status: directory.PolicyTypeEnabled}
		if err := directory.PutPolicyType(ctx, tx, o.ID, scp); err != nil {
			return err
		}
	}
	return directory.AddMember(ctx, tx, o.ID, o.Management, o.Root, directory.Invited, o.CreatedAt)
}

// unusedRootID draws until the id is free: its four characters are few.
func unusedRootID(ctx context.Context, tx *store.Tx) (string, error) {
	for {
		id := newRootID()
		taken, err := directory.RootTaken(ctx, tx, id)
		if err != nil || !taken {
			return id, err
		}
	}
}

// DescribeOrganization returns the caller's organization.
func (s *Service) DescribeOrganization(ctx context.Context, call *awsmodel.Call, in *api.DescribeOrganizationInput) (*api.DescribeOrganizationOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.DescribeOrganizationOutput, error) {
		m, err := s.Admit(ctx, tx, call, "DescribeOrganization", in)
		if err != nil {
			return nil, err
		}
		o, err := directory.LookupOrganization(ctx, tx, m.Org)
		if err != nil {
			return nil, err
		}
		out, err := organizationOutput(ctx, tx, o)
		return &api.DescribeOrganizationOutput{Organization: out}, err
	})
}

// organizationOutput shows an organization. AvailablePolicyTypes says what AWS
// still says there, which is less than ListRoots does: service control
// policies with all features, nothing without.
func organizationOutput(ctx context.Context, tx *store.Tx, o directory.Organization) (*api.Organization, error) {
	management, err := directory.LookupAccount(ctx, tx, o.Management)
	if err != nil {
		return nil, err
	}
	available := []api.PolicyTypeSummary{}
	if o.FeatureSet == directory.AllFeatures {
		available = append(available, api.PolicyTypeSummary{
			Type: api.PolicyTypeServiceControlPolicy, Status: api.PolicyTypeStatusEnabled,
		})
	}
	return &api.Organization{
		Id:                   new(string(o.ID)),
		Arn:                  organizationARN(o),
		FeatureSet:           api.OrganizationFeatureSet(o.FeatureSet),
		MasterAccountArn:     accountARN(o.Management, o.ID, o.Management),
		MasterAccountId:      new(string(o.Management)),
		MasterAccountEmail:   new(management.Email),
		AvailablePolicyTypes: available,
	}, nil
}

// DeleteOrganization dissolves an organization that has no account but the
// management account, with its units. A creation in progress counts as an
// account.
func (s *Service) DeleteOrganization(ctx context.Context, call *awsmodel.Call, in *api.DeleteOrganizationInput) (*api.DeleteOrganizationOutput, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.DeleteOrganizationOutput, error) {
		m, err := s.Admit(ctx, tx, call, "DeleteOrganization", in)
		if err != nil {
			return nil, err
		}
		n, err := accountsAndRequests(ctx, tx, m.Org)
		if err != nil {
			return nil, err
		}
		if n > 1 {
			return nil, organizationNotEmpty()
		}
		transferring, err := handshakes.Transferring(ctx, tx, m.Org, m.Management, call.Time)
		if err != nil {
			return nil, err
		}
		if transferring {
			return nil, transferGoesOn()
		}
		if err := s.withdrawTrust(ctx, tx, call, m); err != nil {
			return nil, err
		}
		if err := policies.DeleteOrganization(ctx, tx, m.Org); err != nil {
			return nil, err
		}
		if err := directory.DeleteOrganization(ctx, tx, m.Org); err != nil {
			return nil, err
		}
		err = s.tell(func(o Observer) error { return o.AccountLeft(ctx, tx, m.Org, m.Management, call.Time) })
		return &api.DeleteOrganizationOutput{}, err
	})
}

// accountsAndRequests counts the accounts an organization has and is about to
// have.
func accountsAndRequests(ctx context.Context, tx *store.Tx, org OrganizationID) (int, error) {
	accounts, err := directory.CountMembers(ctx, tx, org)
	if err != nil {
		return 0, err
	}
	requests, err := directory.CountRequests(ctx, tx, org, directory.InProgress)
	return accounts + requests, err
}

// withdrawTrust ends the trusted access of every service of an organization
// that is being deleted.
func (s *Service) withdrawTrust(ctx context.Context, tx *store.Tx, call *awsmodel.Call, m Membership) error {
	list, err := directory.TrustedServices(ctx, tx, m.Org, "", principal.Count())
	if err != nil {
		return err
	}
	for _, t := range list {
		if _, err := directory.DeleteTrustedService(ctx, tx, m.Org, t.Principal); err != nil {
			return err
		}
		err := s.tell(func(o Observer) error {
			return o.TrustedAccessDisabled(ctx, tx, m.Org, m.Management, t.Principal, call.Time)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
