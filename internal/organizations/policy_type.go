package organizations

import (
	"context"
	"errors"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// EnablePolicyType begins to use a policy type in the root.
func (s *Service) EnablePolicyType(ctx context.Context, call *awsmodel.Call, in *api.EnablePolicyTypeInput) (*api.EnablePolicyTypeOutput, error) {
	return update(ctx, s, func(tx *store.Tx) (*api.EnablePolicyTypeOutput, error) {
		m, err := s.admit(ctx, tx, call, "EnablePolicyType")
		if err != nil {
			return nil, err
		}
		if err := enablable(ctx, tx, m, in.RootId, in.PolicyType); err != nil {
			return nil, err
		}
		root, err := s.change(ctx, tx, call, m, in.PolicyType, directory.PendingEnable)
		return &api.EnablePolicyTypeOutput{Root: root}, err
	})
}

// enablable refuses what keeps a policy type from being enabled.
func enablable(ctx context.Context, tx *store.Tx, m Membership, root string, policyType api.PolicyType) error {
	if root != m.Root {
		return rootNotFound()
	}
	if !m.AllFeatures() {
		return policyTypeNotAvailable()
	}
	now, err := directory.LookupPolicyType(ctx, tx, m.Org, string(policyType))
	if err == nil {
		if now.Status == directory.PendingDisable {
			return policyChangesInProgress()
		}
		return policyTypeAlreadyEnabled()
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return trustedForPolicies(ctx, tx, m, policyType)
}

// trustedForPolicies refuses a type whose service has no trusted access.
func trustedForPolicies(ctx context.Context, tx *store.Tx, m Membership, policyType api.PolicyType) error {
	for principal, governed := range policyTypeOf {
		if governed != policyType {
			continue
		}
		trusted, err := TrustedAccessEnabled(ctx, tx, m.Org, principal)
		if err != nil {
			return err
		}
		if !trusted {
			return policyServiceAccessNotEnabled()
		}
	}
	return nil
}

// DisablePolicyType begins to stop the use of a policy type in the root.
func (s *Service) DisablePolicyType(ctx context.Context, call *awsmodel.Call, in *api.DisablePolicyTypeInput) (*api.DisablePolicyTypeOutput, error) {
	return update(ctx, s, func(tx *store.Tx) (*api.DisablePolicyTypeOutput, error) {
		m, err := s.admit(ctx, tx, call, "DisablePolicyType")
		if err != nil {
			return nil, err
		}
		if in.RootId != m.Root {
			return nil, rootNotFound()
		}
		now, err := directory.LookupPolicyType(ctx, tx, m.Org, string(in.PolicyType))
		if err != nil {
			return nil, missing(err, policyTypeNotEnabled())
		}
		if now.Status != directory.PolicyTypeEnabled {
			return nil, policyChangesInProgress()
		}
		root, err := s.change(ctx, tx, call, m, in.PolicyType, directory.PendingDisable)
		return &api.DisablePolicyTypeOutput{Root: root}, err
	})
}

// change writes a pending status, which a job settles, and shows the root.
func (s *Service) change(ctx context.Context, tx *store.Tx, call *awsmodel.Call, m Membership, policyType api.PolicyType, status directory.PolicyTypeStatus) (*api.Root, error) {
	p := directory.PolicyType{Type: string(policyType), Status: status}
	if err := directory.PutPolicyType(ctx, tx, m.Org, p); err != nil {
		return nil, err
	}
	err := s.later(ctx, tx, settlePolicyTypeJob, m.Management, call.Time.Add(s.transition), string(m.Org), p.Type)
	if err != nil {
		return nil, err
	}
	root, err := rootOutput(ctx, tx, m)
	return &root, err
}

// settlePolicyType is the job that ends a pending status.
func (s *Service) settlePolicyType(ctx context.Context, tx *store.Tx, org OrganizationID, policyType string) error {
	p, err := directory.LookupPolicyType(ctx, tx, org, policyType)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	case p.Status == directory.PendingDisable:
		return directory.DeletePolicyType(ctx, tx, org, policyType)
	case p.Status == directory.PendingEnable:
		p.Status = directory.PolicyTypeEnabled
		return directory.PutPolicyType(ctx, tx, org, p)
	}
	return nil
}
